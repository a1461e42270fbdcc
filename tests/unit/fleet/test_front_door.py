"""What a server in front of a fleet knows and tells of its nodes."""

from __future__ import annotations

import json

import anyio
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from tests.support.asgi import ask
from tests.support.fleet import SETTINGS, FakeCluster, fleet

from drybox import AsyncRayExecutor, ExecutionRequest, Unavailable
from drybox.fleet.executor import ASSUMED_SLOTS
from drybox.fleet.metrics import FleetMetrics
from drybox.server.app import create_app
from drybox.settings import ServerSettings
from drybox.testing.fake_backend import FakeSandbox, Install, Script

pytestmark = pytest.mark.anyio

HELLO = Script([("stdout", b"hello\n")])


async def test_metrics_and_status_tell_of_the_nodes(install: Install) -> None:
    install(FakeSandbox([HELLO]))
    registry = CollectorRegistry()
    async with fleet("a", "b") as (executor, cluster):
        FleetMetrics(executor, registry)
        await executor.execute("python", "x")
        text = generate_latest(registry).decode()
        assert 'drybox_fleet_slots{node="a"} 2.0' in text
        assert 'drybox_fleet_running{node="b"} ' in text
        assert "drybox_fleet_lost_total 0.0" in text
        told = {(node.name, node.state, node.slots) for node in executor.nodes()}
        assert told == {("a", "ready", 2), ("b", "ready", 2)}
        cluster.replicas["b"].die()
        cluster.settings.pop("b")
        with anyio.fail_after(20):
            while executor.lost == 0:
                await anyio.sleep(0.01)
        assert 'node="b"' not in generate_latest(registry).decode()
        await cluster.replicas["b"].node.close("it is over")


async def test_a_node_that_is_drained_gets_nothing_new_and_ends_what_it_runs(
    install: Install,
) -> None:
    install(FakeSandbox([Script(seconds=0.3)]), *(FakeSandbox([HELLO]) for _ in range(6)))
    async with fleet("a", "b") as (executor, cluster):
        statuses: list[str] = []

        async def run() -> None:
            statuses.append((await executor.execute("python", "x")).status)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            with anyio.fail_after(20):
                while not (
                    busy := [n for n, r in cluster.replicas.items() if "execute" in r.calls]
                ):
                    await anyio.sleep(0.01)
                cluster.draining.update(busy)
                while "draining" not in {node.state for node in executor.nodes()}:
                    await anyio.sleep(0.01)
            begun = cluster.replicas[busy[0]].calls.count("execute")
            for _ in range(6):
                await executor.execute("python", "x")
            assert cluster.replicas[busy[0]].calls.count("execute") == begun
        assert statuses == ["success"]


async def test_a_server_follows_the_slots_of_a_fleet(install: Install) -> None:
    install()
    cluster = FakeCluster({"a": SETTINGS})
    executor = AsyncRayExecutor(cluster=cluster, isolation="fake")
    app = create_app(executor, ServerSettings())
    assert app.state.service.admission.slots == ASSUMED_SLOTS
    async with app.router.lifespan_context(app):
        with anyio.fail_after(20):
            while app.state.service.admission.slots != 2:
                await anyio.sleep(0.01)


async def test_a_server_whose_fleet_does_not_open_says_why(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install()
    monkeypatch.setattr("drybox.fleet.inventory.FIRST_NODE_TIMEOUT", 0.1)
    app = create_app(AsyncRayExecutor(cluster=FakeCluster({}), isolation="fake"), ServerSettings())
    with pytest.raises(Unavailable):
        async with app.router.lifespan_context(app):
            pass
    assert isinstance(app.state.failure, Unavailable)


async def test_a_request_that_all_nodes_are_too_full_for_may_come_again(install: Install) -> None:
    """Another front door has all slots for long, so that admission here sees none of it."""
    install(*(FakeSandbox([Script(hangs=True)]) for _ in range(2)))
    cluster = FakeCluster({"a": SETTINGS})
    executor = AsyncRayExecutor(cluster=cluster, isolation="fake")
    app = create_app(executor, ServerSettings(queue_timeout=0.2))
    async with (
        AsyncRayExecutor(cluster=cluster, isolation="fake") as other,
        app.router.lifespan_context(app),
        anyio.create_task_group() as tasks,
    ):
        for _ in range(2):
            tasks.start_soon(other.execute, ExecutionRequest("python", ""))
        with anyio.fail_after(20):
            while cluster.replicas["a"].calls.count("execute") < 2:
                await anyio.sleep(0.01)
        body = json.dumps({"language": "python", "code": ""}).encode()
        headers = {"Content-Type": "application/json"}
        answer = await ask(app, "POST", "/v1/execute", body, headers)
        assert answer.status == 429, answer
        assert answer.headers["retry-after"] == "1"
        assert answer.problem["type"].endswith("queue-full")
        tasks.cancel_scope.cancel()
