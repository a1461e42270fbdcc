"""Keys of several front doors: together they use no more than one would, whoever dies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from tests.support.clock import INSTANT

from drybox.execution.cpu_meter import CpuMeter
from drybox.fleet.cluster import ReplicaGone
from drybox.fleet.keys.leases import LEASE, KeyLeases
from drybox.fleet.keys.ledger import GRACE, Ledger
from drybox.model import ExecutionRequest
from drybox.service.admission import AdmissionController, Caller
from drybox.service.refusals import Refused
from drybox.settings import ApiKey, Rate, ServerSettings

pytestmark = [pytest.mark.promise("FLEET-3"), pytest.mark.anyio]

NOON = 12 * 3600.0
REQUEST = ExecutionRequest("python", "")
MOST = 10.0


@pytest.fixture
def anyio_backend() -> Any:
    return INSTANT


@dataclass
class World:
    """A ledger, and front doors that call it.

    Attributes:
        day: Unix time at which the clock is 0.
        ledger: None while there is none.
        calls: How often it was called.
    """

    day: float = NOON
    ledger: Ledger | None = None
    calls: int = 0
    doors: list[AdmissionController] = field(default_factory=list)

    def now(self) -> float:
        return anyio.current_time()

    def unix_time(self) -> float:
        return self.day + self.now()

    def begin(self) -> None:
        """Begin a ledger, as Ray does where one has died."""
        self.ledger = Ledger(self.now, self.unix_time)

    async def call(self, message: bytes) -> bytes:
        await anyio.lowlevel.checkpoint()
        self.calls += 1
        if self.ledger is None:
            raise ReplicaGone("it has died", is_certain=True)
        return self.ledger.exchange(message)


@asynccontextmanager
async def front_doors(
    key: ApiKey, count: int = 2, world: World | None = None
) -> AsyncIterator[World]:
    """So many, with one key."""
    world = world or World()
    if world.ledger is None:
        world.begin()
    async with anyio.create_task_group() as tasks:
        for _ in range(count):
            world.doors.append(open_door(world, key, tasks))
        yield world
        tasks.cancel_scope.cancel()


def open_door(world: World, key: ApiKey, tasks: Any, slots: int = 8) -> AdmissionController:
    """One more."""
    leases = KeyLeases(world.call, world.now)
    door = AdmissionController(
        *([key], slots, "auto", lambda _: MOST, ServerSettings(queue_timeout=60.0)),
        clock=world.now,
        unix_time=world.unix_time,
        make_account=leases.account,
    )
    tasks.start_soon(leases.serve, door.serve)
    return door


@dataclass
class Runs:
    """What became of requests.

    Attributes:
        running: How many run.
        most: How many ran at once at most.
        served: How many ran.
        refused: Problems of the others.
    """

    running: int = 0
    most: int = 0
    served: int = 0
    refused: list[str] = field(default_factory=list)

    async def run(self, door: AdmissionController, seconds: float = 1.0, cpu: float = 0.0) -> None:
        meter = CpuMeter()
        try:
            async with door.admit(Caller("a"), REQUEST, meter):
                self.running += 1
                self.most = max(self.most, self.running)
                try:
                    await anyio.sleep(seconds)
                    meter.add(cpu)
                    self.served += 1
                finally:
                    self.running -= 1
        except Refused as refused:
            self.refused.append(refused.problem.kind)


async def test_a_rate_holds_for_all_front_doors() -> None:
    runs = Runs()
    async with front_doors(ApiKey("a", rate=Rate(10, 3600.0))) as world:
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                for door in world.doors:
                    tasks.start_soon(runs.run, door)
        assert runs.served == 10
        assert set(runs.refused) == {"rate-limited"}


async def test_a_refusal_says_when_to_come_again_and_asks_the_ledger_once() -> None:
    async with front_doors(ApiKey("a", rate=Rate(1, 100.0))) as world:
        runs = Runs()
        await runs.run(world.doors[0])
        await runs.run(world.doors[1])
        before = world.calls
        for _ in range(50):
            with pytest.raises(Refused) as caught:
                async with world.doors[1].admit(Caller("a"), REQUEST, CpuMeter()):
                    pass
        assert 90 < (caught.value.problem.retry_after or 0) <= 100
        assert world.calls <= before + 1


async def test_what_one_front_door_holds_and_does_not_use_another_gets() -> None:
    async with front_doors(ApiKey("a", rate=Rate(64, 36000.0))) as world:
        runs = Runs()
        await runs.run(world.doors[0])  # it leases more than the one
        await anyio.sleep(3)
        async with anyio.create_task_group() as tasks:
            for _ in range(70):
                tasks.start_soon(runs.run, world.doors[1], 0.0)
        assert runs.served == 64


async def test_no_more_run_at_once_than_a_key_may() -> None:
    runs = Runs()
    key = ApiKey("a", concurrency=3)
    async with front_doors(key) as world, anyio.create_task_group() as tasks:
        for _ in range(10):
            for door in world.doors:
                tasks.start_soon(runs.run, door)
    assert (runs.served, runs.most, runs.refused) == (20, 3, [])


async def test_a_day_is_overrun_by_one_run() -> None:
    runs = Runs()
    async with front_doors(ApiKey("a", cpu_per_day=12.0)) as world:
        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                for door in world.doors:
                    tasks.start_soon(runs.run, door, 1.0, 5.0)
        assert runs.served == 3
        assert set(runs.refused) == {"quota-exceeded"}
        for door in world.doors:
            assert door.day_use().seconds == {"a": 15.0}


async def test_the_ledgers_death_gives_nothing_more_and_stops_nothing_for_long() -> None:
    runs = Runs()
    async with front_doors(ApiKey("a", cpu_per_day=100.0, rate=Rate(20, 36000.0))) as world:
        await runs.run(world.doors[0], 1.0, 30.0)
        await runs.run(world.doors[1], 1.0, 30.0)
        world.ledger = None
        await anyio.sleep(LEASE + 1)
        await runs.run(world.doors[0])  # fails closed
        assert runs.refused == ["unavailable"]
        world.begin()
        began = world.now()
        await runs.run(world.doors[0], 0.0, 1.0)
        assert runs.refused[1:] == ["rate-limited"]  # what was left may be given away already
        assert world.now() - began < GRACE + 2
        await anyio.sleep(1800 * 2)  # the rate gives more
        await runs.run(world.doors[1], 0.0, 35.0)
        assert runs.served == 3
        await anyio.sleep(2)
        assert world.doors[0].day_use().seconds["a"] == pytest.approx(95.0)


async def test_what_runs_while_a_ledger_dies_is_charged_by_the_next_one() -> None:
    runs = Runs()
    async with front_doors(ApiKey("a", cpu_per_day=100.0)) as world:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(runs.run, world.doors[0], 20.0, 60.0)
            await anyio.sleep(GRACE + 2)
            world.ledger = None
            await anyio.sleep(1)
            world.begin()
        await runs.run(world.doors[1], 1.0, 60.0)
        await runs.run(world.doors[1], 1.0, 60.0)
        assert (runs.served, runs.refused) == (2, ["quota-exceeded"])


async def test_a_front_door_that_dies_is_charged_what_it_may_have_used() -> None:
    world, runs = World(), Runs()
    key = ApiKey("a", cpu_per_day=15.0, concurrency=1)
    async with front_doors(key, 1, world), anyio.create_task_group() as dying:
        calls = world.call

        async def die(_: bytes) -> bytes:
            raise ReplicaGone("cut off", is_certain=False)

        is_dead = False

        async def call(message: bytes) -> bytes:
            return await (die if is_dead else calls)(message)

        leases = KeyLeases(call, world.now)
        door = AdmissionController(
            *([key], 8, "auto", lambda _: MOST, ServerSettings()),
            clock=world.now,
            unix_time=world.unix_time,
            make_account=leases.account,
        )
        dying.start_soon(leases.serve, door.serve)
        dying.start_soon(runs.run, door, 1e6)
        while not runs.running:
            await anyio.sleep(0.1)
        is_dead = True
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(runs.run, world.doors[0], 1.0, 6.0)
            await anyio.sleep(5)
            assert runs.running == 1  # it may run on, so nothing else does
        assert runs.served == 1  # 10 of the one that died, and 6 of this
        await runs.run(world.doors[0])
        assert runs.refused == ["quota-exceeded"]
        dying.cancel_scope.cancel()


async def test_keys_without_limits_do_not_need_the_ledger() -> None:
    runs = Runs()
    async with front_doors(ApiKey("a")) as world:
        world.ledger = None
        await runs.run(world.doors[0])
        assert world.calls == 0
    assert runs.served == 1


async def test_what_a_restarted_fleet_has_written_down_counts() -> None:
    runs = Runs()
    key = ApiKey("a", cpu_per_day=10.0)
    async with front_doors(key, 1) as world:
        await runs.run(world.doors[0], 1.0, 8.0)
        await anyio.sleep(2)
        use = world.doors[0].day_use()
    after = World()
    after.begin()
    async with anyio.create_task_group() as tasks:
        door = open_door(after, key, tasks)
        door.resume(use)
        await runs.run(door, 1.0, 3.0)
        await runs.run(door, 1.0, 3.0)
        assert (runs.served, runs.refused) == (2, ["quota-exceeded"])
        tasks.cancel_scope.cancel()
