"""The service's metrics, and the route that shows them."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
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
from prometheus_client.openmetrics import exposition as openmetrics

from drybox.http.gate import FairGate, Reason
from drybox.http.openapi import gives
from drybox.http.service import Service
from drybox.monitoring.metrics import SECONDS, ExecutionMetrics, PoolMetrics
from drybox.pool import PoolCount

OPEN_METRICS = "application/openmetrics-text"

router = APIRouter(default_response_class=Response)


class ServiceMetrics:
    """Everything that ``/metrics`` shows. Observes the gate and every request.

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
            "Requests that had their turn, by key.",
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
            "What requests waited for their turn.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self._waiting = Gauge(
            "drybox_queue_waiting", "Requests that wait for their turn.", registry=self.registry
        )
        self._size = Gauge(
            "drybox_queue_size", "Requests that may wait at most.", registry=self.registry
        )
        self._places = Gauge(
            "drybox_concurrency", "Executions that run at once at most.", registry=self.registry
        )
        build = Info("drybox_build", "What this is.", registry=self.registry)
        build.info({"version": version("drybox"), "python": platform.python_version()})
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def watch(self, gate: FairGate) -> None:
        """Show this gate's queue from now on."""
        self._waiting.set_function(lambda: gate.waiting)
        self._size.set(gate.size)
        self._places.set(gate.places)

    def admitted(self, key: str, waited: float) -> None:
        """A request has its turn."""
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
        service.gate.check_metrics(await service.identify(request))
    shown: ServiceMetrics = request.app.state.metrics
    return await shown.show(request.headers.get("accept", ""))
