"""Prometheus metrics of sessions."""

from __future__ import annotations

import time
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram

from drybox.model import Usage
from drybox.monitoring.session_observers import Act, SessionFacts

AGES = (1.0, 10.0, 60.0, 300.0, 900.0, 3600.0, 4 * 3600.0, 24 * 3600.0)
"""Buckets of how long sessions have lived, in seconds."""


class SessionMetrics:
    """Counts and times what is done with sessions; a ``SessionObserver``.

    The labels are bounded: languages and isolations are those that are installed.

    Args:
        registry: Where the metrics are found.
        seconds: Buckets of times.
    """

    def __init__(self, registry: CollectorRegistry, seconds: Sequence[float]) -> None:
        labels = ("language", "isolation")
        self.acts = Counter(
            "drybox_session_operations",
            "What was done with sessions (open, run, command, start, snapshot, close), by its end.",
            ("operation", *labels, "status"),
            registry=registry,
        )
        self.act_duration = Histogram(
            "drybox_session_operation_duration_seconds",
            "How long that took.",
            ("operation", *labels),
            buckets=seconds,
            registry=registry,
        )
        self.session_cpu_time = Counter(
            "drybox_session_cpu_seconds",
            "CPU time of runs and commands in sessions, where it was measured.",
            labels,
            registry=registry,
        )
        self.ages = Histogram(
            "drybox_session_age_seconds",
            "How long sessions have lived, at their end.",
            labels,
            buckets=AGES,
            registry=registry,
        )

    def begin(self, act: Act, session: SessionFacts) -> _ActObservation:
        """Something is done with a session."""
        return _ActObservation(self, act, session)


class _ActObservation:
    """Something done with a session that is timed."""

    def __init__(self, metrics: SessionMetrics, act: Act, session: SessionFacts) -> None:
        self._metrics = metrics
        self._act = act
        self._session = session
        self._began = time.perf_counter()

    def finish(self, status: str, usage: Usage) -> None:
        metrics, labels = self._metrics, (self._session.language, self._session.isolation)
        elapsed = time.perf_counter() - self._began
        metrics.acts.labels(self._act, *labels, status).inc()
        metrics.act_duration.labels(self._act, *labels).observe(elapsed)
        if usage.cpu_time is not None:
            metrics.session_cpu_time.labels(*labels).inc(usage.cpu_time)
        if self._act == "close":
            metrics.ages.labels(*labels).observe(self._session.age)
