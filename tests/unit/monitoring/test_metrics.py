"""What metrics count, and that their labels are bounded."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from tests.support.clock import INSTANT

from drybox import AsyncCodeExecutor, ExecutionRequest, SandboxLost, Unavailable
from drybox.job import Exit
from drybox.model import MIB, PoolCount
from drybox.monitoring.metrics import ExecutionMetrics, PoolMetrics
from drybox.testing.fake_backend import FakeSandbox, Install, Script

pytestmark = pytest.mark.anyio
ENDED = Exit(0, None, 0.25, 0.125, 40 * MIB)
HELLO = Script([("stdout", b"hello")], ENDED)
REQUEST = ExecutionRequest("py", "1")


@pytest.fixture
def anyio_backend() -> Any:
    return INSTANT


class Shown:
    """The samples of a registry, as a scrape sees them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        text = generate_latest(registry).decode()
        self.samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float | None:
        return self.samples.get((name, frozenset(labels.items())))


@pytest.mark.promise("MON-1")
async def test_executions_are_counted_and_timed(install: Install) -> None:
    install(FakeSandbox([HELLO]), FakeSandbox([HELLO, Script(end=Exit(3, None, 0.1, 0.1, MIB))]))
    registry = CollectorRegistry()
    async with AsyncCodeExecutor(
        isolation="fake", observers=[ExecutionMetrics(registry)]
    ) as executor:
        await executor.execute(REQUEST)
        await executor.execute(ExecutionRequest("java", "class A {}"))
    shown, python = Shown(registry), {"language": "python", "isolation": "fake"}
    assert shown.value("drybox_executions_total", **python, status="success") == 1
    java = {"language": "java", "isolation": "fake"}
    assert shown.value("drybox_executions_total", **java, status="failed") == 1
    assert shown.value("drybox_execution_duration_seconds_count", **python) == 1
    assert shown.value("drybox_execution_cpu_seconds_total", **python) == 0.125
    assert shown.value("drybox_execution_cpu_seconds_total", **java) == 0.225
    for size, count in (("3.3554432e+07", 0), ("6.7108864e+07", 1)):  # 32 and 64 MiB
        bucket = shown.value("drybox_execution_memory_peak_bytes_bucket", **python, le=size)
        assert bucket == count
    for stage in ("claim", "place", "run", "collect"):
        assert shown.value("drybox_stage_duration_seconds_count", **python, stage=stage) == 1
    assert shown.value("drybox_stage_duration_seconds_count", **python, stage="compile") is None
    assert shown.value("drybox_stage_duration_seconds_count", **java, stage="compile") == 1
    assert shown.value("drybox_executions_running") == 0


@pytest.mark.promise("MON-1")
async def test_what_fails_and_what_is_given_up_is_told_apart(install: Install) -> None:
    install(
        Unavailable("none", hint="wait"),
        FakeSandbox([Script(end=SandboxLost("gone", hint=""))]),
        FakeSandbox([Script(deaf=True)]),
    )
    registry = CollectorRegistry()
    metrics = ExecutionMetrics(registry)
    async with AsyncCodeExecutor(isolation="fake", observers=[metrics]) as executor:
        with pytest.raises(Unavailable):
            await executor.execute(REQUEST)
        assert (await executor.execute(REQUEST)).status == "sandbox_error"
        with anyio.move_on_after(0.5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(executor.execute, REQUEST)
                await anyio.sleep(0.25)
                assert Shown(registry).value("drybox_executions_running") == 1
    shown, python = Shown(registry), {"language": "python", "isolation": "fake"}
    for status in ("unavailable", "sandbox_error", "cancelled"):
        assert shown.value("drybox_executions_total", **python, status=status) == 1, status
    for kind in ("unavailable", "lost"):
        assert shown.value("drybox_sandbox_failures_total", isolation="fake", kind=kind) == 1
    assert shown.value("drybox_executions_running") == 0


@pytest.mark.promise("MON-1")
async def test_who_waits_does_not_run_yet(install: Install) -> None:
    install(FakeSandbox([Script(seconds=1.0)]), FakeSandbox([HELLO]))
    registry = CollectorRegistry()
    metrics = ExecutionMetrics(registry)
    async with (
        AsyncCodeExecutor(isolation="fake", observers=[metrics], concurrency=1) as executor,
        anyio.create_task_group() as tasks,
    ):
        for _ in range(2):
            tasks.start_soon(executor.execute, REQUEST)
        await anyio.sleep(0.5)
        assert Shown(registry).value("drybox_executions_running") == 1
    labels = {"stage": "queue", "language": "python", "isolation": "fake"}
    assert Shown(registry).value("drybox_stage_duration_seconds_count", **labels) == 1


@pytest.mark.promise("MON-1")
async def test_a_name_that_a_client_chose_is_no_label(install: Install) -> None:
    install(FakeSandbox([HELLO]))
    registry = CollectorRegistry()
    async with AsyncCodeExecutor(
        isolation="fake", observers=[ExecutionMetrics(registry)]
    ) as executor:
        await executor.execute(ExecutionRequest("PY@3", "1", files={"secret.py": ""}))
    text = generate_latest(registry).decode()
    assert 'language="python"' in text
    assert "PY" not in text
    assert "secret" not in text


@pytest.mark.promise("MON-1")
async def test_several_executors_share_metrics_or_have_their_own(install: Install) -> None:
    install(*(FakeSandbox([HELLO]) for _ in range(3)))
    one, other = CollectorRegistry(), CollectorRegistry()
    shared = ExecutionMetrics(one)
    for metrics in (shared, shared, ExecutionMetrics(other)):
        async with AsyncCodeExecutor(isolation="fake", observers=[metrics]) as executor:
            await executor.execute(REQUEST)
    labels = {"language": "python", "isolation": "fake", "status": "success"}
    assert Shown(one).value("drybox_executions_total", **labels) == 2
    assert Shown(other).value("drybox_executions_total", **labels) == 1
    assert not [name for name in REGISTRY._names_to_collectors if "drybox" in name]


@pytest.mark.promise("MON-1")
def test_pools_are_read_when_somebody_asks_and_added_up() -> None:
    counts: list[PoolCount] = []
    registry = CollectorRegistry()
    PoolMetrics(lambda: counts, registry)
    assert "drybox_pool_idle{" not in generate_latest(registry).decode()
    counts += [PoolCount("local", "python", 2, 5, 1, 0), PoolCount("local", "python", 1, 1, 1, 3)]
    counts.append(PoolCount("docker", "node", 0, 0, 7, 0))
    shown, python = Shown(registry), {"isolation": "local", "language": "python"}
    assert shown.value("drybox_pool_idle", **python) == 3
    assert shown.value("drybox_pool_claims_total", **python, kind="warm") == 6
    assert shown.value("drybox_pool_claims_total", **python, kind="cold") == 2
    assert shown.value("drybox_pool_refill_failures_total", **python) == 3
    node = {"isolation": "docker", "language": "node"}
    assert shown.value("drybox_pool_claims_total", **node, kind="cold") == 7
