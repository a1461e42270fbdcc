"""CPU time of a day: what is charged, and how far a key can get beyond what it has."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import Any

import anyio
import pytest
from tests.support.clock import INSTANT
from tests.unit.service.test_admission import REQUEST, Told, controller_of, key, refused, run

from drybox import SandboxLost, Unavailable
from drybox.execution.cpu_meter import CpuMeter
from drybox.service.admission import Caller
from drybox.service.quota.store import DayUse
from drybox.service.refusals import Problem, Refused

pytestmark = [pytest.mark.anyio, pytest.mark.promise("KEY-7")]


@pytest.fixture
def anyio_backend() -> Any:
    return INSTANT


async def test_a_day_has_its_cpu_seconds_and_ends_at_midnight() -> None:
    told = Told()
    controller = controller_of(key("shop", cpu_per_day=10.0), key("other"), told=[told])
    await run(controller, "shop", 1.0, cpu=9.5)
    await run(controller, "shop", 1.0, cpu=9.5)
    problem = await refused(controller, "shop")
    assert (problem.kind, problem.retry_after) == ("quota-exceeded", 98)
    await run(controller, "other", 0.0)
    await anyio.sleep(97.9)
    await refused(controller, "shop")
    await anyio.sleep(0.1)
    await run(controller, "shop", 0.0)
    assert told.charges[:2] == [("shop", 9.5)] * 2


async def test_a_controller_goes_on_with_what_one_before_it_has_counted() -> None:
    keys = (key("shop", cpu_per_day=10.0), key("school", cpu_per_day=10.0), key("free"))
    before = controller_of(*keys)
    await run(before, "shop", cpu=9.5)
    await run(before, "free", cpu=9.5)
    use = before.day_use()
    assert use == DayUse(19_999, {"shop": 9.5, "school": 0.0})
    after = controller_of(*keys)
    after.resume(DayUse(use.day, {**use.seconds, "nobody": 1.0, "free": 99.0}))
    assert after.day_use() == use
    await run(after, "shop", 0.0, cpu=9.5)
    assert (await refused(after, "shop")).kind == "quota-exceeded"
    for name in ("school", "free"):
        await run(after, name, 0.0)


@pytest.mark.parametrize(("day", "used"), [(19_998, 0.0), (19_999, 4.0), (99_999, 4.0)])
async def test_a_day_that_is_over_is_not_counted_and_one_to_come_is_today(
    day: int, used: float
) -> None:
    controller = controller_of(key("shop", cpu_per_day=10.0))
    controller.resume(DayUse(day, {"shop": 4.0}))
    assert controller.day_use() == DayUse(19_999, {"shop": used})
    await anyio.sleep(100)
    assert controller.day_use() == DayUse(20_000, {"shop": 0.0})


@pytest.mark.parametrize("error", [None, Unavailable("no", hint="x"), SandboxLost("no", hint="")])
async def test_what_ran_is_charged_however_it_ended(error: Exception | None) -> None:
    told, meter = Told(), CpuMeter()
    controller = controller_of(key("shop", cpu_per_day=10.0), told=[told])

    async def end() -> None:
        async with controller.admit(Caller("shop"), REQUEST, meter):
            meter.add(2.0)
            if error is not None:
                raise error

    with nullcontext() if error is None else pytest.raises(type(error)):
        await end()
    with anyio.move_on_after(4.0):  # its client leaves
        await run(controller, "shop", 100.0, cpu=8.0)
    assert told.charges == [("shop", 2.0), ("shop", 8.0)]
    assert (await refused(controller, "shop")).kind == "quota-exceeded"
    assert controller.running == 0


async def test_what_did_not_run_costs_nothing() -> None:
    told = Told()
    controller = controller_of(key("shop"), told=[told])
    await run(controller, "shop", cpu=0.0)
    assert told.charges == []


async def test_a_day_is_overrun_by_one_run_at_most() -> None:
    controller = controller_of(key("shop", cpu_per_day=10.0), slots=8)
    refusals: list[Problem] = []

    async def one() -> None:
        try:
            await run(controller, "shop", 1.0, cpu=4.0, timeout=4.0)
        except Refused as refusal:
            refusals.append(refusal.problem)

    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(one)
        await anyio.wait_all_tasks_blocked()
        assert (controller.running, controller.waiting) == (3, 5)
    assert controller.day_use().seconds == {"shop": 12.0}
    assert [problem.kind for problem in refusals] == ["quota-exceeded"] * 5
    assert (controller.running, controller.waiting) == (0, 0)


async def test_a_run_that_may_take_all_of_a_day_is_the_only_one() -> None:
    controller = controller_of(key("shop", cpu_per_day=10.0), key("school"), slots=8)
    async with anyio.create_task_group() as tasks:
        for name in ("shop", "shop", "school", "school"):
            tasks.start_soon(partial(run, controller, name, 1.0, cpu=1.0, timeout=99.0))
        await anyio.wait_all_tasks_blocked()
        assert (controller.running, controller.waiting) == (3, 1)
    assert controller.day_use().seconds == {"shop": 2.0}
