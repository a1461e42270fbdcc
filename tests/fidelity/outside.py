"""Runs a program without any sandbox, on the toolchain that drybox uses."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tests.fidelity.cases import Case

from drybox.backends.local.toolchain import FoundToolchain, find_toolchain
from drybox.languages import known_languages

NOBODY = 65534
PATIENCE = 120.0
MAIN = (b"\x01\x00\x04main", b"\x01\x00\x16([Ljava/lang/String;)V")
"""How the name and the type of a main method stand in a class file."""

_PACKAGE = re.compile(r"^package\s+([\w.]+)\s*;", re.MULTILINE)
_TYPE = re.compile(
    r"^(public\s+)?(?:[\w-]+\s+)*?(?:class|interface|enum|record)\s+(\w+)", re.MULTILINE
)
"""A top-level type; the programs have nothing else so at the start of a line."""


@dataclass(frozen=True)
class Outcome:
    """What a program showed of itself."""

    stdout: bytes
    stderr: bytes
    end: int | str


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
    return _outcome([*argv, *case.args], work, env, case.stdin)


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
    if language != "java":
        return {"python": "main.py", "node": "main.js", "go": "main.go"}[language]
    package = _PACKAGE.search(code)
    folder = package[1].replace(".", "/") + "/" if package else ""
    public = [name for is_public, name in _TYPE.findall(code) if is_public]
    return f"{folder}{public[0] if public else 'Main'}.java"


def _build(case: Case, entry: str, work: Path, out: Path) -> list[str]:
    """The command that runs the program; what has to be compiled is."""
    found = toolchain(case.language)
    if case.language == "go":
        module = (work / "go.mod").exists()
        sources = [] if module else sorted(path.name for path in work.glob("*.go"))
        program = str(out / "prog")
        command = [found.executable, "build", "-o", program, *sources]
        _compile(command, work, {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"})
        return [program]
    if case.language == "java":
        javac = os.path.join(os.path.dirname(found.executable), "javac")
        sources = sorted(path.relative_to(work).as_posix() for path in work.rglob("*.java"))
        _compile([javac, "-d", str(out), "-encoding", "UTF-8", *sources], work, {})
        return [found.executable, "-cp", str(out), _main_class(out, work / entry)]
    return [found.executable, entry]


def _compile(command: Sequence[str], work: Path, env: Mapping[str, str]) -> None:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        command,
        cwd=work,
        env={**kept, **env, "GOTOOLCHAIN": "local"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=PATIENCE * 2,
    )
    if done.returncode:
        raise AssertionError(f"it does not compile outside: {done.stdout.decode()}")


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


def _outcome(argv: list[str], work: Path, env: Mapping[str, str], stdin: bytes) -> Outcome:
    ours, theirs = zip(_pipe(0), _pipe(1), _pipe(1), strict=True)
    user = {} if os.getuid() else {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    process = subprocess.Popen(
        ["sh", "-c", 'ulimit -c 0; exec "$@"', "sh", *argv],
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
            out, err = process.communicate(stdin, PATIENCE)
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
