"""Following an execution: every event arrives, errors come last, leaving ends the work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from tests.support.clock import INSTANT

from drybox.execution.phases import Emit
from drybox.executor.event_stream import EVENTS_AHEAD, EventStream
from drybox.model import Event

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Any:
    return INSTANT


class Work:
    """An execution that emits numbered events and remembers its end."""

    def __init__(self, events: int, then: Callable[[], Awaitable[None]] | None = None) -> None:
        self.begun = False
        self.emitted = 0
        self.ended = False
        self._events = events
        self._then = then

    async def __call__(self, emit: Emit) -> None:
        await anyio.lowlevel.checkpoint()
        self.begun = True
        try:
            for number in range(self._events):
                await emit(Event("stdout", str(number)))
                self.emitted += 1
            if self._then is not None:
                await self._then()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(1.0)  # as destroying a sandbox may
            self.ended = True


async def fail() -> None:
    raise ZeroDivisionError("boom")


async def test_every_event_arrives_in_order_and_then_it_is_over() -> None:
    work = Work(3 * EVENTS_AHEAD)
    async with anyio.create_task_group() as tasks:
        stream = EventStream(tasks, work)
        assert [event.id async for event in stream] == [str(n) for n in range(3 * EVENTS_AHEAD)]
        assert work.ended
        with pytest.raises(StopAsyncIteration):
            await stream.__anext__()


async def test_nothing_begins_before_the_first_step() -> None:
    work = Work(1)
    async with anyio.create_task_group() as tasks:
        stream = EventStream(tasks, work)
        await anyio.sleep(1.0)
        assert not work.begun
        await stream.aclose()
        with pytest.raises(StopAsyncIteration):
            await stream.__anext__()
    assert not work.begun


async def test_an_error_comes_once_after_the_events() -> None:
    async with anyio.create_task_group() as tasks:
        stream = EventStream(tasks, Work(2, fail))
        assert [(await stream.__anext__()).id, (await stream.__anext__()).id] == ["0", "1"]
        with pytest.raises(ZeroDivisionError, match="boom"):
            await stream.__anext__()
        with pytest.raises(StopAsyncIteration):
            await stream.__anext__()


async def test_a_slow_follower_makes_the_execution_wait() -> None:
    work = Work(1000)
    async with anyio.create_task_group() as tasks, EventStream(tasks, work) as stream:
        await stream.__anext__()
        await anyio.sleep(60.0)
        assert EVENTS_AHEAD <= work.emitted <= EVENTS_AHEAD + 1


@pytest.mark.parametrize("events", [1, 1000])
async def test_leaving_early_ends_the_execution_and_waits_for_its_end(events: int) -> None:
    work = Work(events, anyio.sleep_forever)
    async with anyio.create_task_group() as tasks:
        async with EventStream(tasks, work) as stream:
            await stream.__anext__()
        assert work.ended
        await stream.aclose()


async def test_closing_waits_even_when_the_follower_is_cancelled() -> None:
    work = Work(1, anyio.sleep_forever)
    async with anyio.create_task_group() as tasks:
        with anyio.move_on_after(5.0) as scope:
            async with EventStream(tasks, work) as stream:
                async for _ in stream:
                    pass
        assert scope.cancelled_caught
        assert work.ended


async def test_an_error_while_leaving_is_nobodys() -> None:
    async def fail_when_cancelled() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise ZeroDivisionError

    work = Work(1, fail_when_cancelled)
    async with anyio.create_task_group() as tasks, EventStream(tasks, work) as stream:
        await stream.__anext__()
    assert work.ended


async def test_the_executor_going_ends_the_stream_for_its_follower() -> None:
    work = Work(1, anyio.sleep_forever)
    async with anyio.create_task_group() as tasks:
        stream = EventStream(tasks, work)
        await stream.__anext__()
        tasks.cancel_scope.cancel()
    with pytest.raises(StopAsyncIteration), anyio.fail_after(5.0):
        await stream.__anext__()
    assert work.ended


async def test_a_stream_of_an_executor_that_is_gone_can_be_closed() -> None:
    async with anyio.create_task_group() as tasks:
        stream = EventStream(tasks, Work(1))
    with pytest.raises(RuntimeError):
        await stream.__anext__()
    closing = asyncio.ensure_future(stream.aclose())
    await anyio.sleep(60.0)
    try:
        assert closing.done()
    finally:
        closing.cancel()
