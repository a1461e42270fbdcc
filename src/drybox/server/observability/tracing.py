"""Traces of requests: who asked, and how long they waited for a slot."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from drybox.monitoring.tracing import VERSION, tracer_of
from drybox.service.admission import Reason
from drybox.service.request_context import current_record

QUIET = frozenset(("/healthz", "/readyz", "/metrics"))
"""Paths that machines ask for all day; they are not traced."""

_HEADER = TraceContextTextMapPropagator()


@contextmanager
def exporting() -> Iterator[TracerProvider]:
    """A provider that sends spans to where the ``OTEL_*`` variables say; the rest at the end."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    name = {"service.name": "drybox", "service.version": VERSION}
    provider = TracerProvider(resource=Resource.create(name), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    try:
        yield provider
    finally:
        provider.shutdown()


class RequestTraces:
    """ASGI middleware that makes a span of every request; observes admission for its queue.

    A client's ``traceparent`` is taken over, so that its own trace goes on here.

    Args:
        app: The application.
        provider: Whom the spans are for.
    """

    def __init__(self, app: ASGIApp, provider: TracerProvider) -> None:
        self._app = app
        self._tracer = tracer_of(provider)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] not in ("http", "websocket") or scope["path"] in QUIET:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        parent = _HEADER.extract({"traceparent": headers.get("traceparent", "")})
        method = scope.get("method", "WEBSOCKET")
        with self._tracer.start_as_current_span(
            "request", parent, SpanKind.SERVER, record_exception=False
        ) as span:
            record = current_record()

            async def note(message: Message) -> None:
                if message["type"].endswith(".start"):
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        span.set_status(Status(StatusCode.ERROR))
                await send(message)

            try:
                await self._app(scope, receive, note)
            finally:
                route = getattr(scope.get("route"), "path", "none")
                span.update_name(f"{method[:10]} {route}")
                span.set_attributes(
                    {
                        "http.request.method": method[:10],
                        "http.route": route,
                        "drybox.request.id": record.id,
                        "drybox.key": record.key,
                    }
                )


class QueueTraces:
    """Makes spans of waits for a slot; observes admission.

    Args:
        provider: Whom the spans are for.
    """

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = tracer_of(provider)

    def admitted(self, key: str, waited: float) -> None:
        """A request has a slot."""
        now = time.time_ns()
        span = self._tracer.start_span("queue", start_time=now - int(waited * 1e9))
        span.end(now)

    def refused(self, key: str, reason: Reason) -> None:
        """A request was turned away."""
        trace.get_current_span().set_attribute("drybox.rejected", reason)

    def charged(self, key: str, cpu_time: float) -> None:
        """It is in the span of the execution."""
