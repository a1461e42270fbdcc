"""What operators see of sessions: spans, metrics, hooks, the audit; and how they are bounded."""

from __future__ import annotations

import json
import logging

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry
from tests.support.host import eventually
from tests.support.isolations import Isolation

from drybox import (
    AuditHook,
    CodeExecutor,
    HookEvent,
    Rejected,
    ResourceLimits,
    SnapshotError,
    Unavailable,
)
from drybox.hooks.hooks import HookContext
from drybox.model import MIB
from drybox.monitoring.metrics import ExecutionMetrics
from drybox.monitoring.tracing import TraceObserver

pytestmark = [pytest.mark.isolations("local"), pytest.mark.promise("SES-8")]


def attribute(span: ReadableSpan, name: str) -> object:
    return (span.attributes or {}).get(f"drybox.{name}")


def test_every_act_is_a_span_below_its_callers(isolation: Isolation) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    with CodeExecutor(isolation=isolation.name, observers=[TraceObserver(provider)]) as executor:
        with tracer.start_as_current_span("opens"):
            session = executor.open_session("bash")
        with tracer.start_as_current_span("uses"):
            session.run("echo secret-text")
            session.run("exit 3")
            list(session.stream("echo on"))
            session.command("true")
            session.start(["true"]).wait()
            session.snapshot()
        with tracer.start_as_current_span("closes"):
            session.close()
        idle = executor.open_session("bash", idle_timeout=0.1)
        assert eventually(lambda: idle.state == "closed")
    spans = exporter.get_finished_spans()
    callers = {span.context.span_id: span.name for span in spans if span.name[-1] == "s"}
    seen = [
        (callers.get(span.parent.span_id if span.parent else 0), span.name)
        for span in spans
        if attribute(span, "session.id") == session.id
    ]
    assert sorted(seen) == [
        ("closes", "session close"),
        ("opens", "session open"),
        *[("uses", f"session {act}") for act in ("command", "run", "run", "run")],
        *[("uses", f"session {act}") for act in ("snapshot", "start")],
    ]
    statuses = [attribute(span, "status") for span in spans if span.name == "session run"]
    assert statuses[:3] == ["success", "failed", "success"]
    (end,) = [
        span
        for span in spans
        if span.name == "session close" and attribute(span, "session.id") == idle.id
    ]
    assert attribute(end, "status") == "idle"
    assert "secret-text" not in str([span.to_json() for span in spans])
    assert all(span.status.status_code is not trace.StatusCode.ERROR for span in spans)


def test_metrics_count_what_is_done(isolation: Isolation) -> None:
    registry = CollectorRegistry()
    metrics = ExecutionMetrics(registry)

    def count(operation: str, language: str, status: str) -> float | None:
        labels = {"operation": operation, "language": language, "status": status}
        name = "drybox_session_operations_total"
        return registry.get_sample_value(name, {**labels, "isolation": isolation.name})

    with CodeExecutor(isolation=isolation.name, observers=[metrics]) as executor:
        with executor.session("bash") as session:
            session.run("true")
            session.run("false")
            session.run("print(1)", language="python")
            session.command("sleep 0.01")
        small = ResourceLimits(disk=1 << 20)
        kept = executor.open_session("bash")
        kept.command("head -c 3000000 /dev/urandom > data")
        with pytest.raises(SnapshotError, match="disk"):
            executor.open_session("bash", limits=small, snapshot=kept.snapshot())
        kept.close()
    assert count("open", "bash", "success") == 2
    assert count("open", "bash", "invalid") == 1
    assert count("close", "bash", "closed") == 2
    assert count("run", "bash", "success") == 1
    assert count("run", "bash", "failed") == 1
    assert count("run", "python", "success") == 1
    assert count("command", "bash", "success") == 2
    labels = {"language": "bash", "isolation": isolation.name}
    assert registry.get_sample_value("drybox_session_age_seconds_count", labels) == 2
    assert (registry.get_sample_value("drybox_session_cpu_seconds_total", labels) or 0) > 0


def test_hooks_and_the_audit_know_the_session(
    isolation: Isolation, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[tuple[str, str]] = []

    class Policy:
        def before_run(self, context: HookContext) -> None:
            if context.language == "python":
                raise Rejected("No Python.", hint="Use Bash.")

    def note(event: HookEvent) -> None:
        seen.append((event.name, event.context.session))

    hooks = [AuditHook("tests", logger="tests.audit"), note, Policy()]
    with (
        caplog.at_level(logging.INFO, "tests.audit"),
        CodeExecutor(isolation=isolation.name, hooks=hooks) as executor,
    ):
        with executor.session("bash") as session:
            session.run("exit 3")
            session.command("true")
            with pytest.raises(Rejected):
                session.run("1", language="python")
        executor.execute("bash", "true")
    assert {id for _, id in seen[:-4]} == {session.id}
    assert [name for name, _ in seen[:-4]] == [
        *("sandbox_created", "before_run", "after_run", "before_run", "after_run"),
        *("before_run", "run_failed", "sandbox_destroyed"),
    ]
    assert [id for _, id in seen[-4:]] == [""] * 4
    lines = [json.loads(record.message) for record in caplog.records]
    known = [line for line in lines if line.get("session") == session.id]
    assert [(line["language"], line["status"]) for line in known] == [
        *(("bash", "failed"), ("bash", "success"), ("python", "rejected"), ("bash", "closed")),
    ]
    assert known[-1]["id"] == session.id
    assert all(line["id"].startswith(f"{session.id}/") for line in known[:-1])
    assert "session" not in lines[-1]
    assert len(lines) == len(known) + 1


def test_the_memory_of_all_is_bounded(isolation: Isolation) -> None:
    limits = ResourceLimits(memory=100 * MIB)
    with CodeExecutor(isolation=isolation.name, session_memory=250 * MIB) as executor:
        first = executor.open_session("bash", limits=limits)
        second = executor.open_session("bash", limits=limits)
        with pytest.raises(Unavailable, match="memory") as caught:
            executor.open_session("bash", limits=limits)
        assert "session_memory" in caught.value.hint
        third = executor.open_session("bash", limits=ResourceLimits(memory=50 * MIB))
        assert all(each.command("echo on").stdout == "on\n" for each in (first, second, third))
        first.close()
        with executor.session("bash", limits=limits) as later:
            assert later.command("echo on").stdout == "on\n"
        with pytest.raises(Unavailable):  # one that is too large leaves no trace
            executor.open_session("bash", limits=ResourceLimits(memory=200 * MIB))
        with executor.session("bash", limits=limits):
            pass


def test_runs_wait_for_slots_where_they_are_to(isolation: Isolation) -> None:
    with (
        CodeExecutor(isolation=isolation.name, concurrency=1, queue_timeout=0.5) as executor,
        executor.session("bash") as session,
    ):
        events = session.stream("echo begun; until [ -e go ]; do :; done")
        assert next(iter(events)).data == "begun\n"
        with executor.session("bash") as other:
            assert other.command("echo on").stdout == "on\n"
        assert executor.execute("bash", "echo on").stdout == "on\n"
        session.files.write("go", "")
        assert [event.type for event in events][-1] == "result"
    with (
        CodeExecutor(
            isolation=isolation.name, concurrency=1, queue_timeout=0.5, session_slots=True
        ) as executor,
        executor.session("bash") as session,
    ):
        assert session.command("echo on").stdout == "on\n"  # a slot is given back
        with executor.session("bash") as other:
            events = session.stream("echo begun; until [ -e go ]; do :; done")
            assert next(iter(events)).data == "begun\n"
            with pytest.raises(Unavailable):
                other.command("echo on")
            with pytest.raises(Unavailable):
                executor.execute("bash", "echo on")
            session.files.write("go", "")
            assert [event.type for event in events][-1] == "result"
            assert other.command("echo on").stdout == "on\n"
