"""Several keys and front doors on nodes that are full: nobody waits longer than has to be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import anyio
import pytest
from tests.support.fleet import SETTINGS, FakeCluster, fleet

from drybox import AsyncRayExecutor, ExecutionRequest
from drybox.job import OWNER
from drybox.testing.fake_backend import FakeSandbox, Install, Script

pytestmark = [pytest.mark.promise("FLEET-4"), pytest.mark.anyio]


async def run(executor: AsyncRayExecutor, owner: str, word: str, ended: list[str]) -> None:
    """Run one of a key's programs."""
    OWNER.set(owner)
    result = await executor.execute("python", "", args=[word])
    assert result.status == "success"
    ended.append(word)


async def test_a_key_that_runs_nothing_comes_before_one_that_floods(install: Install) -> None:
    install(*(FakeSandbox([Script(seconds=0.1)]) for _ in range(21)))
    ended: list[str] = []
    async with fleet("a") as (executor, _), anyio.create_task_group() as tasks:
        for n in range(20):
            tasks.start_soon(run, executor, "flood", f"flood-{n}", ended)
        while executor.waiting < 18:
            await anyio.sleep(0.01)
        tasks.start_soon(run, executor, "single", "single", ended)
    # Two run when it comes, and two may have begun beside it.
    assert ended.index("single") <= 3, ended


async def test_so_it_is_where_another_front_door_floods(install: Install) -> None:
    install(*(FakeSandbox([Script(seconds=0.1)]) for _ in range(60)))
    ended: list[str] = []
    settings = replace(SETTINGS, concurrency=4)
    cluster = FakeCluster({"a": settings})
    async with (
        AsyncRayExecutor(cluster=cluster, isolation="fake") as one,
        AsyncRayExecutor(cluster=cluster, isolation="fake") as other,
        anyio.create_task_group() as tasks,
    ):
        for n in range(40):
            tasks.start_soon(run, one, "flood", f"flood-{n}", ended)
        while one.waiting < 36:
            await anyio.sleep(0.01)
        before = len(ended)
        tasks.start_soon(run, other, "single", "single", ended)
        while "single" not in ended:
            await anyio.sleep(0.01)
        assert ended.index("single") - before <= 9, ended
    assert len(ended) == 41


async def test_front_doors_that_both_flood_share_the_slots(install: Install) -> None:
    install(*(FakeSandbox([Script(seconds=0.03)]) for _ in range(120)))
    settings = replace(SETTINGS, concurrency=4)
    cluster = FakeCluster({"a": settings, "b": settings})
    ended: list[str] = []
    async with (
        AsyncRayExecutor(cluster=cluster, isolation="fake") as one,
        AsyncRayExecutor(cluster=cluster, isolation="fake") as other,
        anyio.create_task_group() as tasks,
    ):
        for n in range(60):
            tasks.start_soon(run, one, "x", f"one-{n}", ended)
            tasks.start_soon(run, other, "y", f"other-{n}", ended)
        while len(ended) < 60:
            await anyio.sleep(0.01)
        shares = [sum(word.startswith(name) for word in ended[:60]) for name in ("one", "other")]
    assert min(shares) >= 20, shares
    assert len(ended) == 120


async def test_a_slot_that_is_held_and_not_used_is_given_back(install: Install) -> None:
    install(*(FakeSandbox([Script(seconds=0.2)]) for _ in range(8)))
    cluster = FakeCluster({"a": SETTINGS})
    results: list[Any] = []
    async with (
        AsyncRayExecutor(cluster=cluster, isolation="fake") as one,
        AsyncRayExecutor(cluster=cluster, isolation="fake") as other,
        anyio.create_task_group() as tasks,
    ):

        async def flood() -> None:
            results.extend(await one.execute_many([ExecutionRequest("python", "")] * 6))

        tasks.start_soon(flood)
        while one.waiting < 4:
            await anyio.sleep(0.01)
        with anyio.move_on_after(0.05):  # waits, and leaves before it has a slot
            await other.execute("python", "")
        with anyio.fail_after(5):
            while "give_back" not in cluster.replicas["a"].calls:
                await anyio.sleep(0.01)
    assert [item.status for item in results] == ["success"] * 6
