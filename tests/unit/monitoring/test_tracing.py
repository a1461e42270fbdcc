"""Spans of executions, as OpenTelemetry's own in-memory exporter receives them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from tests.support.clock import INSTANT

from drybox import AsyncCodeExecutor, ExecutionRequest, SandboxLost, Unavailable
from drybox.job import Exit
from drybox.monitoring.tracing import TraceObserver
from drybox.testing.fake_backend import FakeSandbox, Install, Script

pytestmark = [pytest.mark.anyio, pytest.mark.promise("MON-5")]
HELLO = Script([("stdout", b"hello")], Exit(0, None, 0.25, 0.125, 4096))
REQUEST = ExecutionRequest("py", "print('in no span')")


@pytest.fixture
def anyio_backend() -> Any:
    return INSTANT


class Spans:
    """A provider, and the spans that ended."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.all() if span.name == name]

    def all(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()


async def test_an_execution_is_a_span_and_its_stages_are_below_it(install: Install) -> None:
    install(FakeSandbox([HELLO, HELLO]))
    spans = Spans()
    observer = TraceObserver(spans.provider)
    async with AsyncCodeExecutor(isolation="fake", observers=[observer]) as executor:
        with spans.provider.get_tracer("caller").start_as_current_span("caller") as caller:
            result = await executor.execute(ExecutionRequest("java", "class A {}"))
    (execution,) = spans.named("execution")
    assert execution.parent == caller.get_span_context()
    assert execution.attributes == {
        "drybox.execution.id": result.id,
        "drybox.language": "java",
        "drybox.isolation": "fake",
        "drybox.status": "success",
        "drybox.version": "9.8.7",
        "drybox.cpu_time": 0.25,
    }
    stages = [span for span in spans.all() if span.name not in ("execution", "caller")]
    assert [span.name for span in stages] == ["claim", "place", "compile", "run", "collect"]
    for span in stages:
        assert span.parent == execution.get_span_context()
        assert span.start_time is not None
        assert execution.start_time is not None
        assert execution.end_time is not None
        assert execution.start_time <= span.start_time <= execution.end_time
    assert all(span.status.status_code is StatusCode.UNSET for span in spans.all())


async def test_only_what_is_ours_is_an_error(install: Install) -> None:
    install(
        FakeSandbox([Script(end=Exit(1, None, 0.1))]),
        Unavailable("none", hint="wait"),
        FakeSandbox([Script(end=SandboxLost("gone", hint=""))]),
    )
    spans = Spans()
    observer = TraceObserver(spans.provider)
    async with AsyncCodeExecutor(isolation="fake", observers=[observer]) as executor:
        await executor.execute(REQUEST)
        with pytest.raises(Unavailable):
            await executor.execute(REQUEST)
        await executor.execute(REQUEST)
    words = [
        (span.attributes and span.attributes["drybox.status"], span.status.status_code)
        for span in spans.named("execution")
    ]
    assert words == [
        ("failed", StatusCode.UNSET),
        ("unavailable", StatusCode.ERROR),
        ("sandbox_error", StatusCode.ERROR),
    ]


async def test_nothing_of_the_program_is_in_a_span(install: Install) -> None:
    install(FakeSandbox([HELLO]))
    spans = Spans()
    observer = TraceObserver(spans.provider)
    async with AsyncCodeExecutor(isolation="fake", observers=[observer]) as executor:
        await executor.execute(REQUEST)
    assert "in no span" not in "".join(span.to_json() for span in spans.all())


@pytest.mark.parametrize(
    ("module", "unwanted"),
    # FastAPI itself imports the API where it finds it.
    [
        ("drybox.executor.sync_executor", "opentelemetry"),
        ("drybox.server.app", "opentelemetry.sdk"),
    ],
)
def test_none_of_it_is_imported_before_it_is_switched_on(module: str, unwanted: str) -> None:
    code = (
        f"import sys, {module};"
        f"assert not [name for name in sys.modules if name.startswith({unwanted!r})]"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
