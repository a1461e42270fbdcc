"""Environments of packages made on the spot: no network, and the operator's own settings of pip."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.packages import GREETING, make_wheel

GREET = """
import words

def greet():
    return words.WORDS

def say():
    print("command", greet())
"""


def make_index(folder: Path) -> Path:
    """A folder of wheels: ``greet`` needs ``words``, ``raises`` cannot be imported."""
    folder.mkdir(exist_ok=True)
    make_wheel(folder, "words", "2.0.0", {"words.py": f"WORDS = {GREETING!r}\n"})
    points = "[console_scripts]\nsay-greeting = greet:say\n"
    files = {"greet.py": GREET, "greet-1.2.0.dist-info/entry_points.txt": points}
    make_wheel(folder, "greet", "1.2.0", files, needs="words>=2")
    make_wheel(folder, "raises", "1.0.0", {"raises.py": "raise ValueError('no import today')\n"})
    return folder


def settings_of(index: Path) -> Mapping[str, str]:
    """What has pip and uv look in a folder alone."""
    return {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(index),
        "PIP_CONFIG_FILE": os.devnull,
        "UV_NO_INDEX": "1",
        "UV_FIND_LINKS": str(index),
    }


@contextmanager
def using(index: Path) -> Iterator[None]:
    """While the operator's settings are these."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings_of(index).items():
            patch.setenv(name, value)
        yield
