"""Java: every source, and the entry's first class that has a main."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tests.fidelity.building import compile_with

from drybox.backends.local.rootfs.toolchain import FoundToolchain

MAIN = (b"\x01\x00\x04main", b"\x01\x00\x16([Ljava/lang/String;)V")
"""How the name and the type of a main method stand in a class file."""

QUICK = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""How the JVM that the compiler runs on spends least; what it makes is the same."""

_PACKAGE = re.compile(r"^package\s+([\w.]+)\s*;", re.MULTILINE)
_TYPE = re.compile(
    r"^(public\s+)?(?:[\w-]+\s+)*?(?:class|interface|enum|record)\s+(\w+)", re.MULTILINE
)
"""A top-level type; the programs have nothing else so at the start of a line."""


def path_of(code: str) -> str:
    """The file that javac wants for a source."""
    package = _PACKAGE.search(code)
    folder = package[1].replace(".", "/") + "/" if package else ""
    public = [name for is_public, name in _TYPE.findall(code) if is_public]
    return f"{folder}{public[0] if public else 'Main'}.java"


def build(found: FoundToolchain, entry: str, work: Path, out: Path) -> list[str]:
    """The command that runs the program."""
    javac = os.path.join(os.path.dirname(found.executable), "javac")
    sources = sorted(path.relative_to(work).as_posix() for path in work.rglob("*.java"))
    quick = [f"-J{flag}" for flag in QUICK]
    compile_with([javac, *quick, "-d", str(out), "-encoding", "UTF-8", *sources], work, {})
    return [found.executable, "-cp", str(out), _main_class(out, work / entry)]


def _main_class(out: Path, entry: Path) -> str:
    """The first type of the entry's file that has a main method."""
    source = entry.read_text("utf-8")
    package = _PACKAGE.search(source)
    folder = package[1].replace(".", "/") if package else "."
    for _, name in _TYPE.findall(source):
        compiled = (out / folder / f"{name}.class").read_bytes()
        if all(part in compiled for part in MAIN):
            return f"{package[1]}.{name}" if package else str(name)
    raise AssertionError(f"{entry} has no main")
