"""Misuse of ``drybox``: every odd combination ends with 2 and a sentence, never a traceback."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.support.cli import DRYBOX, calm, drybox
from tests.support.identity import Runner

from drybox.backends.local.backend import OPEN_TIMEOUT

pytestmark = pytest.mark.promise("RES-9")

PRINT = ("-l", "python", "-c", "print(1)")

MISUSES: dict[str, tuple[str, ...]] = {
    "nothing to run": ("run",),
    "unknown command": ("frobnicate",),
    "unknown option": ("--frobnicate",),
    "unknown option of run": ("run", *PRINT, "--frobnicate"),
    "unknown short option": ("run", *PRINT, "-z"),
    "option without value": ("run", "-l"),
    "code without a language": ("run", "-c", "print(1)"),
    "standard input without a language": ("run", "-"),
    "unknown language": ("run", "-l", "cobol", "-c", "x"),
    "empty language": ("run", "-l", "", "-c", "x"),
    "no version": ("run", "-l", "python@x", "-c", "x"),
    "missing file": ("run", "missing.py"),
    "missing folder": ("run", "missing/"),
    "file in a missing folder": ("run", "missing/main.py"),
    "unknown suffix": ("run", "notes.txt"),
    "no suffix": ("run", "Makefile"),
    "empty path": ("run", ""),
    "folder without sources": ("run", "docs"),
    "empty folder": ("run", "empty"),
    "folder with sources of two languages": ("run", "mixed"),
    "folder with no clear entry": ("run", "many", "-l", "python"),
    "entrypoint that is not there": ("run", "many", "--entrypoint", "c.py"),
    "entrypoint outside": ("run", "many", "--entrypoint", "../hello.py"),
    "absolute entrypoint": ("run", "many", "--entrypoint", "/etc/passwd"),
    "pipe": ("run", "pipe.py"),
    "device": ("run", "/dev/zero", "-l", "python"),
    "dangling link": ("run", "dangling.py"),
    "link to itself": ("run", "loop.py"),
    "huge file": ("run", "huge.py"),
    "folder of huge files": ("run", "hugefolder"),
    "too many files": ("run", "thousands"),
    "name with a newline": ("run", "new\nline.py"),
    "name that is not text": ("run", os.fsdecode(b"\xff.py")),
    "code that is not text": ("run", "-l", "python", "-c", os.fsdecode(b"print('\xff')")),
    "argument that is not text": ("run", *PRINT, "--", os.fsdecode(b"\xff")),
    "variable in the place of an environment": ("run", *PRINT, "-e", "A=1"),
    "no duration": ("run", *PRINT, "--timeout", "soon"),
    "no time at all": ("run", *PRINT, "--timeout", "0"),
    "negative time": ("run", *PRINT, "--timeout", "-1s"),
    "endless time": ("run", *PRINT, "--timeout", "inf"),
    "ages": ("run", *PRINT, "--timeout", "99999h"),
    "no size": ("run", *PRINT, "--memory", "much"),
    "negative size": ("run", *PRINT, "--memory=-1"),
    "tiny memory": ("run", *PRINT, "--memory", "1k"),
    "memory of the universe": ("run", *PRINT, "--memory", "99999999t"),
    "no number of CPUs": ("run", *PRINT, "--cpus", "two"),
    "no CPU": ("run", *PRINT, "--cpus", "0"),
    "CPUs that are no number": ("run", *PRINT, "--cpus", "nan"),
    "no process": ("run", *PRINT, "--pids", "0"),
    "half a process": ("run", *PRINT, "--pids", "1.5"),
    "no disk": ("run", *PRINT, "--disk", "0"),
    "negative output": ("run", *PRINT, "--output", "-5"),
    "unknown isolation": ("run", *PRINT, "--isolation", "chroot"),
    "variable without a value": ("run", *PRINT, "--env", "NAME"),
    "variable without a name": ("run", *PRINT, "--env", "=value"),
    "packages": ("run", *PRINT, "--package", "requests"),
    "folder of packages that is none": ("run", *PRINT, "--package-dir", "missing"),
    "package that is an option": ("run", *PRINT, "--package", "--index-url=x"),
    "absolute glob": ("run", *PRINT, "--artifact", "/etc/*"),
    "glob outside": ("run", *PRINT, "--artifact", "../*"),
    "unknown guarantee": ("run", *PRINT, "--allow-weaker", "everything"),
    "missing input": ("run", *PRINT, "--stdin", "missing.txt"),
    "input that is a folder": ("run", *PRINT, "--stdin", "docs"),
    "too much input": ("run", *PRINT, "--stdin", "huge.bin"),
    "argument of version": ("version", "x"),
    "option of doctor": ("doctor", "--frobnicate"),
    "unknown isolation of selftest": ("selftest", "--isolation", "chroot"),
    "unknown isolation of bench": ("bench", "--isolation", "chroot"),
    "unknown language of bench": ("bench", "-l", "cobol"),
    "no time of bench": ("bench", "--time", "soon"),
    "folder for artifacts that is a file": (
        *("run", *PRINT, "--artifact", "*", "--artifact-dir", "notes.txt"),
    ),
    "folder for artifacts below a file": (
        *("run", *PRINT, "--artifact", "*", "--artifact-dir", "notes.txt/a/b"),
    ),
    "TypeScript with JSX": ("run", "main.tsx"),
    "JavaScript with JSX": ("run", "main.jsx"),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder full of things that are no programs."""
    place = tmp_path_factory.mktemp("misuse")
    (place / "notes.txt").write_text("no program")
    (place / "Makefile").write_text("all:")
    (place / "hello.py").write_text("print('Hello')")
    for name in ("main.tsx", "main.jsx"):
        (place / name).write_text("const a = <b/>;")
    for name, files in {
        "docs": ["readme.md", "data.csv"],
        "empty": [],
        "mixed": ["main.py", "main.js"],
        "many": ["a.py", "b.py"],
        "thousands": [f"f{i}.py" for i in range(2100)],
    }.items():
        (place / name).mkdir()
        for file in files:
            (place / name / file).write_text("")
    os.mkfifo(place / "pipe.py")
    (place / "dangling.py").symlink_to("nowhere")
    (place / "loop.py").symlink_to("loop.py")
    (place / "hugefolder").mkdir()
    sizes = {"huge.py": 17, "hugefolder/a.py": 9, "hugefolder/b.py": 9, "huge.bin": 65}
    for path, size in sizes.items():
        with (place / path).open("wb") as sparse:
            sparse.truncate(size << 20)
    for odd in (b"new\nline.py", b"back\\slash.py", b"\xff.py"):
        (place / os.fsdecode(odd)).write_text("print(1)")
    return place


@pytest.mark.parametrize(
    "words", MISUSES.values(), ids=[name.replace(" ", "_") for name in MISUSES]
)
def test_misuse_ends_with_2_and_a_sentence(place: Path, words: tuple[str, ...]) -> None:
    done = drybox(*words, cwd=place)
    assert (done.returncode, done.stdout) == (2, b"")
    assert 10 < len(done.stderr) < 3000
    done.stderr.decode()


@pytest.mark.parametrize(
    "words",
    [("selftest",), ("selftest", "--json"), ("doctor",), ("run", *PRINT), ("serve", "--port", "0")],
    ids=" ".join,
)
def test_an_unknown_guarantee_of_the_configuration_is_one_misuse(words: tuple[str, ...]) -> None:
    done = drybox(*words, env={"DRYBOX_ALLOW_WEAKER": "pids,everything"})
    assert (done.returncode, done.stdout) == (2, b"")
    said = done.stderr.decode()
    assert said.count("'everything' cannot be given up") == 1, said
    assert "DRYBOX_ALLOW_WEAKER" in said
    assert len(said.splitlines()) == 2


@pytest.mark.parametrize(
    ("words", "suggestion"),
    [
        (("run", "-l", "pyhton", "-c", "x"), "python"),
        (("run", "-l", "javscript", "-c", "x"), "javascript"),
        (("run", *PRINT, "--time", "3"), "--timeout"),
        (("run", *PRINT, "--artefact", "x"), "--artifact"),
        (("run", *PRINT, "--isolation", "gviser"), "gvisor"),
        (("run", "missing.py"), "missing.py"),
        (("run", "main.tsx"), "JSX needs a library. Write it without, as .ts"),
        (("run", "main.jsx"), "JSX needs a library. Write it without, as .js"),
        (("selftest", "--isolation", "x"), "--isolation: 'x' is not known"),
        (("bench", "--isolation", "x"), "--isolation: 'x' is not known"),
        (("bench", "-l", "pyhton"), "--language: 'pyhton' is not known"),
        (("bench", "--time", "soon"), "--time: 'soon'"),
        (("run", *PRINT, "-e", "data"), "[environments.NAME]"),
        (("runn", "x.py"), "Did you mean 'run'?"),
        (("sessions", "list"), "Did you mean 'session'?"),
        ((".", "x"), "To run it: drybox run ."),
    ],
)
def test_misuse_is_answered_with_the_right_word(
    place: Path, words: tuple[str, ...], suggestion: str
) -> None:
    done = drybox(*words, cwd=place)
    assert done.returncode == 2
    assert suggestion in done.stderr.decode()


def test_a_missing_file_is_called_missing(place: Path) -> None:
    done = drybox("run", "missing.py", cwd=place)
    assert "no such file" in done.stderr.decode().lower()


def test_empty_programs_are_programs(tmp_path: Path) -> None:
    for name in ("empty.py", "empty.js"):
        (tmp_path / name).write_bytes(b"")
        done = drybox("run", name, cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    for name in ("empty.go", "Empty.java"):
        (tmp_path / name).write_bytes(b"")
        done = drybox("run", name, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr


@pytest.mark.parametrize("name", ["a.py", "a.js", "a.go", "A.java"])
@pytest.mark.parametrize("seed", [1, 2])
def test_garbage_is_the_programs_own_failure(tmp_path: Path, name: str, seed: int) -> None:
    (tmp_path / name).write_bytes(random.Random(seed).randbytes(5000))
    done = drybox("run", name, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr


def test_garbage_on_standard_input_as_source() -> None:
    done = drybox("run", "-", "-l", "python", stdin=b"\xff\xfe\x00")
    assert (done.returncode, done.stdout) == (1, b"")  # the program's own failure, as in a file
    assert b"UTF-8" in done.stderr


def test_options_in_random_order(tmp_path: Path) -> None:
    """Whatever the words are, it ends with one of the promised codes."""
    words = [
        *("run", "-l", "python", "-c", "pass", "--json", "--", "-", "--timeout", "1", "--env"),
        *(
            "A=b",
            "--memory",
            "64m",
            "--artifact",
            "*",
            "",
            "@",
            "--stdin",
            os.devnull,
            "ü",
            "--pids",
        ),
    ]
    chance = random.Random(7)
    for _ in range(25):
        chosen = ["run", *chance.sample(words, chance.randint(1, 9))]
        done = drybox(*chosen, cwd=tmp_path)
        assert done.returncode in (0, 1, 2, 124), (chosen, done)


def test_a_file_that_may_not_be_read(user_runner: Runner) -> None:
    code = """\
import os, subprocess, sys, tempfile
with tempfile.TemporaryDirectory() as folder:
    path = folder + "/secret.py"
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0))
    sys.exit(subprocess.call([sys.executable, "-m", "drybox", "run", path]))
"""
    argv, env = user_runner.command([sys.executable, "-c", code])
    done = subprocess.run(argv, env=env, capture_output=True, timeout=60, cwd="/")
    calm(done.stderr)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"ermission denied" in done.stderr


def test_a_working_directory_that_is_gone(tmp_path: Path) -> None:
    script = 'cd "$1" && rmdir "$1" && shift && exec "$@"'
    for words in (("run", *PRINT), ("run", "."), ("version",)):
        gone = tmp_path / "gone"
        gone.mkdir()
        done = subprocess.run(
            ["sh", "-c", script, "sh", str(gone), DRYBOX, *words], capture_output=True, timeout=60
        )
        calm(done.stderr)
        assert done.returncode in (0, 2), done.stderr


@pytest.mark.parametrize("words", [("run", *PRINT), ("languages",), ("doctor", "--json")])
def test_without_a_home(words: tuple[str, ...]) -> None:
    done = drybox(*words, env={"HOME": "/nonexistent", "XDG_CACHE_HOME": ""})
    assert done.returncode == 0
    empty = subprocess.run(
        [DRYBOX, *words], env={"PATH": os.environ["PATH"]}, capture_output=True, timeout=60
    )
    calm(empty.stderr)
    assert empty.returncode == 0


def test_a_bubblewrap_that_fails_is_told_soon(tmp_path: Path) -> None:
    """Nobody else may hold its sandbox's stream open: its end is all that tells of it."""
    bwrap = tmp_path / "bwrap"
    bwrap.write_text("#!/bin/sh\necho 'bwrap: not today' >&2\nexit 1\n")
    bwrap.chmod(0o755)
    began = time.monotonic()
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = drybox("run", "--isolation", "local", "-l", "python", "-c", "1", env=env)
    assert done.returncode == 125
    assert b"bwrap: not today" in done.stderr
    assert time.monotonic() - began < OPEN_TIMEOUT
