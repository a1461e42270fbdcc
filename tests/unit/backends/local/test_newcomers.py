"""Programs that have just begun have a weight of their own, and lose it in time."""

from __future__ import annotations

import time

import anyio
import pytest

from drybox.backends.local.cgroup import Cgroup, Place
from drybox.backends.local.cgroup_tree import USUAL_WEIGHT
from drybox.backends.local.newcomers import WEIGHT, YOUTH, Newcomers

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


async def begin_and_grow_up(newcomers: Newcomers, cgroup: Weighed) -> None:
    begun = time.monotonic()
    newcomers.begin(cgroup)
    with anyio.fail_after(10):
        await cgroup.is_usual.wait()
    assert cgroup.told_at - begun >= YOUTH


async def test_whoever_waits_keeps_its_weight_and_whoever_runs_loses_it() -> None:
    newcomers, waiting, first, second = Newcomers(), Weighed(), Weighed(), Weighed()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(newcomers.grow_up)
        newcomers.expect(waiting)
        for cgroup in (first, second):
            await begin_and_grow_up(newcomers, cgroup)
        tasks.cancel_scope.cancel()
    assert waiting.weights == [WEIGHT]
    assert first.weights == second.weights == [WEIGHT, USUAL_WEIGHT]


async def test_each_phase_has_all_of_its_time() -> None:
    newcomers, cgroup = Newcomers(), Weighed()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(newcomers.grow_up)
        newcomers.begin(cgroup)
        await anyio.sleep(YOUTH / 2)
        await begin_and_grow_up(newcomers, cgroup)
        tasks.cancel_scope.cancel()
    assert cgroup.weights == [WEIGHT, WEIGHT, USUAL_WEIGHT]
