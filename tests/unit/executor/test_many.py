"""Many requests: how many are in hand at once, what is told of them, and what ends them."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from drybox import ExecutionRequest, ExecutionResult, InvalidRequest
from drybox.executor.many import listed, run_all

pytestmark = pytest.mark.anyio


class Runs:
    """Stands for an executor: takes note of how many run, and how many tasks there are."""

    def __init__(self) -> None:
        self.now = self.most = self.tasks = 0
        self.results: dict[int, ExecutionResult] = {}

    async def __call__(self, index: int) -> ExecutionResult:
        self.now += 1
        self.most = max(self.most, self.now)
        self.tasks = max(self.tasks, len(asyncio.all_tasks()))
        await anyio.lowlevel.checkpoint()
        self.now -= 1
        return self.results.setdefault(index, object.__new__(ExecutionResult))


async def test_ten_thousand_take_as_many_tasks_as_run_at_once() -> None:
    runs, told = Runs(), list[tuple[int, int]]()
    results = await run_all(runs, 10_000, 4, lambda done, count: told.append((done, count)))
    assert all(result is runs.results[index] for index, result in enumerate(results))
    assert (len(results), runs.most) == (10_000, 4)
    assert runs.tasks < 12
    assert told == [(done, 10_000) for done in range(1, 10_001)]


async def test_what_progress_raises_ends_the_rest() -> None:
    runs = Runs()

    def progress(done: int, count: int) -> None:
        raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        await run_all(runs, 100, 2, progress)
    assert len(runs.results) <= 2


async def test_requests_are_any_list_of_them() -> None:
    one = ExecutionRequest("python", "1")
    assert listed(each for each in [one, one]) == (one, one)
    wrong: list[Any] = [3, None, "python", one]
    for given in wrong:
        with pytest.raises(InvalidRequest, match="requests"):
            listed(given)
