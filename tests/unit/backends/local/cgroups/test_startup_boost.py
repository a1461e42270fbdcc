"""Programs that have just begun have a weight of their own, and lose it in time."""

from __future__ import annotations

import time

import anyio
import pytest

from drybox.backends.local.cgroups.cgroup import Cgroup, CgroupLocation
from drybox.backends.local.cgroups.reschedule_timer import RescheduleTimer
from drybox.backends.local.cgroups.startup_boost import BOOST_SECONDS, WEIGHT, StartupBoost
from drybox.backends.local.cgroups.tree import USUAL_WEIGHT

pytestmark = [pytest.mark.anyio, pytest.mark.promise("ISO-14")]


class Weighed(Cgroup):
    """Keeps what it is told, and when."""

    def __init__(self) -> None:
        super().__init__(CgroupLocation(0), "one")
        self.weights: list[int] = []
        self.told_at = 0.0
        self.is_usual = anyio.Event()

    def weigh(self, weight: int) -> None:
        self.weights.append(weight)
        self.told_at = time.monotonic()
        if weight == USUAL_WEIGHT:
            self.is_usual.set()


class Counted(RescheduleTimer):
    """Counts how often it is told to tick, and does not."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def wake(self) -> None:
        self.count += 1


async def begin_and_expire(boost: StartupBoost, cgroup: Weighed) -> None:
    begun = time.monotonic()
    boost.begin(cgroup)
    with anyio.fail_after(10):
        await cgroup.is_usual.wait()
    assert cgroup.told_at - begun >= BOOST_SECONDS


async def test_whoever_waits_keeps_its_weight_and_whoever_runs_loses_it() -> None:
    boost, waiting, first, second = StartupBoost(Counted()), Weighed(), Weighed(), Weighed()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(boost.expire_loop)
        boost.expect(waiting)
        for cgroup in (first, second):
            await begin_and_expire(boost, cgroup)
        tasks.cancel_scope.cancel()
    assert waiting.weights == [WEIGHT]
    assert first.weights == second.weights == [WEIGHT, USUAL_WEIGHT]


async def test_each_phase_has_all_of_its_time() -> None:
    boost, cgroup = StartupBoost(Counted()), Weighed()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(boost.expire_loop)
        boost.begin(cgroup)
        await anyio.sleep(BOOST_SECONDS / 2)
        await begin_and_expire(boost, cgroup)
        tasks.cancel_scope.cancel()
    assert cgroup.weights == [WEIGHT, WEIGHT, USUAL_WEIGHT]


async def test_the_kernel_is_to_look_more_often_while_one_begins_beside_an_older_one() -> None:
    reschedule_timer, older, newer = Counted(), Weighed(), Weighed()
    boost = StartupBoost(reschedule_timer)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(boost.expire_loop)
        boost.begin(older)
        boost.begin(newer)
        boost.end(newer)
        assert reschedule_timer.count == 0  # both are as young
        await older.is_usual.wait()
        boost.begin(newer)
        boost.end(newer)
        assert reschedule_timer.count == 1
        boost.begin(older)  # its next phase: nobody is older
        assert reschedule_timer.count == 1
        boost.end(older)
        boost.begin(newer)
        assert reschedule_timer.count == 1
        tasks.cancel_scope.cancel()


async def test_what_has_ended_does_not_expire() -> None:
    boost, ended, other = StartupBoost(Counted()), Weighed(), Weighed()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(boost.expire_loop)
        boost.begin(ended)
        boost.end(ended)
        await begin_and_expire(boost, other)
        tasks.cancel_scope.cancel()
    assert ended.weights == [WEIGHT]
