"""What the pool does with sandboxes, whatever the policy says: none is lost, none serves twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import anyio
import anyio.lowlevel
import pytest

from drybox.backends.base import Guarantee, SandboxSpec, Support
from drybox.environments.environment import BuiltEnvironment
from drybox.errors import Unavailable
from drybox.languages.base import Language
from drybox.languages.prestart import PrestartedProcess
from drybox.languages.registry import find_language
from drybox.model import MIB, ResourceLimits
from drybox.pool.pool import MAX_ENTRIES, MOST_SPELLINGS, Pool
from drybox.settings import PoolSettings
from drybox.testing.fake_backend import FakeSandbox

pytestmark = [pytest.mark.anyio, pytest.mark.promise("SPEED-11")]

LIMITS = ResourceLimits()
COMPILE = ResourceLimits(memory=512 * MIB, pids=9)
PYTHON, JAVA = (find_language(name)[0] for name in ("python", "java"))
SPEC = SandboxSpec(PYTHON, "", LIMITS, "fake")


def pool_of(maker: Maker, count: int) -> Pool:
    """A pool that keeps so many of a kind."""
    return Pool(maker, PoolSettings(min_idle=count), LIMITS, COMPILE)


class Box(FakeSandbox):
    """A sandbox that can wait."""

    prestarts: Sequence[PrestartedProcess] = ()
    limits = ResourceLimits()
    toolchain = "fake"
    is_stubborn = False

    def __init__(self, spec: SandboxSpec) -> None:
        super().__init__()
        self.spec = spec

    async def warm(self, prestarts: Sequence[PrestartedProcess], limits: ResourceLimits) -> None:
        await anyio.lowlevel.checkpoint()
        self.prestarts, self.limits = prestarts, limits

    @property
    def warmed(self) -> bool:
        """Whether a program waits in it."""
        return bool(self.prestarts)

    def is_alive(self) -> bool:
        return "close" not in self.calls

    def fits(self, limits: ResourceLimits) -> bool:
        return limits.memory >= 16 * MIB

    async def claim(self, limits: ResourceLimits) -> None:
        if self.is_stubborn:
            raise Unavailable("no", hint="wait")
        self.calls.append("claim")
        self.limits = limits


class Maker:
    """A backend that makes any number of them, each after a pass of the event loop."""

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
        box = Box(spec)
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
    async with pool_of(maker, 2) as pool:
        first = await pool.open(SPEC)
        pool.answered()
        await _until_idle(maker, 2)
        taken = [await pool.open(SPEC), await pool.open(SPEC)]
        assert all(isinstance(box, Box) and box.warmed for box in taken)
        assert len({id(box) for box in (first, *taken)}) == 3
        for box in (first, *taken):
            await box.close()


async def test_requests_of_a_new_entry_that_come_side_by_side_lose_no_idle_sandbox() -> None:
    maker = Maker()
    async with pool_of(maker, 2) as pool, anyio.create_task_group() as tasks:
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
    async with pool_of(maker, 1) as pool:
        await (await pool.open(SPEC)).close()
        pool.answered()
        await _until_idle(maker, 1)
        dead = maker.made[-1]
        dead.is_alive = lambda: False  # type: ignore[method-assign]
        live = await pool.open(SPEC)
        assert live is not dead
        assert "close" in dead.calls
        await live.close()


def asking(language: Language = PYTHON, version: str = "", **limits: float) -> SandboxSpec:
    """A request with limits of its own."""
    return SandboxSpec(language, version, replace(LIMITS, **limits), "fake")  # type: ignore[arg-type]


HOSTILE = (
    asking(memory=1 * MIB),
    asking(cpus=0.01),
    asking(pids=1),
    asking(open_files=8),
    *(asking(disk=disk * MIB) for disk in (1, 2, 3)),
)


async def test_what_waits_has_the_operators_limits_whoever_asked_first() -> None:
    maker = Maker()
    async with pool_of(maker, 2) as pool:
        for spec in HOSTILE:
            await (await pool.open(spec)).close()
            pool.answered()
        await _until_idle(maker, 2)
        idle = [box for box in maker.made if box.warmed and box.is_alive()]
        assert {box.spec.limits for box in idle} == {LIMITS} == {box.limits for box in idle}
        wanted = PYTHON.prestarts("9.8.7", COMPILE, LIMITS)  # type: ignore[attr-defined]
        assert [box.prestarts for box in idle] == [wanted] * 2


async def test_a_compiler_that_waits_has_the_operators_limits_too() -> None:
    maker = Maker()
    async with pool_of(maker, 1) as pool:
        await (await pool.open(asking(JAVA, memory=900 * MIB))).close()
        pool.answered()
        await _until_idle(maker, 1)
        box = next(box for box in maker.made if box.warmed)
        assert box.limits == ResourceLimits(memory=512 * MIB)
        assert box.prestarts == JAVA.prestarts("9.8.7", COMPILE, LIMITS)  # type: ignore[attr-defined]


async def test_a_requests_own_limits_hold_before_anything_of_it_comes_in() -> None:
    maker = Maker()
    async with pool_of(maker, 1) as pool:
        await (await pool.open(SPEC)).close()
        pool.answered()
        await _until_idle(maker, 1)
        own = asking(memory=400 * MIB, cpus=0.5, pids=7)
        box = await pool.open(own)
        assert isinstance(box, Box)
        assert (box.limits, box.calls) == (own.limits, ["claim"])
        await box.close()


async def test_a_request_that_none_fits_gets_its_own_and_takes_none_from_others() -> None:
    maker = Maker()
    async with pool_of(maker, 1) as pool:
        await (await pool.open(SPEC)).close()
        pool.answered()
        await _until_idle(maker, 1)
        for spec in (asking(memory=1 * MIB), asking(disk=1 * MIB)):
            box = await pool.open(spec)
            assert isinstance(box, Box)
            assert (box.spec, box.warmed) == (spec, False)
            await box.close()
        usual = await pool.open(SPEC)
        assert isinstance(usual, Box)
        assert usual.warmed
        await usual.close()


async def test_a_sandbox_waits_for_requests_of_its_own_environment_alone() -> None:
    maker = Maker()
    data, other = (
        replace(SPEC, environment=BuiltEnvironment(digest, "/srv")) for digest in ("1", "2")
    )
    async with pool_of(maker, 1) as pool:
        await (await pool.open(data)).close()
        pool.answered()
        await _until_idle(maker, 1)
        for spec in (SPEC, other):
            box = await pool.open(spec)
            assert isinstance(box, Box)
            assert (box.spec.environment, box.warmed) == (spec.environment, False)
            await box.close()
        box = await pool.open(data)
        assert isinstance(box, Box)
        assert (box.spec.environment, box.warmed) == (data.environment, True)
        await box.close()


async def test_many_environments_and_versions_leave_what_waits_as_it_is() -> None:
    maker = Maker()
    data = replace(SPEC, environment=BuiltEnvironment("1", "/srv"))
    async with pool_of(maker, 1) as pool:
        await (await pool.open(data)).close()
        pool.answered()
        await _until_idle(maker, 1)
        for number in range(MOST_SPELLINGS + 9):
            for spec in (
                replace(SPEC, version=str(number)),
                replace(SPEC, environment=BuiltEnvironment(f"other {number}", "/srv")),
            ):
                await (await pool.open(spec)).close()
        assert len(pool._spelt) <= MOST_SPELLINGS
        assert len(pool._entries) <= MAX_ENTRIES
        box = await pool.open(data)
        assert isinstance(box, Box)
        assert box.warmed
        await box.close()


async def test_one_that_cannot_be_given_its_limits_after_all_is_closed() -> None:
    maker = Maker()
    async with pool_of(maker, 1) as pool:
        await (await pool.open(SPEC)).close()
        pool.answered()
        await _until_idle(maker, 1)
        stubborn = maker.made[-1]
        stubborn.is_stubborn = True
        box = await pool.open(SPEC)
        assert box is not stubborn
        assert "close" in stubborn.calls
        await box.close()


async def test_ways_to_name_a_toolchain_are_no_entries_of_their_own() -> None:
    maker = Maker()
    async with pool_of(maker, 2) as pool:
        for version in ("", "9", "9.8", "9.8.7"):
            await (await pool.open(asking(version=version))).close()
            pool.answered()
        await _until_idle(maker, 2)
        for _ in range(20):
            await anyio.lowlevel.checkpoint()
        assert sum(box.is_alive() for box in maker.made) == 2
