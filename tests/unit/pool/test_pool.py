"""What a pool says of itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import anyio
import pytest

from drybox import PoolSettings, ResourceLimits, Unavailable
from drybox.backends.base import Sandbox, SandboxSpec
from drybox.job import OWNER
from drybox.languages.prestart import PrestartedProcess
from drybox.languages.registry import find_language
from drybox.model import PoolCount
from drybox.pool.pool import NO_POOL, Pool
from drybox.testing.fake_backend import FakeBackend, FakeSandbox

pytestmark = pytest.mark.anyio
SPEC = SandboxSpec(find_language("python")[0], "", ResourceLimits(), "fake")
ONE = PoolSettings(min_idle=1)


class WaitingSandbox(FakeSandbox):
    """One that could wait for a request."""

    dead = False
    toolchain = "fake"

    async def warm(self, prestarts: Sequence[PrestartedProcess], limits: ResourceLimits) -> None:
        self.calls.append("warm")

    def is_alive(self) -> bool:
        return not self.dead

    def fits(self, limits: ResourceLimits) -> bool:
        return True

    async def claim(self, limits: ResourceLimits) -> None:
        self.calls.append("claim")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def counted(pool: Pool, wanted: Sequence[int]) -> None:
    """Wait until the pool says so: idle, warm, cold, failures."""
    with anyio.fail_after(5):
        while pool.counts() != [PoolCount("fake", "python", *wanted)]:
            await anyio.sleep(0.001)


async def test_warm_cold_and_idle_are_counted() -> None:
    sandboxes = [WaitingSandbox() for _ in range(4)]
    async with Pool(FakeBackend(*sandboxes), ONE, SPEC.limits) as pool:
        assert pool.counts() == []
        await pool.open(SPEC)
        pool.answered()
        await counted(pool, (1, 0, 1, 0))
        await pool.open(SPEC)
        pool.answered()
        await counted(pool, (1, 1, 1, 0))
        sandboxes[2].dead = True
        assert await pool.open(SPEC) is sandboxes[3]
        await counted(pool, (0, 1, 2, 0))


async def test_one_that_keeps_none_has_no_task_and_passes_requests_on() -> None:
    sandboxes = [WaitingSandbox(), WaitingSandbox()]
    backend = FakeBackend(*sandboxes)
    before = asyncio.all_tasks()
    async with Pool(backend, NO_POOL, SPEC.limits) as pool:
        assert asyncio.all_tasks() == before
        for sandbox in sandboxes:
            assert await pool.open(SPEC) is sandbox
            assert sandbox.calls == []
            pool.answered()
            assert pool.counts() == []
        assert backend.entered == 1
    assert backend.left == 1


async def test_a_request_with_packages_is_a_cold_one() -> None:
    spec = SandboxSpec(SPEC.language, "", SPEC.limits, "fake", "/srv/packages")
    async with Pool(FakeBackend(WaitingSandbox()), ONE, SPEC.limits) as pool:
        await pool.open(spec)
        assert pool.counts() == [PoolCount("fake", "python", 0, 0, 1, 0)]


async def test_what_waits_for_programs_is_none_of_a_sessions() -> None:
    sandboxes = [WaitingSandbox() for _ in range(3)]
    async with Pool(FakeBackend(*sandboxes), ONE, SPEC.limits) as pool:
        await pool.open(SPEC)
        pool.answered()
        await counted(pool, (1, 0, 1, 0))
        assert await pool.open(replace(SPEC, kernel_dir="/srv/kernel")) is sandboxes[2]
        assert await pool.open(SPEC) is sandboxes[1]


async def test_what_fails_to_wait_is_counted() -> None:
    backend = FakeBackend(WaitingSandbox(), Unavailable("none", hint="wait"))
    async with Pool(backend, ONE, SPEC.limits) as pool:
        await pool.open(SPEC)
        pool.answered()
        await counted(pool, (0, 0, 1, 1))


async def test_a_request_that_found_none_is_not_served() -> None:
    async with Pool(FakeBackend(Unavailable("none", hint="wait")), ONE, SPEC.limits) as pool:
        with pytest.raises(Unavailable):
            await pool.open(SPEC)
        assert pool.counts() == [PoolCount("fake", "python", 0, 0, 0, 0)]


@pytest.mark.parametrize(
    ("language", "fork_server", "splits"),
    [("python", "per-key", True), ("python", "on", False), ("java", "per-key", False)],
)
async def test_templates_are_a_keys_own_where_the_operator_says_so(
    language: str, fork_server: str, splits: bool
) -> None:
    """So is what waits, which was forked from them."""
    spec = replace(SPEC, language=find_language(language)[0])
    sandboxes = [WaitingSandbox() for _ in range(6)]
    backend = FakeBackend(*sandboxes)
    settings = PoolSettings(min_idle=1, fork_server=fork_server)
    async with Pool(backend, settings, SPEC.limits) as pool:
        before = OWNER.set("ada")
        try:
            await pool.open(spec)
            pool.answered()
            with anyio.fail_after(5):
                while pool.counts()[0].idle != 1:
                    await anyio.sleep(0.001)
            OWNER.set("bob")
            await pool.open(spec)
        finally:
            OWNER.reset(before)
        assert pool.counts()[0].warm == (0 if splits else 1)
        assert {item.owner for item in backend.specs} == ({"ada", "bob"} if splits else {""})


class SlowBackend(FakeBackend):
    """Counts how many sandboxes are made at the same time."""

    making = most = 0

    async def open(self, spec: SandboxSpec) -> Sandbox:
        self.making += 1
        self.most = max(self.most, self.making)
        try:
            for _ in range(50):  # passes of the event loop, in which another may begin
                await anyio.sleep(0)
            return await super().open(spec)
        finally:
            self.making -= 1


async def test_it_fills_one_by_one_unless_requests_find_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("drybox.pool.pool.usable_cpus", lambda: 3)
    backend = SlowBackend(*(WaitingSandbox() for _ in range(20)))
    async with Pool(backend, PoolSettings(min_idle=4), SPEC.limits) as pool:
        await pool.open(SPEC)
        pool.answered()
        await counted(pool, (4, 0, 1, 0))
        assert backend.most == 1
        backend.most = 0
        for _ in range(5):  # sooner than it is refilled: the last finds none
            await pool.open(SPEC)
        pool.answered()
        await counted(pool, (4, 4, 2, 0))
        assert backend.most == 3
