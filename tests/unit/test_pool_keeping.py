"""What the pool does with sandboxes, whatever the policy says: none is lost, none serves twice."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import anyio.lowlevel
import pytest
from tests.support.fake import FakeSandbox

from drybox.languages import find_language
from drybox.model import MIB, Command, ResourceLimits
from drybox.pool import Pool
from drybox.protocols import Guarantee, Language, SandboxSpec, Support
from drybox.settings import PoolSettings
from drybox.warm import Runner

pytestmark = pytest.mark.anyio

COMMAND = Command(("python3", "main.py"), ResourceLimits(), 1.0)
SPEC = SandboxSpec(find_language("python")[0], "", COMMAND.limits, "fake", commands=(COMMAND,))


def java(memory: int) -> SandboxSpec:
    """A request for Java with so many MiB."""
    compiler = Command(("javac",), ResourceLimits(memory=512 * MIB, pids=9), 1.0)
    program = Command(("java",), ResourceLimits(memory=memory * MIB), 1.0)
    language = find_language("java")[0]
    return SandboxSpec(language, "", program.limits, "fake", commands=(compiler, program))


class Box(FakeSandbox):
    """A sandbox that can wait."""

    runners: Sequence[Runner] = ()
    limits = ResourceLimits()

    async def warm(self, runners: Sequence[Runner], limits: ResourceLimits) -> None:
        await anyio.lowlevel.checkpoint()
        self.runners, self.limits = runners, limits

    @property
    def warmed(self) -> bool:
        """Whether a program waits in it."""
        return bool(self.runners)

    def holds(self, memory: int) -> bool:
        """Whether it waits for a program with so many MiB."""
        heap = max(memory - max(28, memory // 4), 4) * 1024
        return any(f"-Xmx{heap}k" in runner.argv for runner in self.runners)

    def is_alive(self) -> bool:
        return "close" not in self.calls


class Maker:
    """A backend that makes any number of them, each after a turn of the event loop."""

    name = "fake"

    def __init__(self) -> None:
        self.made: list[Box] = []
        self.slow_ones = 0
        self.go_on = anyio.Event()

    async def check(self) -> Support:
        return Support(self.name, (Guarantee("fakeness", True, "it is a fake"),))

    async def version(self, language: Language, version: str) -> str:
        return "9.8.7"

    async def serves(self, language: Language, version: str, *, installs: bool = False) -> bool:
        return True

    async def open(self, spec: SandboxSpec) -> Box:
        if self.slow_ones:
            self.slow_ones -= 1
            await self.go_on.wait()
        await anyio.lowlevel.checkpoint()
        box = Box()
        self.made.append(box)
        return box

    async def __aenter__(self) -> Maker:
        return self

    async def __aexit__(self, *_: object) -> None:
        assert all(box.calls.count("close") == 1 for box in self.made)


async def _until_idle(maker: Maker, count: int) -> None:
    with anyio.fail_after(5):
        while sum(box.warmed and box.is_alive() for box in maker.made) < count:
            await anyio.lowlevel.checkpoint()


async def test_sandboxes_are_kept_for_what_came_once_and_each_is_given_once() -> None:
    maker = Maker()
    async with Pool(maker, PoolSettings(min_idle=2)) as pool:
        first = await pool.open(SPEC)
        pool.answered()
        await _until_idle(maker, 2)
        taken = [await pool.open(SPEC), await pool.open(SPEC)]
        assert all(isinstance(box, Box) and box.warmed for box in taken)
        assert len({id(box) for box in (first, *taken)}) == 3
        for box in (first, *taken):
            await box.close()


async def test_requests_of_a_new_kind_that_come_side_by_side_lose_no_idle_sandbox() -> None:
    maker = Maker()
    async with Pool(maker, PoolSettings(min_idle=2)) as pool, anyio.create_task_group() as tasks:
        maker.slow_ones = 1
        slow = anyio.Event()

        async def come_late() -> None:
            box = await pool.open(SPEC)
            slow.set()
            await box.close()

        tasks.start_soon(come_late)
        await anyio.wait_all_tasks_blocked()
        await (await pool.open(SPEC)).close()
        pool.answered()
        await _until_idle(maker, 2)
        maker.go_on.set()
        await slow.wait()
    # Maker.__aexit__ has seen that each was closed, the idle ones too.
    assert len(maker.made) == 4


async def test_a_dead_idle_sandbox_is_closed_and_not_given() -> None:
    maker = Maker()
    async with Pool(maker, PoolSettings(min_idle=1)) as pool:
        await (await pool.open(SPEC)).close()
        pool.answered()
        await _until_idle(maker, 1)
        dead = maker.made[-1]
        dead.is_alive = lambda: False  # type: ignore[method-assign]
        live = await pool.open(SPEC)
        assert live is not dead
        assert "close" in dead.calls
        await live.close()


async def test_what_waits_has_the_limits_that_were_asked_for_of_late() -> None:
    maker = Maker()
    async with Pool(maker, PoolSettings(min_idle=2)) as pool:
        await (await pool.open(java(256))).close()
        pool.answered()
        await _until_idle(maker, 2)
        for _ in range(4):
            await (await pool.open(java(512))).close()
            pool.answered()
            await _until_idle(maker, 2)
        alive = [box for box in maker.made if box.is_alive()]
        assert all(box.holds(512) for box in alive)
        assert alive[-1].limits == ResourceLimits(memory=512 * MIB, pids=64)


async def test_a_request_gets_what_serves_it_best() -> None:
    maker = Maker()
    async with Pool(maker, PoolSettings(min_idle=2)) as pool:
        for memory in (256, 512):
            await (await pool.open(java(memory))).close()
        pool.answered()
        await _until_idle(maker, 2)
        box = await pool.open(java(512))
        assert isinstance(box, Box)
        assert box.holds(512)
        await box.close()
