"""C++: every source."""

from __future__ import annotations

from pathlib import Path

from tests.fidelity.building.c import build_with

from drybox.backends.local.rootfs.toolchain import FoundToolchain


def build(found: FoundToolchain, entry: str, work: Path, out: Path) -> list[str]:
    """The command that runs the program."""
    return build_with(found, ("-std=gnu++20",), "*.cpp", work, out)
