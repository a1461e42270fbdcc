"""A front door and nodes in this process: more are asked for, and one that is too many is left."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from tests.support.fleet import SETTINGS, FakeCluster

from drybox import AsyncRayExecutor, ExecutionRequest, InvalidRequest
from drybox.fleet.scaling import front
from drybox.testing.fake_backend import FakeSandbox, Install, Script

pytestmark = [pytest.mark.anyio, pytest.mark.promise("FLEET-7")]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "INTERVAL", 0.02)


async def test_nodes_are_asked_for_and_left(install: Install) -> None:
    install(*(FakeSandbox([Script([("stdout", b"x")], hangs=True)]) for _ in range(6)))
    cluster = FakeCluster({"own": SETTINGS})
    given: dict[str, Any] = {"min_nodes": 1, "max_nodes": 2, "node_idle_timeout": 0.3}
    async with AsyncRayExecutor(cluster=cluster, isolation="fake", **given) as door:
        async with anyio.create_task_group() as tasks:
            for _ in range(3):  # one more than there are slots
                tasks.start_soon(door.execute, ExecutionRequest("python", ""))
            with anyio.fail_after(20):
                while cluster.scales.asked[-1:] != [2]:
                    await anyio.sleep(0.01)
                cluster.settings["b"] = SETTINGS  # as Ray's autoscaler does
                while len(door.nodes()) < 2 or door.waiting:
                    await anyio.sleep(0.01)
            tasks.cancel_scope.cancel()
        with anyio.fail_after(20):
            while cluster.scales.asked[-1] != 1 or len(door.nodes()) != 1:
                await anyio.sleep(0.01)
        assert "leave" in cluster.replicas["b"].calls
        assert "leave" not in cluster.replicas["own"].calls
        assert door.lost == 0


async def test_bounds_without_a_maximum_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="max_nodes"):
        AsyncRayExecutor(cluster=FakeCluster({}), min_nodes=2, max_nodes=1)
