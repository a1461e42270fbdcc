"""Programs that have just begun have a weight of their own, and lose it in time."""

from __future__ import annotations

import time

import anyio
import pytest

from drybox.backends.local.cgroup import Cgroup, Place
from drybox.backends.local.cgroup_tree import USUAL_WEIGHT
from drybox.backends.local.newcomers import WEIGHT, YOUTH, Newcomers
from drybox.backends.local.ticker import Ticker

pytestmark = pytest.mark.anyio


class Weighed(Cgroup):
    """Keeps what it is told, and when."""

    def __init__(self) -> None:
        super().__init__(Place(0), "one")
        self.weights: list[int] = []
        self.told_at = 0.0
        self.is_usual = anyio.Event()

    def weigh(self, weight: int) -> None:
        self.weights.append(weight)
        self.told_at = time.monotonic()
        if weight == USUAL_WEIGHT:
            self.is_usual.set()


class Counted(Ticker):
    """Counts how often it is told to tick, and does not."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def tick(self) -> None:
        self.count += 1


async def begin_and_grow_up(newcomers: Newcomers, cgroup: Weighed) -> None:
    begun = time.monotonic()
    newcomers.begin(cgroup)
    with anyio.fail_after(10):
        await cgroup.is_usual.wait()
    assert cgroup.told_at - begun >= YOUTH


async def test_whoever_waits_keeps_its_weight_and_whoever_runs_loses_it() -> None:
    newcomers, waiting, first, second = Newcomers(Counted()), Weighed(), Weighed(), Weighed()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(newcomers.grow_up)
        newcomers.expect(waiting)
        for cgroup in (first, second):
            await begin_and_grow_up(newcomers, cgroup)
        tasks.cancel_scope.cancel()
    assert waiting.weights == [WEIGHT]
    assert first.weights == second.weights == [WEIGHT, USUAL_WEIGHT]


async def test_each_phase_has_all_of_its_time() -> None:
    newcomers, cgroup = Newcomers(Counted()), Weighed()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(newcomers.grow_up)
        newcomers.begin(cgroup)
        await anyio.sleep(YOUTH / 2)
        await begin_and_grow_up(newcomers, cgroup)
        tasks.cancel_scope.cancel()
    assert cgroup.weights == [WEIGHT, WEIGHT, USUAL_WEIGHT]


async def test_the_kernel_is_to_look_more_often_while_one_begins_beside_an_older_one() -> None:
    ticker, older, newer = Counted(), Weighed(), Weighed()
    newcomers = Newcomers(ticker)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(newcomers.grow_up)
        newcomers.begin(older)
        newcomers.begin(newer)
        newcomers.end(newer)
        assert ticker.count == 0  # both are as young
        await older.is_usual.wait()
        newcomers.begin(newer)
        newcomers.end(newer)
        assert ticker.count == 1
        newcomers.begin(older)  # its next phase: nobody is older
        assert ticker.count == 1
        newcomers.end(older)
        newcomers.begin(newer)
        assert ticker.count == 1
        tasks.cancel_scope.cancel()


async def test_what_has_ended_does_not_grow_up() -> None:
    newcomers, ended, other = Newcomers(Counted()), Weighed(), Weighed()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(newcomers.grow_up)
        newcomers.begin(ended)
        newcomers.end(ended)
        await begin_and_grow_up(newcomers, other)
        tasks.cancel_scope.cancel()
    assert ended.weights == [WEIGHT]
