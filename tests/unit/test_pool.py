"""What a pool says of itself."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import pytest
from tests.support.fake import FakeBackend, FakeSandbox

from drybox import PoolSettings, ResourceLimits, Unavailable
from drybox.languages import find_language
from drybox.pool import Pool, PoolCount
from drybox.protocols import Sandbox, SandboxSpec
from drybox.warm import Runner

pytestmark = pytest.mark.anyio
SPEC = SandboxSpec(find_language("python")[0], "", ResourceLimits(), "fake")
ONE = PoolSettings(min_idle=1)


class WaitingSandbox(FakeSandbox):
    """One that could wait for a request."""

    dead = False

    async def warm(self, runners: Sequence[Runner], limits: ResourceLimits) -> None:
        self.calls.append("warm")

    def is_alive(self) -> bool:
        return not self.dead


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
    async with Pool(FakeBackend(*sandboxes), ONE) as pool:
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


async def test_a_request_with_packages_is_a_cold_one() -> None:
    spec = SandboxSpec(SPEC.language, "", SPEC.limits, "fake", "/srv/packages")
    async with Pool(FakeBackend(WaitingSandbox()), ONE) as pool:
        await pool.open(spec)
        assert pool.counts() == [PoolCount("fake", "python", 0, 0, 1, 0)]


async def test_what_fails_to_wait_is_counted() -> None:
    backend = FakeBackend(WaitingSandbox(), Unavailable("none", hint="wait"))
    async with Pool(backend, ONE) as pool:
        await pool.open(SPEC)
        pool.answered()
        await counted(pool, (0, 0, 1, 1))


async def test_a_request_that_found_none_is_not_served() -> None:
    async with Pool(FakeBackend(Unavailable("none", hint="wait")), ONE) as pool:
        with pytest.raises(Unavailable):
            await pool.open(SPEC)
        assert pool.counts() == [PoolCount("fake", "python", 0, 0, 0, 0)]


class SlowBackend(FakeBackend):
    """Counts how many sandboxes are made at the same time."""

    making = most = 0

    async def open(self, spec: SandboxSpec) -> Sandbox:
        self.making += 1
        self.most = max(self.most, self.making)
        try:
            for _ in range(50):  # turns of the loop, in which another may begin
                await anyio.sleep(0)
            return await super().open(spec)
        finally:
            self.making -= 1


async def test_it_fills_one_by_one_unless_requests_find_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("drybox.pool.usable_cpus", lambda: 3)
    backend = SlowBackend(*(WaitingSandbox() for _ in range(20)))
    async with Pool(backend, PoolSettings(min_idle=4)) as pool:
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
