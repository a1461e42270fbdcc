"""Whoever follows an execution can end its program, and gets the result all the same."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from tests.support.clock import INSTANT
from tests.support.play import play, told

from drybox import ExecutionResult
from drybox.execution.kill_switch import KillSwitch
from drybox.job import Exit, Sink, Source
from drybox.model import Event
from drybox.testing.fake_backend import FakeSandbox, Script

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Any:
    return INSTANT


async def killed(
    sandbox: FakeSandbox, after: float, **fields: Any
) -> tuple[ExecutionResult, list[Event]]:
    """Play an execution whose switch is thrown after so many seconds."""
    switch = KillSwitch()
    ends: list[tuple[ExecutionResult, list[Event]]] = []

    async def run() -> None:
        ends.append(await play(sandbox, switch=switch, **fields))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        await anyio.sleep(after)
        await switch.throw()
    return ends[0]


async def test_a_program_that_is_killed_died_of_the_signal_and_what_it_wrote_is_kept() -> None:
    sandbox = FakeSandbox([Script([("stdout", b"one")], hangs=True)])
    result, events = await killed(sandbox, 1.0)
    assert (result.status, result.signal, result.exit_code) == ("signaled", "SIGKILL", None)
    assert (result.stdout, result.error) == ("one", None)
    assert told(events)[-2:] == [("phase", "signaled"), ("result", None)]


async def test_a_compiler_that_is_killed_is_no_error_of_the_source() -> None:
    sandbox = FakeSandbox([Script(hangs=True), Script()])
    result, _ = await killed(sandbox, 1.0, language="go", code="package main")
    assert (result.status, result.signal, result.error) == ("signaled", "SIGKILL", None)
    assert [phase.name for phase in result.phases] == ["compile"]


async def test_what_was_killed_before_it_began_does_not_begin() -> None:
    sandbox = FakeSandbox([])
    switch = KillSwitch()
    await switch.throw()
    result, _ = await play(sandbox, switch=switch)
    assert (result.status, result.signal) == ("signaled", "SIGKILL")
    assert "exec" not in sandbox.calls


async def test_a_kill_that_comes_before_the_command_is_given_again() -> None:
    class Slow(FakeSandbox):
        """Loses whatever comes before its command has begun."""

        begun = False

        async def exec(self, command: Any, sink: Sink, stdin: Source | None = None) -> Exit:
            await anyio.sleep(2.0)
            self.begun = True
            return await super().exec(command, sink, stdin)

        async def kill(self) -> None:
            if self.begun:
                await super().kill()

    result, _ = await killed(Slow([Script(hangs=True)]), 1.0)
    assert result.signal == "SIGKILL"


async def test_a_kill_after_the_end_changes_nothing() -> None:
    switch = KillSwitch()
    result, _ = await play(FakeSandbox([Script()]), switch=switch)
    await switch.throw()
    assert result.status == "success"
