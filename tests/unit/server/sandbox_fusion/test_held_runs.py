"""Runs that wait for their client's next try, without a server."""

from __future__ import annotations

import asyncio
import gc
from typing import Any, cast

import anyio
import pytest
from tests.support.clock import INSTANT

from drybox.model import ExecutionResult
from drybox.server.sandbox_fusion.held_runs import HeldRun, HeldRuns
from drybox.service.memory_budget import MemoryBudget, Reservation

pytestmark = [pytest.mark.anyio, pytest.mark.promise("FUSION-3")]

RESULT = cast(ExecutionResult, object())
KEY = ("", b"digest")


@pytest.fixture
def anyio_backend() -> Any:
    return INSTANT


class Work:
    """A run that takes some seconds, and what became of it."""

    def __init__(self, budget: MemoryBudget, seconds: float = 5.0) -> None:
        self.seconds = seconds
        self.ended = ""
        self.run = HeldRun(self._work(), _held(budget))

    async def _work(self) -> ExecutionResult:
        try:
            await anyio.sleep(self.seconds)
        except BaseException:
            self.ended = "cancelled"
            raise
        self.ended = "done"
        return RESULT


def _held(budget: MemoryBudget) -> Reservation:
    room = budget.reserve("")
    assert room.try_resize(100)
    return room


@pytest.fixture
def budget() -> MemoryBudget:
    return MemoryBudget(10_000)


async def test_the_next_try_gets_the_result_of_the_one_run(budget: MemoryBudget) -> None:
    held, work = HeldRuns(10), Work(budget)
    assert not await work.run.wait(until=3.0)
    held.hold(KEY, work.run)
    await anyio.sleep(6)
    assert held.take(("other", b"digest")) is None
    assert held.take(KEY) is work.run
    assert await work.run.wait(until=0.0)
    assert work.run.result() is RESULT
    assert (held.take(KEY), len(held), budget.held) == (None, 0, 100)


async def test_two_of_the_same_are_two_runs(budget: MemoryBudget) -> None:
    held, first, second = HeldRuns(10), Work(budget), Work(budget)
    held.hold(KEY, first.run)
    held.hold(KEY, second.run)
    assert held.take(KEY) is first.run
    assert held.take(KEY) is second.run


async def test_a_run_that_nobody_asks_for_ends_and_gives_its_memory_back(
    budget: MemoryBudget,
) -> None:
    held, long, short = HeldRuns(10, kept=20.0), Work(budget, 60.0), Work(budget, 1.0)
    held.hold(KEY, long.run)
    held.hold(KEY, short.run)
    await anyio.sleep(19)
    assert (len(held), budget.held) == (2, 200)
    await anyio.sleep(2)
    assert (long.ended, short.ended) == ("cancelled", "done")
    assert (len(held), budget.held) == (0, 0)


async def test_there_are_no_more_than_so_many(budget: MemoryBudget) -> None:
    held, works = HeldRuns(2), [Work(budget, 9.0) for _ in range(3)]
    await anyio.sleep(1)
    for number, work in enumerate(works):
        held.hold(("", bytes([number])), work.run)
    await anyio.sleep(1)
    assert [work.ended for work in works] == ["cancelled", "", ""]
    held.end()
    await anyio.sleep(1)
    assert ([work.ended for work in works], budget.held) == (["cancelled"] * 3, 0)


async def test_a_failure_that_nobody_hears_of_is_no_fault_of_the_loop(
    budget: MemoryBudget,
) -> None:
    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))

    async def fail() -> ExecutionResult:
        raise ValueError

    held = HeldRuns(2)
    held.hold(KEY, HeldRun(fail(), _held(budget)))
    await anyio.sleep(1)
    held.end()
    await anyio.sleep(1)
    gc.collect()
    assert (faults, budget.held) == ([], 0)
