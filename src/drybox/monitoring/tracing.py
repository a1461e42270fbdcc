"""OpenTelemetry traces of executions: ``AsyncCodeExecutor(observers=[TraceObserver()])``.

Each execution is a span below the caller's current one, and each of its stages a span below it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib.metadata import version

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode, Tracer, TracerProvider

from drybox.job import Job
from drybox.model import ExecutionResult, Usage
from drybox.monitoring.end_status import ending
from drybox.monitoring.observers import Stage, StageTime
from drybox.monitoring.session_observers import Act, SessionFacts

VERSION = version("drybox")

_OURS = frozenset(("sandbox_error", "unavailable", "unsupported", "error"))
"""Endings that are failures of drybox or of its host: what the program does is no error of ours."""


def tracer_of(provider: TracerProvider | None) -> Tracer:
    """Drybox's tracer at this provider, or at the process's."""
    return trace.get_tracer("drybox", VERSION, provider)


class TraceObserver:
    """Makes spans of executions, and of what is done with sessions; an ``Observer``.

    Args:
        provider: Whom the spans are for; the process's own provider if None.
    """

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._tracer = tracer_of(provider)

    def start(self, id: str, job: Job) -> _Observation:
        """An execution begins."""
        return _Observation(self._tracer, id, job)

    def begin(self, act: Act, session: SessionFacts) -> _ActObservation:
        """Something is done with a session."""
        facts = {
            "drybox.session.id": session.id,
            "drybox.language": session.language,
            "drybox.isolation": session.isolation,
        }
        return _ActObservation(self._tracer.start_span(f"session {act}", attributes=facts))


class _ActObservation:
    """Something done with a session that is traced."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def finish(self, status: str, usage: Usage) -> None:
        if status in _OURS:
            self._span.set_status(Status(StatusCode.ERROR, status))
        self._span.set_attribute("drybox.status", status)
        if usage.cpu_time is not None:
            self._span.set_attribute("drybox.cpu_time", usage.cpu_time)
        self._span.end()


class _Observation:
    """One execution that is traced."""

    def __init__(self, tracer: Tracer, id: str, job: Job) -> None:
        self._tracer = tracer
        facts = {
            "drybox.execution.id": id,
            "drybox.language": job.language,
            "drybox.isolation": job.isolation,
        }
        self._span = tracer.start_span("execution", attributes=facts)
        self._context: Context = trace.set_span_in_context(self._span)
        self._stage: Span | None = None

    def enter(self, stage: Stage) -> None:
        self._leave()
        self._stage = self._tracer.start_span(stage, context=self._context)

    def choose(self, isolation: str) -> None:
        self._span.set_attribute("drybox.isolation", isolation)

    def ran(self, node: str, stages: Sequence[StageTime], seconds: float) -> None:
        """See :class:`drybox.monitoring.observers.FollowsNodes`."""
        self._span.set_attribute("drybox.node", node)
        if self._stage is None or not stages:
            return
        # What the way there and the way back took is not known apart: as much each, say.
        way = max(0.0, seconds - stages[-1].ended) / 2
        began = time.time_ns() - round((seconds - way) * 1e9)
        below = trace.set_span_in_context(self._stage)
        for item in stages:
            start, end = (began + round(at * 1e9) for at in (item.began, item.ended))
            facts = {"drybox.node": node}
            span = self._tracer.start_span(
                item.stage, context=below, start_time=start, attributes=facts
            )
            span.end(end)

    def finish(self, result: ExecutionResult | None, error: BaseException | None) -> None:
        word = ending(result, error)
        if word in _OURS:
            status = Status(StatusCode.ERROR, word)
            if self._stage is not None:
                self._stage.set_status(status)
            self._span.set_status(status)
        self._leave()
        self._span.set_attribute("drybox.status", word)
        if result is not None:
            self._span.set_attribute("drybox.version", result.version)
        if result is not None and result.usage.cpu_time is not None:
            self._span.set_attribute("drybox.cpu_time", result.usage.cpu_time)
        self._span.end()

    def _leave(self) -> None:
        if self._stage is not None:
            self._stage.end()
            self._stage = None
