"""``drybox run`` over a backend that another package advertises: streams, codes, misuse."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import drybox.cli
from drybox import SandboxLost, Unavailable, Unsupported
from drybox.backends.base import Sandbox
from drybox.cli.run import exit_code
from drybox.job import Exit
from drybox.model import MIB, ExecutionResult, Truncated, Usage
from drybox.testing.fake_backend import FakeBackend, FakeSandbox, Script, advertise, maker

Run = Callable[..., tuple[int, bytes, str]]


def result_of(status: Any, code: int | None = None, signal: str | None = None) -> ExecutionResult:
    return ExecutionResult(
        status=status,
        stdout_bytes=b"",
        stderr_bytes=b"",
        exit_code=code,
        signal=signal,
        execution_time=0.0,
        error=None,
        phases=[],
        usage=Usage(),
        truncated=Truncated(),
        artifacts={},
        id="1",
        language="python",
        version="3",
        isolation="fake",
    )


@pytest.mark.parametrize(
    ("status", "code", "signal", "wanted"),
    [
        ("success", 0, None, 0),
        ("failed", 1, None, 1),
        ("failed", 255, None, 255),
        ("signaled", None, "SIGSEGV", 139),
        ("signaled", None, "SIGKILL", 137),
        ("signaled", None, "SIGRTMIN", 162),
        ("signaled", None, "SIGRTMIN+3", 165),
        ("signaled", None, "SIGRTMAX", 192),
        ("timeout", None, None, 124),
        ("memory_limit", None, None, 137),
        ("memory_limit", 1, None, 137),
        ("output_limit", None, None, 125),
        ("sandbox_error", None, None, 125),
        ("compile_error", 2, None, 1),
        ("install_error", 7, None, 1),
    ],
)
def test_each_outcome_has_the_exit_code_of_the_contract(
    status: str, code: int | None, signal: str | None, wanted: int
) -> None:
    assert exit_code(result_of(status, code, signal)) == wanted


# --- the command in this process ------------------------------------------------------------


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend(FakeSandbox([Script([("stdout", b"out\xff"), ("stderr", b"err")])]))


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
    backend: FakeBackend,
) -> Run:
    """Runs ``drybox run`` on the fake: its exit code, stdout and stderr."""
    (tmp_path / "packages").mkdir()
    advertise(monkeypatch, tmp_path / "packages", "drybox.backends", "fake", maker(backend))
    monkeypatch.chdir(tmp_path)

    def run(*words: str, sandbox: Sandbox | Exception | None = None) -> tuple[int, bytes, str]:
        if sandbox is not None:
            backend._sandboxes[:] = [sandbox]  # type: ignore[list-item]
        monkeypatch.setattr(sys, "argv", ["drybox", "run", "--isolation", "fake", *words])
        with pytest.raises(SystemExit) as ended:
            drybox.cli.main()
        out, err = capfdbinary.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, out, err.decode()

    return run


CODE = ("-l", "python", "-c", "pass")


def test_the_programs_streams_come_out_as_they_are(run: Run) -> None:
    assert run(*CODE) == (0, b"out\xff", "err")


def test_a_character_in_two_pieces_comes_out_whole(run: Run) -> None:
    pieces: Any = [("stdout", b"\xe2"), ("stdout", b"\x82\xac"), ("stdout", b"\xe2")]
    assert run(*CODE, sandbox=FakeSandbox([Script(pieces)]))[1] == b"\xe2\x82\xac\xe2"


def test_every_option_reaches_the_sandbox(run: Run, backend: FakeBackend, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"input")
    sandbox = FakeSandbox([Script(reads=True)])
    options = [
        *("--timeout", "1.5s", "--memory", "64m", "--cpus", "0.5", "--pids", "9"),
        *("--disk", "1MiB", "--output", "2k", "--env", "A=1=2", "--env", "B=", "--stdin", "in"),
        *("--entrypoint", "x/y.py", "--allow-weaker", "pids"),
    ]
    code, _, err = run(*CODE, *options, "--", "first", "--second", sandbox=sandbox)
    assert (code, err) == (0, "")
    (command,) = sandbox.commands
    assert command.argv == ("python3", "x/y.py", "first", "--second")
    assert (command.timeout, command.env) == (1.5, {"A": "1=2", "B": ""})
    limits = command.limits
    assert (limits.memory, limits.cpus, limits.pids) == (64 * MIB, 0.5, 9)
    assert (limits.disk, limits.output) == (MIB, 2048)
    assert sandbox.stdin == [b"input"]
    assert backend.allow_weaker == {"pids"}


def test_a_file_and_its_arguments(run: Run, tmp_path: Path) -> None:
    (tmp_path / "tool.js").write_text("1")
    sandbox = FakeSandbox([Script()])
    assert run("tool.js", "a", "--", "-b", sandbox=sandbox)[0] == 0
    assert sandbox.commands[0].argv == ("node", "tool.js", "a", "-b")
    assert [file.path for file in sandbox.files] == ["tool.js"]


def test_one_document_holds_it_all(run: Run) -> None:
    sandbox = FakeSandbox(
        [Script([("stdout", b"o\xff")], Exit(3, None, 0.5))], artifacts={"a": b"\0"}
    )
    code, out, err = run(*CODE, "--json", "--artifact", "a", sandbox=sandbox)
    document = json.loads(out)
    assert (code, err) == (3, "")
    assert (document["status"], document["stdout"]) == ("failed", "o\ufffd")
    assert base64.b64decode(document["artifacts"]["a"]) == b"\0"


def test_artifacts_are_written_where_the_user_said(run: Run, tmp_path: Path) -> None:
    sandbox = FakeSandbox([Script()], artifacts={"d/a": b"1"})
    assert run(*CODE, "--artifact", "**", "--artifact-dir", "got", sandbox=sandbox)[0] == 0
    assert (tmp_path / "got/d/a").read_bytes() == b"1"


@pytest.mark.parametrize(
    ("script", "code", "word"),
    [
        (Script(end=Exit(None, 9, 1.0, timed_out=True)), 124, "--timeout"),
        (Script(end=Exit(None, 9, 1.0, out_of_memory=True)), 137, "memory"),
        (Script([("stdout", bytes(MIB + 1))]), 125, "output"),
        (Script(end=SandboxLost("it is gone.", hint="Try again.")), 125, "Try again."),
        (Script(end=Exit(None, 15, 1.0)), 143, ""),
        (Script(end=Exit(9, None, 1.0)), 9, ""),
    ],
)
def test_what_went_wrong_is_said_on_stderr_with_a_hint(
    run: Run, script: Script, code: int, word: str
) -> None:
    got, _, err = run(*CODE, sandbox=FakeSandbox([script]))
    assert got == code
    assert word.removeprefix("--") in err
    assert bool(err) == bool(word)
    assert ("hint: " in err) == bool(word)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Unavailable("no room.", hint="Come back."), 125),
        (Unsupported("no pids limit.", hint="Mend it."), 125),
        (ZeroDivisionError("boom"), 125),
    ],
)
def test_our_own_failures_have_a_code_of_their_own(run: Run, error: Exception, code: int) -> None:
    got, out, err = run(*CODE, sandbox=error)
    assert (got, out) == (code, b"")
    assert "hint: " in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("nothing.py",),
        ("-c", "1"),
        ("-l", "cobol", "-c", "1"),
        (*CODE, "--memory", "much"),
        (*CODE, "--memory", "1"),
        (*CODE, "--timeout", "-1"),
        (*CODE, "--timeout", "0"),
        (*CODE, "--cpus", "nan"),
        (*CODE, "--env", "A"),
        (*CODE, "--env", "1=2"),
        (*CODE, "--artifact", "../x"),
        (*CODE, "--package", "numpy"),
        (*CODE, "--isolation", "none"),
        (*CODE, "--stdin", "missing"),
        (*CODE, "--no-such-option"),
    ],
    ids=lambda words: " ".join(words[-2:]) or "nothing",
)
def test_misuse_is_told_and_ends_with_2(
    run: Run, backend: FakeBackend, words: tuple[str, ...]
) -> None:
    code, out, err = run(*words)
    assert (code, out) == (2, b"")
    assert err
    assert "Traceback" not in err
    assert backend.specs == []
