"""Prometheus metrics of executors: ``AsyncCodeExecutor(observers=[metrics])``.

They are kept in a registry of one's own, so that several can stand side by side in one process.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from drybox.job import Job
from drybox.model import MIB, ExecutionResult, PoolCount, Usage
from drybox.monitoring.end_status import ending
from drybox.monitoring.observers import Stage
from drybox.monitoring.session_metrics import SessionMetrics

MOST_NOTED = 512
"""Executions that are counted at once at the latest."""

SECONDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0),
)
"""Buckets of times: from a warm claim to the longest that compilers may usually take."""

BYTES = tuple(float(size * MIB) for size in (8, 16, 32, 64, 128, 256, 512, 1024, 2048))
"""Buckets of memory: the usual limit is in the middle."""


class ExecutionMetrics(SessionMetrics):
    """Counts and times the executions of any number of executors; an ``Observer``.

    And what is done with their sessions: see :class:`SessionMetrics`.

    The labels are bounded: languages and isolations are those that are installed.

    Args:
        registry: Where the metrics are found.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(registry, SECONDS)
        labels = ("language", "isolation")
        self._ended: deque[_Ended] = deque()
        registry.register(_Counting(self))  # first, so that whoever reads the others reads all
        self.executions = Counter(
            "drybox_executions",
            "Executions that have ended, by how they did.",
            (*labels, "status"),
            registry=registry,
        )
        self.running = Gauge(
            "drybox_executions_running",
            "Executions that have a slot and have not ended.",
            registry=registry,
        )
        self.duration = Histogram(
            "drybox_execution_duration_seconds",
            "From taking an execution on to its end.",
            labels,
            buckets=SECONDS,
            registry=registry,
        )
        self.stages = Histogram(
            "drybox_stage_duration_seconds",
            "Of each stage: queue (of the executor), claim, place, install, compile, run, collect.",
            ("stage", *labels),
            buckets=SECONDS,
            registry=registry,
        )
        self.cpu_time = Counter(
            "drybox_execution_cpu_seconds",
            "CPU time of compilers and programs, where it was measured.",
            labels,
            registry=registry,
        )
        self.memory = Histogram(
            "drybox_execution_memory_peak_bytes",
            "Peak memory of executions, where it was measured.",
            labels,
            buckets=BYTES,
            registry=registry,
        )
        self.failures = Counter(
            "drybox_sandbox_failures",
            "Sandboxes that could not be had (unavailable) or were lost under a program (lost).",
            ("isolation", "kind"),
            registry=registry,
        )

    def start(self, id: str, job: Job) -> _Observation:
        """An execution begins."""
        return _Observation(self, job)

    def note(self, ended: _Ended) -> None:
        """Have an execution counted when somebody looks: its answer need not wait for that."""
        self._ended.append(ended)
        if len(self._ended) >= MOST_NOTED:
            self.count()

    def count(self) -> None:
        """Count what has been noted; from any thread."""
        while self._ended:
            try:
                ended = self._ended.popleft()
            except IndexError:  # another thread counts, too
                return
            self._count(ended)

    def _count(self, ended: _Ended) -> None:
        labels, usage = ended.labels, ended.usage
        self.executions.labels(*labels, ended.status).inc()
        self.duration.labels(*labels).observe(ended.seconds)
        for stage, seconds in ended.stages:
            self.stages.labels(stage, *labels).observe(seconds)
        if usage.cpu_time is not None:
            self.cpu_time.labels(*labels).inc(usage.cpu_time)
        if usage.memory_peak is not None:
            self.memory.labels(*labels).observe(usage.memory_peak)
        if ended.status in ("unavailable", "sandbox_error"):
            kind = "lost" if ended.status == "sandbox_error" else ended.status
            self.failures.labels(ended.labels[1], kind).inc()


class _Ended(NamedTuple):
    """An execution that is over: its language and isolation, and what is counted of it."""

    labels: tuple[str, str]
    status: str
    seconds: float
    stages: Sequence[tuple[Stage, float]]
    usage: Usage


class _Counting(Collector):
    """Shows nothing itself."""

    def __init__(self, metrics: ExecutionMetrics) -> None:
        self._metrics = metrics

    def describe(self) -> Iterator[Metric]:
        return iter(())

    def collect(self) -> Iterator[Metric]:
        self._metrics.count()
        return iter(())


class _Observation:
    """One execution that is timed."""

    def __init__(self, metrics: ExecutionMetrics, job: Job) -> None:
        self._metrics = metrics
        self._language = job.language
        self._isolation = job.isolation
        self._began = self._entered = time.perf_counter()
        self._times: list[tuple[Stage, float]] = []
        self._stage: Stage | None = None
        self._has_slot = False

    def enter(self, stage: Stage) -> None:
        self._leave()
        self._stage = stage
        if stage != "queue" and not self._has_slot:
            self._has_slot = True
            self._metrics.running.inc()

    def choose(self, isolation: str) -> None:
        self._isolation = isolation

    def finish(self, result: ExecutionResult | None, error: BaseException | None) -> None:
        self._leave()
        if self._has_slot:
            self._metrics.running.dec()
        ended = _Ended(
            (self._language, self._isolation),
            ending(result, error),
            self._entered - self._began,
            self._times,
            Usage() if result is None else result.usage,
        )
        self._metrics.note(ended)

    def _leave(self) -> None:
        """The stage ends; it counts once the isolation is known."""
        now = time.perf_counter()
        if self._stage is not None:
            self._times.append((self._stage, now - self._entered))
        self._entered = now


class PoolMetrics(Collector):
    """What pools hold and have served, read when somebody asks.

    Args:
        counts: Gives what each pool says now; several of one isolation and language are added up.
        registry: Where the metrics are found.
    """

    def __init__(
        self, counts: Callable[[], Sequence[PoolCount]], registry: CollectorRegistry
    ) -> None:
        self._counts = counts
        registry.register(self)

    def describe(self) -> Iterator[Metric]:
        """The names, without any value."""
        yield from _families()

    def collect(self) -> Iterator[Metric]:
        """The values of now."""
        sums: dict[tuple[str, str], list[int]] = {}
        for count in self._counts():
            found = sums.setdefault((count.isolation, count.language), [0, 0, 0, 0])
            for index, value in enumerate((count.idle, count.warm, count.cold, count.failures)):
                found[index] += value
        idle, claims, failures = _families()
        for labels, (waiting, warm, cold, failed) in sums.items():
            idle.add_metric(labels, waiting)
            claims.add_metric((*labels, "warm"), warm)
            claims.add_metric((*labels, "cold"), cold)
            failures.add_metric(labels, failed)
        yield from (idle, claims, failures)


def _families() -> tuple[GaugeMetricFamily, CounterMetricFamily, CounterMetricFamily]:
    labels = ("isolation", "language")
    return (
        GaugeMetricFamily("drybox_pool_idle", "Sandboxes that wait for a request.", labels=labels),
        CounterMetricFamily(
            "drybox_pool_claims",
            "Requests that found a sandbox waiting (warm), or for which one was made (cold).",
            labels=(*labels, "kind"),
        ),
        CounterMetricFamily(
            "drybox_pool_refill_failures",
            "Tries to make a sandbox that was to wait, and that failed.",
            labels=labels,
        ),
    )
