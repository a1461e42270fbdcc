"""The dashboards and the alert rules: every query is one, and asks for what ``/metrics`` has."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast, get_args

import anyio
import promql_parser as promql
import pytest
import yaml
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from tests.support.asgi import ask

from drybox import AsyncCodeExecutor, AsyncRayExecutor
from drybox.fleet.metrics import FleetMetrics
from drybox.fleet.status import NodeStatus
from drybox.job import Exit
from drybox.model import PoolCount
from drybox.monitoring.observers import Stage
from drybox.server.app import create_app
from drybox.service.admission import Reason
from drybox.settings import ServerSettings
from drybox.testing.fake_backend import FakeBackend, FakeSandbox, Script, advertise, maker

pytestmark = pytest.mark.promise("MON-2")

ROOT = Path(__file__).resolve().parents[3]
DASHBOARDS = {
    path.stem: json.loads(path.read_text()) for path in sorted(ROOT.glob("deploy/grafana/*.json"))
}
ALERTS = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
each_dashboard = pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=DASHBOARDS)

OF_PROMETHEUS = {"up": {"job", "instance"}}
TARGET = {"job", "instance"}
"""Labels that Prometheus adds to every sample."""

VALUES: Mapping[tuple[str, str], set[str]] = {
    ("drybox_requests_rejected_total", "reason"): set(get_args(Reason)),
    ("drybox_stage_duration_seconds_bucket", "stage"): set(get_args(Stage)),
    ("drybox_pool_claims_total", "kind"): {"warm", "cold"},
    ("drybox_sandbox_failures_total", "kind"): {"unavailable", "lost"},
}
"""What the labels that have few values can be."""


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def panel_queries() -> list[tuple[str, str]]:
    found = [panel for dashboard in DASHBOARDS.values() for panel in panels(dashboard)]
    return [(panel["title"], item["expr"]) for panel in found for item in panel["targets"]]


QUERIES = [*panel_queries(), *((rule["alert"], rule["expr"]) for rule in RULES)]
each_query = pytest.mark.parametrize(
    ("title", "query"), QUERIES, ids=[f"{title}-{n}" for n, (title, _) in enumerate(QUERIES)]
)


def pools() -> list[PoolCount]:
    """As much of pools as metrics ask for."""
    return [PoolCount("fake", "python", 1, 1, 1, 1)]


class Fleet:
    """As much of a fleet's executor as metrics ask for."""

    waiting = lost = 1

    def nodes(self) -> list[NodeStatus]:
        return [NodeStatus("id", "name", "1", "ready", slots=2)]


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Labels of every sample that a server shows once something of each kind has happened."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        backend = maker(FakeBackend(FakeSandbox([Script(end=Exit(0, None, 0.1, 0.1, 4096))])))
        folder = tmp_path_factory.mktemp("packages")
        advertise(monkeypatch, folder, "drybox.backends", "fake", backend)
        executor = AsyncCodeExecutor(isolation="fake", pool=None)
        monkeypatch.setattr(executor, "pools", pools)
        app = create_app(executor, ServerSettings())
        FleetMetrics(cast("AsyncRayExecutor", Fleet()), app.state.metrics.registry)
        app.state.metrics.refused("shop", "rate")
        app.state.metrics.executions.failures.labels("fake", "lost").inc()
        text = anyio.run(scrape, executor, app)
    found: dict[str, set[str]] = {name: set(labels) for name, labels in OF_PROMETHEUS.items()}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, set(TARGET)).update(sample.labels)
    return found


async def scrape(executor: AsyncCodeExecutor, app: FastAPI) -> str:
    """What ``/metrics`` shows after one execution."""
    async with executor:
        body = b'{"language": "python", "code": ""}'
        assert (await ask(app, "POST", "/v1/execute", body)).status == 200
        return (await ask(app, "GET", "/metrics")).body.decode()


def nodes(query: str) -> list[Any]:
    """Every part of a query; Grafana's own interval is any."""
    query = query.replace("$__rate_interval", "5m")
    seen: list[Any] = []

    def visit(node: Any) -> None:
        seen.append(node)

    promql.walk(promql.parse(query), visit)
    return seen


def selectors(query: str) -> list[Any]:
    """Every metric that a query asks for, with what its labels have to be."""
    return [node for node in nodes(query) if isinstance(node, promql.VectorSelector)]


@each_query
def test_every_metric_and_label_is_there(
    title: str, query: str, exposed: dict[str, set[str]]
) -> None:
    found = selectors(query)
    assert found, query
    for selector in found:
        assert selector.name in exposed, f"{title}: no metric {selector.name}"
        for matcher in selector.matchers.matchers:
            assert matcher.name in exposed[selector.name], (title, selector.name, matcher.name)
            known = VALUES.get((selector.name, matcher.name))
            if known is not None and not matcher.value.startswith("$"):
                assert set(matcher.value.split("|")) <= known, (title, matcher.value)


@each_query
def test_what_is_summed_by_is_a_label(title: str, query: str, exposed: dict[str, set[str]]) -> None:
    for node in nodes(query):
        if isinstance(node, promql.AggregateExpr) and node.modifier is not None:
            inner = {name for part in selectors(node.expr.prettify()) for name in [part.name]}
            for label in node.modifier.labels:
                assert all(label in exposed[name] for name in inner), (title, label, inner)


@each_query
def test_functions_are_used_on_what_they_are_for(title: str, query: str) -> None:
    """Counters are looked at by how they grow, gauges as they are, histograms by their buckets."""
    for node in nodes(query):
        if isinstance(node, promql.Call) and node.func.name in ("rate", "increase"):
            (inner,) = selectors(node.prettify())
            assert inner.name.endswith(("_total", "_bucket", "_sum", "_count")), (title, inner.name)
        if isinstance(node, promql.Call) and node.func.name == "histogram_quantile":
            (inner,) = selectors(node.prettify())
            assert inner.name.endswith("_bucket"), (title, inner.name)
            assert re.search(r"by \([^)]*\ble\b", node.prettify()), title
    grows = [part.name for part in selectors(query) if part.name.endswith(("_total", "_bucket"))]
    calls = [
        node
        for node in nodes(query)
        if isinstance(node, promql.Call) and node.func.name in ("rate", "increase")
    ]
    assert len(calls) == len(grows), title


def test_a_query_that_is_none_and_a_metric_that_is_none_are_found() -> None:
    with pytest.raises(ValueError, match="unclosed"):
        nodes("sum by (")
    assert [part.name for part in selectors("rate(drybox_nothing[5m])")] == ["drybox_nothing"]


@each_dashboard
def test_a_dashboard_is_whole(dashboard: dict[str, Any]) -> None:
    assert dashboard["uid"] == dashboard["title"].replace(" ", "-")
    assert DASHBOARDS[dashboard["uid"]] is dashboard
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    shown = panels(dashboard)
    assert len({panel["title"] for panel in shown}) == len(shown)
    used = set(re.findall(r"\$\{?([a-z]+)", json.dumps(dashboard)))
    assert used == {item["name"] for item in dashboard["templating"]["list"]}
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, f"{panel['title']} lies over another"
        assert at["x"] + at["w"] <= 24
        taken |= cells


@each_dashboard
def test_variables_ask_for_labels_that_are_there(
    dashboard: dict[str, Any], exposed: dict[str, set[str]]
) -> None:
    for item in dashboard["templating"]["list"]:
        if item["type"] == "query":
            match = re.fullmatch(r"label_values\((.+), (\w+)\)", item["definition"])
            assert match, item["definition"]
            (selector,) = selectors(match[1])
            assert match[2] in exposed[selector.name]


def test_every_rule_says_how_bad_it_is_and_what_to_do() -> None:
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert {"summary", "description"} == rule["annotations"].keys()
        used = re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"]))
        by = re.findall(r"by \(([^)]*)\)", rule["expr"])
        if by:
            kept = {label.strip() for labels in by for label in labels.split(",")}
            assert set(used) <= kept, (rule["alert"], used)
        assert promql.parse_duration(rule.get("for", "1s"))
