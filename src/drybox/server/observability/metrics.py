"""The metrics of the service, and the route that serves them."""

from __future__ import annotations

import platform
import time
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version

import anyio
import anyio.to_thread
from fastapi import APIRouter, Request, Response
from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from drybox.model import PoolCount
from drybox.monitoring.metrics import SECONDS, ExecutionMetrics, PoolMetrics
from drybox.server.transport.openapi import gives
from drybox.server.transport.origins import identify
from drybox.server.transport.plain_route import PlainRoute
from drybox.service.admission import AdmissionController, Reason
from drybox.service.service import Service
from drybox.service.sessions import ServedSessions

OPEN_METRICS = "application/openmetrics-text"

router = APIRouter(default_response_class=Response, route_class=PlainRoute)


class ServiceMetrics:
    """Everything that ``/metrics`` shows. Observes the admission and every request.

    Args:
        pools: Gives what the pools say now.
    """

    def __init__(self, pools: Callable[[], Sequence[PoolCount]]) -> None:
        self.registry = CollectorRegistry()
        self.executions = ExecutionMetrics(self.registry)
        PoolMetrics(pools, self.registry)
        self._scrapes = anyio.CapacityLimiter(1)
        self._requests = Counter(
            "drybox_http_requests",
            "Requests that have their answer.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "drybox_http_request_duration_seconds",
            "From a request to the end of its answer.",
            ("route",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self._rejected = Counter(
            "drybox_requests_rejected",
            "Requests that were turned away, by key and reason.",
            ("key", "reason"),
            registry=self.registry,
        )
        self._admitted = Counter(
            "drybox_requests_admitted",
            "Requests that had a slot, by key.",
            ("key",),
            registry=self.registry,
        )
        self._cpu_time = Counter(
            "drybox_key_cpu_seconds",
            "CPU time charged to each key.",
            ("key",),
            registry=self.registry,
        )
        self._wait = Histogram(
            "drybox_queue_wait_seconds",
            "What requests waited for a slot.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self._waiting = Gauge(
            "drybox_queue_waiting", "Requests that wait for a slot.", registry=self.registry
        )
        self._size = Gauge(
            "drybox_queue_size", "Requests that may wait at most.", registry=self.registry
        )
        self._slots = Gauge(
            "drybox_concurrency", "Executions that run at once at most.", registry=self.registry
        )
        build = Info("drybox_build", "What this is.", registry=self.registry)
        build.info({"version": version("drybox"), "python": platform.python_version()})
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def watch(self, controller: AdmissionController) -> None:
        """Show this admission's queue from now on."""
        self._waiting.set_function(lambda: controller.waiting)
        self._size.set(controller.size)
        self._slots.set_function(lambda: controller.slots)

    def watch_sessions(self, sessions: ServedSessions) -> None:
        """Show these sessions from now on."""
        self.registry.register(_SessionCollector(sessions))

    def admitted(self, key: str, waited: float) -> None:
        """A request has a slot."""
        self._admitted.labels(key).inc()
        self._wait.observe(waited)

    def refused(self, key: str, reason: Reason) -> None:
        """A request was turned away."""
        self._rejected.labels(key, reason).inc()

    def charged(self, key: str, cpu_time: float) -> None:
        """An execution took so much."""
        self._cpu_time.labels(key).inc(cpu_time)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request has its answer."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    async def show(self, accept: str = "") -> Response:
        """All of it, as text; made in a thread, one at a time, so that no execution waits for it.

        Args:
            accept: The media types that the client takes.
        """
        is_open = OPEN_METRICS in accept
        write: Callable[[CollectorRegistry], bytes] = (
            openmetrics.generate_latest if is_open else generate_latest
        )
        kind = openmetrics.CONTENT_TYPE_LATEST if is_open else CONTENT_TYPE_PLAIN_0_0_4
        content = await anyio.to_thread.run_sync(write, self.registry, limiter=self._scrapes)
        return Response(content, headers={"Content-Type": kind})


class _SessionCollector(Collector):
    """What the open sessions are, when somebody asks."""

    def __init__(self, sessions: ServedSessions) -> None:
        self._sessions = sessions

    def collect(self) -> Iterator[Metric]:
        """Their number by language and state, the age of the oldest, and what has been begun."""
        open_now = GaugeMetricFamily(
            "drybox_sessions_open", "Sessions that are open.", labels=("language", "state")
        )
        oldest = GaugeMetricFamily("drybox_session_oldest_seconds", "Age of the oldest session.")
        owned = self._sessions.all()
        counts = Tally((item.session.language, item.session.state) for item in owned)
        for labels, count in counts.items():
            open_now.add_metric(labels, count)
        now = time.monotonic()
        oldest.add_metric((), max((now - item.opened_at for item in owned), default=0.0))
        yield open_now
        yield oldest
        yield CounterMetricFamily(
            "drybox_sessions", "Sessions that were opened.", value=self._sessions.begun
        )
        yield CounterMetricFamily(
            "drybox_session_runs", "Runs and commands in sessions.", value=self._sessions.runs
        )


@router.get(
    "/metrics",
    responses=gives(
        "Every metric, in the form that the client prefers.",
        {kind: {"schema": {"type": "string"}} for kind in ("text/plain", OPEN_METRICS)},
        *(401, 403, 500),
    ),
)
async def metrics(request: Request) -> Response:
    """What Prometheus reads."""
    service: Service = request.app.state.service
    if not service.settings.public_metrics:
        service.admission.check_metrics(await identify(request, service))
    shown: ServiceMetrics = request.app.state.metrics
    return await shown.show(request.headers.get("accept", ""))
