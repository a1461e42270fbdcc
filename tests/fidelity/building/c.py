"""C: every source but those that another includes."""

from __future__ import annotations

from pathlib import Path

from tests.fidelity.building import compile_with

from drybox.backends.local.rootfs.toolchain import FoundToolchain

LINES = """\
#include <stdio.h>
__attribute__((constructor)) static void lines(void) { setvbuf(stdout, NULL, _IOLBF, 0); }
"""
"""What ``stdbuf -oL`` does: inside, output is written line by line."""


def build(found: FoundToolchain, entry: str, work: Path, out: Path) -> list[str]:
    """The command that runs the program."""
    return build_with(found, ("-std=gnu17",), "*.c", work, out)


def build_with(
    found: FoundToolchain, flags: tuple[str, ...], pattern: str, work: Path, out: Path
) -> list[str]:
    """The command that runs a program of all the sources that fit a pattern."""
    lines, program = out / "lines.c", out / "main"
    lines.write_text(LINES)
    texts = [path.read_text() for path in work.rglob("*") if path.suffix != ".o" and path.is_file()]
    sources = [
        path.relative_to(work).as_posix()
        for path in sorted(work.rglob(pattern))
        if not any(f'#include "{path.name}"' in text for text in texts)
    ]
    command = [found.executable, *flags, "-O2", "-pthread", "-w", "-o", str(program), *sources]
    compile_with([*command, str(lines), "-lm"], work, {})
    return [str(program)]
