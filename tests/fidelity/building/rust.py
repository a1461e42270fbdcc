"""Rust: the entry, with its modules."""

from __future__ import annotations

from pathlib import Path

from tests.fidelity.building import compile_with

from drybox.backends.local.rootfs.toolchain import FoundToolchain


def build(found: FoundToolchain, entry: str, work: Path, out: Path) -> list[str]:
    """The command that runs the program."""
    program = str(out / "main")
    flags = ("--edition", "2021", "--crate-name", "main", "-A", "warnings")
    compile_with([found.executable, *flags, "-o", program, entry], work, {})
    return [program]
