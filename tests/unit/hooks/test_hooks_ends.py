"""However an execution ends, its hooks hear of it once the sandbox is gone."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from tests.support.clock import INSTANT
from tests.support.hook import Note
from tests.support.play import DEFAULTS, OPERATOR, play

from drybox import ExecutionRequest, HookEvent, SandboxLost, Unavailable
from drybox.execution.run import Execution
from drybox.execution.validation import make_job
from drybox.hooks.hooks import Hooks
from drybox.testing.fake_backend import FakeBackend, FakeSandbox, Script

pytestmark = [pytest.mark.anyio, pytest.mark.promise("HOOK-3")]


@pytest.fixture
def anyio_backend() -> Any:
    return INSTANT


@pytest.mark.parametrize("when", ["sandbox_created", "before_run", "run", "after_run"])
async def test_a_cancelled_execution_ends_with_the_sandbox_destroyed(when: str) -> None:
    heard: list[Any] = []
    note = Note("a", heard)
    reached = anyio.Event()

    async def hold(event: HookEvent) -> None:
        if event.name == when:
            reached.set()
            await anyio.sleep_forever()

    async def emit(event: Any) -> None:
        if event.type == "phase" and when == "run":
            reached.set()

    sandbox = FakeSandbox([Script(deaf=when == "run")])
    language, job = make_job(ExecutionRequest("python", "pass"), DEFAULTS)
    backend, hooks = FakeBackend(sandbox), Hooks([note, hold], 60.0)
    execution = Execution("e1", job, language, backend, OPERATOR, emit, None, hooks)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(execution.run)
        await reached.wait()
        tasks.cancel_scope.cancel()
    assert sandbox.closed
    assert heard[-1] == ("a", "sandbox_destroyed")
    (last,) = note.contexts[-1:]
    assert (last.result is None, last.error and last.error.type) == (
        (False, None) if when == "after_run" else (True, "Cancelled")
    )


async def test_a_hook_that_hangs_cannot_hold_up_a_cancellation_for_ever() -> None:
    told: list[str] = []

    async def hang(event: HookEvent) -> None:
        told.append(event.name)
        if event.name == "sandbox_destroyed":
            await anyio.sleep_forever()

    sandbox = FakeSandbox([Script(deaf=True)])
    started = anyio.current_time()
    with anyio.move_on_after(0.1) as scope:
        await play(sandbox, hooks=Hooks([hang, hang], 0.2))
    assert scope.cancelled_caught
    assert sandbox.closed
    assert told[-2:] == ["sandbox_destroyed"] * 2
    assert anyio.current_time() - started == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    "error", [SandboxLost("gone.", hint="again"), ZeroDivisionError("?")], ids=repr
)
async def test_an_execution_that_fails_ends_with_the_sandbox_destroyed(error: Exception) -> None:
    note = Note("a", [])
    with pytest.raises(type(error)):
        await play(FakeSandbox(put_error=error), hooks=Hooks([note]))
    assert note.heard[-1] == ("a", "sandbox_destroyed")
    assert note.contexts[-1].error is not None
    assert note.contexts[-1].error.type == type(error).__name__


async def test_hooks_hear_nothing_where_there_was_no_sandbox() -> None:
    note = Note("a", [])
    with pytest.raises(Unavailable):
        await play(Unavailable("no room", hint="later"), hooks=Hooks([note]))
    assert note.heard == []
