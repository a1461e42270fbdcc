"""Prometheus metrics of a fleet, as one front door sees it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from drybox.fleet.executor import AsyncRayExecutor


class FleetMetrics(Collector):
    """The nodes and what waits, read when somebody asks.

    The label is a node's address and the beginning of its id, so there are as many values as nodes.

    Args:
        executor: The front door's.
        registry: Where the metrics are found.
    """

    def __init__(self, executor: AsyncRayExecutor, registry: CollectorRegistry) -> None:
        self._executor = executor
        registry.register(self)

    def describe(self) -> Iterator[Metric]:
        """The names, without any value."""
        yield from self._families()

    def collect(self) -> Iterator[Metric]:
        """The values of now."""
        slots, running, idle, sessions, waiting, lost = self._families()
        for node in self._executor.nodes():
            slots.add_metric((node.name,), node.slots)
            running.add_metric((node.name,), node.running)
            idle.add_metric((node.name,), node.idle)
            sessions.add_metric((node.name,), node.sessions)
        waiting.add_metric((), self._executor.waiting)
        lost.add_metric((), self._executor.lost)
        yield from (slots, running, idle, sessions, waiting, lost)

    def _families(
        self,
    ) -> tuple[
        GaugeMetricFamily,
        GaugeMetricFamily,
        GaugeMetricFamily,
        GaugeMetricFamily,
        GaugeMetricFamily,
        CounterMetricFamily,
    ]:
        label = ("node",)
        return (
            GaugeMetricFamily("drybox_fleet_slots", "Slots of a node.", labels=label),
            GaugeMetricFamily("drybox_fleet_running", "Executions on a node.", labels=label),
            GaugeMetricFamily("drybox_fleet_idle", "Sandboxes that wait on a node.", labels=label),
            GaugeMetricFamily("drybox_fleet_sessions", "Sessions on a node.", labels=label),
            GaugeMetricFamily("drybox_fleet_waiting", "Executions that wait here.", labels=()),
            CounterMetricFamily("drybox_fleet_lost", "Nodes that were lost.", labels=()),
        )
