"""Executors that are opened in one task and closed in another, as fixtures and frameworks do it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import pytest

from drybox import AsyncCodeExecutor, CodeExecutor, ExecutionRequest, InvalidRequest
from drybox.executor.background_tasks import BackgroundTasks
from drybox.testing.fake_backend import FakeSandbox, Install, Script

REQUEST = ExecutionRequest("python", "1")
HELLO = Script([("stdout", b"hello")])


def executor_of() -> AsyncCodeExecutor:
    return AsyncCodeExecutor(isolation="fake", pool=None)


async def in_a_task(function: Callable[..., Any], *arguments: object) -> Any:
    async def call() -> Any:
        return await function(*arguments)

    return await asyncio.create_task(call())


def test_each_step_may_have_a_task_of_its_own(install: Install) -> None:
    """What pytest-asyncio does with a fixture, and a notebook with its cells."""
    backend = install(FakeSandbox([HELLO]), FakeSandbox([HELLO]))

    async def main() -> None:
        executor = executor_of()
        assert await in_a_task(executor.open) is executor
        assert (await in_a_task(executor.execute, REQUEST)).stdout == "hello"
        assert (await executor.execute(REQUEST)).stdout == "hello"
        await in_a_task(executor.aclose)
        with pytest.raises(InvalidRequest, match="not open"):
            await executor.execute(REQUEST)

    asyncio.run(main())
    assert backend.left == backend.entered == 1


def test_a_generator_that_another_task_ends_closes_it(install: Install) -> None:
    backend = install(FakeSandbox([HELLO]))

    async def fixture() -> AsyncIterator[AsyncCodeExecutor]:
        async with executor_of() as executor:
            yield executor

    async def main() -> None:
        generator = fixture()
        executor = await in_a_task(generator.__anext__)
        await executor.execute(REQUEST)
        with pytest.raises(StopAsyncIteration):
            await in_a_task(generator.__anext__)

    asyncio.run(main())
    assert backend.left == backend.entered == 1


def test_one_loop_runs_each_step_to_its_end(install: Install) -> None:
    """A loop that does not run all the time, as of older fixtures and of notebooks."""
    backend = install(FakeSandbox([HELLO]))
    executor = executor_of()
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        loop.run_until_complete(executor.open())
        assert loop.run_until_complete(executor.execute(REQUEST)).stdout == "hello"
        loop.run_until_complete(executor.aclose())
    assert backend.left == backend.entered == 1


def test_opening_and_closing_twice_is_once(install: Install) -> None:
    backend = install(FakeSandbox([HELLO]), FakeSandbox([HELLO]))

    async def main() -> None:
        executor = executor_of()
        await executor.aclose()
        await asyncio.gather(executor.open(), executor.open(), executor.open())
        await executor.execute(REQUEST)
        async with executor:
            await executor.execute(REQUEST)
        await asyncio.gather(executor.aclose(), executor.aclose())
        await executor.aclose()

    asyncio.run(main())
    assert backend.left == backend.entered == 1


def test_it_opens_again_in_the_same_loop_and_in_another(install: Install) -> None:
    install(*(FakeSandbox([HELLO]) for _ in range(4)))
    executor = executor_of()

    async def use(close: bool) -> str:
        await executor.open()
        result = await executor.execute(REQUEST)
        if close:
            await executor.aclose()
        return result.stdout

    for close in (True, False, True, True):  # a loop that ends has ended what it had open
        assert asyncio.run(use(close)) == "hello"
    asyncio.run(executor.aclose())


def test_two_loops_at_once_are_told_apart(install: Install) -> None:
    backend = install(FakeSandbox([HELLO]))
    executor = executor_of()
    opened, leave = threading.Event(), threading.Event()

    async def keep() -> None:
        await executor.open()
        await executor.execute(REQUEST)
        opened.set()
        await anyio.to_thread.run_sync(leave.wait)

    async def use() -> None:
        for step in (executor.open, lambda: executor.execute(REQUEST)):
            with pytest.raises(InvalidRequest, match="another event loop"):
                await step()
        await executor.aclose()  # which is done where it was opened

    thread = threading.Thread(target=asyncio.run, args=(keep(),))
    thread.start()
    try:
        assert opened.wait(30)
        asyncio.run(use())
        assert backend.left == backend.entered == 1
    finally:
        leave.set()
        thread.join()


@pytest.mark.parametrize("steps", range(4))
def test_an_opener_that_is_cancelled_leaves_nothing(install: Install, steps: int) -> None:
    install(FakeSandbox([HELLO]))

    async def main() -> None:
        executor = executor_of()
        opener = asyncio.create_task(executor.open())
        for _ in range(steps):
            await asyncio.sleep(0)
        opener.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await opener
            await executor.aclose()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        async with executor:
            assert (await executor.execute(REQUEST)).stdout == "hello"

    asyncio.run(main())


@pytest.mark.parametrize("steps", range(4))
@pytest.mark.parametrize("at_once", [False, True])
def test_an_opener_that_is_cancelled_takes_nothing_from_another(steps: int, at_once: bool) -> None:
    async def main() -> None:
        tasks, ran = BackgroundTasks(), anyio.Event()
        opener = asyncio.create_task(tasks.open())
        other = asyncio.create_task(tasks.open()) if at_once else None
        for _ in range(steps):
            await asyncio.sleep(0)
        opener.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await opener
        group = await (other or tasks.open())
        for _ in range(4):  # what ends now has time to
            await asyncio.sleep(0)
        assert tasks.here() is group

        async def run() -> None:
            ran.set()

        group.start_soon(run)
        await ran.wait()
        await tasks.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_a_closer_that_is_cancelled_still_closes(install: Install) -> None:
    backend = install(FakeSandbox([HELLO]))

    async def main() -> None:
        executor = await executor_of().open()
        await executor.execute(REQUEST)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await executor.aclose()
        assert backend.left == backend.entered == 1
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_an_error_of_the_block_stays_the_callers_own(install: Install) -> None:
    backend = install(FakeSandbox([HELLO]))

    async def main() -> None:
        async with executor_of() as executor:
            await executor.execute(REQUEST)
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        asyncio.run(main())
    assert backend.left == backend.entered == 1


def test_the_sync_executor_opens_and_closes_by_calls(install: Install) -> None:
    backend = install(FakeSandbox([HELLO]))
    executor = CodeExecutor(isolation="fake", pool=None)
    assert executor.open() is executor
    assert executor.open().execute(REQUEST).stdout == "hello"
    thread = threading.Thread(target=executor.close)
    thread.start()
    thread.join()
    executor.close()
    assert backend.left == backend.entered == 1
    with pytest.raises(InvalidRequest, match="closed"):
        executor.open()
