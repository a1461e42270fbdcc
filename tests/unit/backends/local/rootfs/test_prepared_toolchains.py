"""Which toolchains other languages' sandboxes see."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio
import pytest

from drybox.backends.local.rootfs import prepared_toolchains
from drybox.backends.local.rootfs.layout import Layout
from drybox.backends.local.rootfs.prepared_toolchains import PreparedToolchains
from drybox.backends.local.rootfs.toolchain import FoundToolchain
from drybox.backends.local.rootfs.toolchain_cache import _place
from drybox.backends.preparations import Preparations
from drybox.languages.registry import known_languages

C = known_languages()["c"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where what C needs is once it is made; its toolchain is found."""
    found = FoundToolchain("gcc", sys.executable, "/usr", "12.2.0", "/usr/bin/gcc", Layout())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(prepared_toolchains, "find_toolchain", lambda *_: found)
    (recipe,) = C.toolchain.preparations
    return _place(recipe, found)


def seen(toolchains: PreparedToolchains) -> bool:
    return "c" in anyio.run(toolchains.beside, (C,))


def test_what_was_there_at_the_start_is_seen(place: Path) -> None:
    place.mkdir(parents=True)
    assert seen(PreparedToolchains(Preparations(print)))


def test_what_somebody_has_had_made_since_is_not(place: Path) -> None:
    toolchains = PreparedToolchains(Preparations(print))
    assert not seen(toolchains)
    place.mkdir(parents=True)
    assert not seen(toolchains)
    toolchains.offer(C)  # the operator
    assert seen(toolchains)
