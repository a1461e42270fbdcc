"""Runs a program without any sandbox, on the toolchain that drybox uses."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from tests.fidelity.cases import Case

from drybox.backends.local.rootfs.toolchain import FoundToolchain, find_toolchain
from drybox.languages.registry import known_languages

NOBODY = 65534
TIMEOUT = 120.0


@dataclass(frozen=True)
class Outcome:
    """What a program showed of itself, and the files it left, as far as that was looked at."""

    stdout: bytes
    stderr: bytes
    end: int | str
    files: Mapping[str, bytes] | None = None


@lru_cache
def toolchain(language: str) -> FoundToolchain:
    """The toolchain that drybox uses."""
    return find_toolchain(language, known_languages()[language].toolchain, "")


def run(case: Case, place: Path) -> Outcome:
    """Run the program.

    Args:
        case: The program.
        place: A folder for its own use that anybody may enter.

    Returns:
        What it showed, with its working directory called ``/sandbox``.
    """
    work, out = place / "work", place / "out"
    work.mkdir()
    out.mkdir()
    entry = _place(case, work)
    argv = _build(case, entry, work, out)
    found = toolchain(case.language)
    env = {
        "PATH": ":".join(dict.fromkeys([os.path.dirname(found.executable), "/usr/bin", "/bin"])),
        "HOME": str(work),
        "LANG": "C.UTF-8",
        **case.env,
    }
    if case.line_buffered:
        env["PYTHONUSERBASE"] = str(_line_buffered(place, found.version))
    return _outcome([*argv, *case.args], work, env, case.stdin)


def _line_buffered(place: Path, version: str) -> Path:
    """A folder for a user's own packages that makes Python's output what it is inside."""
    series = ".".join(version.split(".")[:2])
    folder = place / "user" / f"lib/python{series}/site-packages"
    folder.mkdir(parents=True)
    (folder / "line.pth").write_text("import sys; sys.stdout.reconfigure(line_buffering=True)\n")
    return place / "user"


def _place(case: Case, work: Path) -> str:
    files = dict(case.files)
    entry = case.entrypoint or next((name for name in files if name.startswith("main.")), "")
    if case.code is not None:
        entry = _path_of(case.language, case.code)
        files = {entry: case.code.encode()}
    for name, content in files.items():
        path = work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    if not os.getuid():  # root may do what nobody else may, so the program is not run by root
        for path in (work, *work.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    return entry


def _path_of(language: str, code: str) -> str:
    own = _own_way(language)
    if own is not None and hasattr(own, "path_of"):
        return str(own.path_of(code))
    return f"main{known_languages()[language].suffixes[0]}"


def _build(case: Case, entry: str, work: Path, out: Path) -> list[str]:
    """The command that runs the program; what has to be compiled is."""
    found = toolchain(case.language)
    own = _own_way(case.language)
    if own is None:
        return [found.executable, entry]
    argv: list[str] = own.build(found, entry, work, out)
    return argv


def is_compiled(language: str) -> bool:
    """Whether more is to be done for its programs than to start them."""
    return _own_way(language) is not None


def _own_way(language: str) -> ModuleType | None:
    """How a language's programs come to run, where more is to be done than to start them."""
    name = f"tests.fidelity.building.{language}"
    return import_module(name) if find_spec(name) else None


def _outcome(argv: list[str], work: Path, env: Mapping[str, str], stdin: bytes) -> Outcome:
    ours, theirs = zip(_pipe(0), _pipe(1), _pipe(1), strict=True)
    user = {} if os.getuid() else {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    process = subprocess.Popen(
        # As in a sandbox: where cores go to a pipe, only a limit of 1 makes none.
        ["prlimit", "--core=1:1", "--", *argv],
        cwd=work,
        env=dict(env),
        stdin=theirs[0],
        stdout=theirs[1],
        stderr=theirs[2],
        start_new_session=True,
        umask=0o022,
        **user,  # type: ignore[call-overload]
    )
    for fd in theirs:
        os.close(fd)
    process.stdin, process.stdout, process.stderr = (
        os.fdopen(fd, mode) for fd, mode in zip(ours, ("wb", "rb", "rb"), strict=True)
    )
    with process:
        try:
            out, err = process.communicate(stdin, TIMEOUT)
        finally:
            process.kill()
    code = process.returncode
    here = str(work).encode()
    return Outcome(
        out.replace(here, b"/sandbox"),
        err.replace(here, b"/sandbox"),
        signal.Signals(-code).name if code < 0 else code,
    )


def _pipe(its_end: int) -> tuple[int, int]:
    """A pipe for the program, our end first; it is the program's own, who may open it again."""
    ends = os.pipe()
    if not os.getuid():
        os.fchown(ends[0], NOBODY, NOBODY)
    return ends[1 - its_end], ends[its_end]
