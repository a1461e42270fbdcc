"""One execution whose sandbox, follower or caller fails: nothing is left open, nothing lost."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from tests.support.clock import INSTANT
from tests.support.play import DEFAULTS, OPERATOR, play

from drybox import (
    ErrorInfo,
    ExecutionRequest,
    InvalidRequest,
    SandboxLost,
    Unavailable,
)
from drybox.execution.phases import DEADLINE_GRACE, MAX_ARTIFACTS
from drybox.execution.run import Execution
from drybox.execution.validation import make_job
from drybox.job import Exit
from drybox.model import Artifacts, Event
from drybox.testing.fake_backend import FakeBackend, FakeSandbox, Script

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Any:
    return INSTANT


async def test_a_sandbox_that_misses_its_deadline_is_given_up() -> None:
    sandbox = FakeSandbox([Script([("stdout", b"kept")], deaf=True)])
    result, _ = await play(sandbox, timeout=2.5)
    assert (result.status, result.stdout) == ("timeout", "kept")
    assert result.execution_time == pytest.approx(2.5 + DEADLINE_GRACE)
    assert result.usage.cpu_time is None


async def test_a_sandbox_that_dies_is_our_failure_and_what_was_printed_is_kept() -> None:
    lost = SandboxLost("it is gone.", hint="Try again.")
    result, _ = await play(FakeSandbox([Script([("stdout", b"kept")], lost)]), artifacts=["*"])
    assert (result.status, result.stdout, result.exit_code) == ("sandbox_error", "kept", None)
    assert result.error == ErrorInfo("SandboxLost", "it is gone.", "Try again.")
    assert result.signal is None
    compiling, _ = await play(FakeSandbox([Script(end=lost)]), language="go")
    assert (compiling.status, len(compiling.phases)) == ("sandbox_error", 1)


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("no", hint="later"),
        InvalidRequest("files", "too big", hint="less"),
        SandboxLost("gone", hint="again"),
        ZeroDivisionError(),
    ],
)
async def test_no_failure_leaves_a_sandbox_open(error: Exception) -> None:
    full = FakeSandbox(put_error=error)
    with pytest.raises(type(error)):
        await play(full)
    assert full.closed
    if not isinstance(error, SandboxLost):
        broken = FakeSandbox([Script(end=error)])
        with pytest.raises(type(error)):
            await play(broken)
        assert broken.closed
    with pytest.raises(type(error)):
        await play(error)


async def test_cancelling_destroys_the_sandbox() -> None:
    sandbox = FakeSandbox([Script(deaf=True)])
    with anyio.move_on_after(1.0) as scope:
        await play(sandbox)
    assert scope.cancelled_caught
    assert sandbox.closed


async def test_a_follower_that_fails_ends_the_execution() -> None:
    sandbox = FakeSandbox([Script([("stdout", b"x")])])
    found, job = make_job(ExecutionRequest("python", ""), DEFAULTS)

    async def emit(event: Event) -> None:
        if event.type == "stdout":
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Execution("e1", job, found, FakeBackend(sandbox), OPERATOR, emit).run()
    assert sandbox.closed


# --- artifacts ------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 1])
async def test_artifacts_are_fetched_whatever_the_program_did(code: int) -> None:
    sandbox = FakeSandbox([Script(end=Exit(code, None, 0.1))], artifacts={"a.txt": b"1"})
    result, _ = await play(sandbox, artifacts=["*.txt", "b"])
    assert result.artifacts == {"a.txt": b"1"}
    assert sandbox.asked == [(("*.txt", "b"), MAX_ARTIFACTS)]


@pytest.mark.parametrize("error", [SandboxLost("gone", hint="again")])
async def test_artifacts_that_cannot_be_had_do_not_change_the_programs_fate(
    error: Exception,
) -> None:
    result, _ = await play(FakeSandbox([Script()], artifacts=error), artifacts=["*"])
    assert (result.status, result.exit_code, result.artifacts) == ("success", 0, {})
    assert result.error is not None
    assert result.error.hint
    stopped = Script(end=Exit(0, None, 0.25, timed_out=True))
    late, _ = await play(FakeSandbox([stopped], artifacts=error), artifacts=["*"])
    assert late.error is not None
    assert late.error.type == "timeout"


LEFT = Artifacts({"small": b"1"}, ["'pipe' is a named pipe"], ["*.png"])


async def test_artifacts_that_are_missing_are_told_and_the_status_stays() -> None:
    result, _ = await play(FakeSandbox([Script()], artifacts=LEFT), artifacts=["*", "*.png"])
    assert (result.status, result.exit_code) == ("success", 0)
    assert result.artifacts == {"small": b"1"}
    assert result.error is not None
    assert result.error.type == "artifacts"
    assert result.error.message == (
        "Artifacts are missing: no file matches '*.png'; 'pipe' is a named pipe."
    )
    assert "**" in result.error.hint


async def test_missing_artifacts_are_told_beside_why_the_program_was_ended() -> None:
    stopped = Script(end=Exit(0, None, 0.25, timed_out=True))
    result, _ = await play(FakeSandbox([stopped], artifacts=LEFT), artifacts=["*", "*.png"])
    assert result.error is not None
    assert (result.status, result.error.type) == ("timeout", "timeout")
    assert result.error.message.endswith("'pipe' is a named pipe.")


async def test_before_the_program_began_nobody_expects_its_files() -> None:
    sandbox = FakeSandbox([Script(end=Exit(1, None, 0.25))], artifacts=Artifacts({}, (), ["*.png"]))
    result, _ = await play(sandbox, language="go", artifacts=["*.png"])
    assert result.status == "compile_error"
    assert result.error is not None
    assert "*.png" not in result.error.message


async def test_globs_without_a_file_are_told_within_bounds() -> None:
    globs = [f"{'x' * 200}{index}" for index in range(100)]
    sandbox = FakeSandbox([Script()], artifacts=Artifacts({}, (), globs))
    result, _ = await play(sandbox, artifacts=globs)
    assert result.error is not None
    assert len(result.error.message) < 4000
    assert result.error.message.endswith("nor 90 other globs.")
