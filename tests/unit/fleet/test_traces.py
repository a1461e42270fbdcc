"""Spans of what an execution went through on its node, below those of its front door."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.support.fleet import fleet

from drybox import ExecutionRequest
from drybox.monitoring.tracing import TraceObserver
from drybox.testing.fake_backend import FakeSandbox, Install, Script

pytestmark = [pytest.mark.anyio, pytest.mark.promise("MON-5"), pytest.mark.usefixtures("way")]

REQUEST = ExecutionRequest("python", "")


@pytest.mark.parametrize("followed", [True, False])
async def test_stages_on_the_node_are_below_the_run(install: Install, followed: bool) -> None:
    install(FakeSandbox([Script([("stdout", b"x")], seconds=0.05)]))
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    async with fleet("a", observers=[TraceObserver(provider)]) as (door, _):
        if followed:
            async with door.stream(REQUEST) as events:
                assert [event.type async for event in events][-1] == "result"
        else:
            await door.execute(REQUEST)
    spans = exporter.get_finished_spans()
    (execution,) = (span for span in spans if span.name == "execution")
    assert execution.attributes is not None
    assert execution.attributes["drybox.node"] == "a"
    below = [span for span in spans if span.parent == execution.context]
    assert [span.name for span in below] == ["queue", "run"]
    run = below[1]
    there = [span for span in spans if span.parent == run.context]
    assert [span.name for span in there] == ["claim", "place", "run", "collect"]
    assert all(span.attributes == {"drybox.node": "a"} for span in there)
    times = [time for span in there for time in (span.start_time, span.end_time)]
    assert times == sorted(times, key=lambda time: time or 0)
    assert run.start_time is not None
    assert run.end_time is not None
    assert times[0] is not None
    assert times[-1] is not None
    assert run.start_time <= times[0] <= times[-1] <= run.end_time
    assert len(spans) == 3 + len(there)


async def test_nothing_is_noted_where_nobody_traces(install: Install) -> None:
    install(FakeSandbox([Script([("stdout", b"x")])]))
    async with fleet("a") as (door, cluster):
        await door.execute(REQUEST)
        assert cluster.replicas["a"].node._stages is None
