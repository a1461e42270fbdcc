"""Metrics, names of requests and the log, at a really started server."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as open_metrics_families,
)
from prometheus_client.parser import text_string_to_metric_families
from tests.support.host import eventually
from tests.support.sandboxed import HANG
from tests.support.server import TIMEOUT, Server, serving

import drybox
from drybox.service.api_keys import hash_key, new_key

SHOP, READER = new_key(), new_key()
KEYS = {
    "DRYBOX_KEYS_SHOP_HASH": hash_key(SHOP),
    "DRYBOX_KEYS_READER_HASH": hash_key(READER),
    "DRYBOX_KEYS_READER_METRICS": "true",
    "DRYBOX_SERVER_AUDIT": "true",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def shown(server: Server) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample of a scrape."""
    answer = server.get("/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }


def value(server: Server, name: str, **labels: str) -> float:
    return shown(server).get((name, frozenset(labels.items())), 0.0)


@pytest.mark.promise("MON-1")
def test_executions_are_seen_in_the_metrics(server: Server) -> None:
    isolation = server.execute("python", "print(1)")["isolation"]
    labels = {"language": "python", "isolation": isolation}
    before = value(server, "drybox_executions_total", **labels, status="success")
    failed = value(server, "drybox_executions_total", **labels, status="failed")
    cpu = value(server, "drybox_execution_cpu_seconds_total", **labels)
    runs = value(server, "drybox_stage_duration_seconds_count", **labels, stage="run")
    for code in ("print(1)", "print(2)", "raise SystemExit(3)"):
        server.execute("python", code)
    assert value(server, "drybox_executions_total", **labels, status="success") == before + 2
    assert value(server, "drybox_executions_total", **labels, status="failed") == failed + 1
    assert value(server, "drybox_execution_cpu_seconds_total", **labels) > cpu
    after = value(server, "drybox_stage_duration_seconds_count", **labels, stage="run")
    assert after == runs + 3


@pytest.mark.promise("MON-1")
def test_warm_and_cold_claims_are_told_apart(server: Server) -> None:
    labels = {"isolation": server.execute("python", "print(1)")["isolation"], "language": "python"}
    assert value(server, "drybox_pool_claims_total", **labels, kind="cold") >= 1
    assert eventually(lambda: value(server, "drybox_pool_idle", **labels) > 0)
    warm = value(server, "drybox_pool_claims_total", **labels, kind="warm")
    server.execute("python", "print(1)")
    assert value(server, "drybox_pool_claims_total", **labels, kind="warm") == warm + 1


@pytest.mark.promise("MON-1")
def test_what_runs_is_seen_while_it_runs(server: Server) -> None:
    with server.stream({"language": "python", "code": HANG}) as events:
        assert next(event for event in events if event["type"] == "stdout")
        assert value(server, "drybox_executions_running") == 1
    assert eventually(lambda: value(server, "drybox_executions_running") == 0)
    assert value(server, "drybox_queue_waiting") == 0
    assert value(server, "drybox_queue_wait_seconds_count") > 0


@pytest.mark.promise("MON-1")
def test_the_process_and_the_build_are_there(server: Server) -> None:
    names = {name for name, _ in shown(server)}
    assert {"process_open_fds", "process_resident_memory_bytes", "python_info"} <= names
    builds = [dict(labels) for name, labels in shown(server) if name == "drybox_build_info"]
    assert [build["version"] for build in builds] == [drybox.__version__]


@pytest.mark.promise("MON-1")
def test_open_metrics_are_given_to_who_asks_for_them(server: Server) -> None:
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    answer = server.ask("GET", "/metrics", headers={"Accept": accept})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    families: Any = open_metrics_families
    assert list(families(answer.body.decode()))


@pytest.mark.promise("MON-1")
def test_paths_that_clients_make_up_add_no_series(server: Server) -> None:
    server.get("/nothing")
    count = len(shown(server))
    for number in range(50):
        server.get(f"/made/up/{number}")
        server.ask(f"MADE{number}", "/v1/execute")
        server.post("/v1/execute", {"language": f"made-{number}", "code": ""})
    assert len(shown(server)) <= count + 40  # the first of a status or method has its own


@pytest.mark.promise("MON-3")
def test_scraping_holds_no_execution_up(server: Server) -> None:
    stop = threading.Event()
    scrapes: list[int] = []

    def scrape() -> None:
        while not stop.is_set():
            scrapes.append(server.get("/metrics").status)

    threads = [threading.Thread(target=scrape) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        began = time.monotonic()
        for _ in range(10):
            server.execute("python", "print(1)")
        assert time.monotonic() - began < TIMEOUT
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert set(scrapes) == {200}


@pytest.mark.promise("MON-3")
def test_with_keys_metrics_are_for_those_that_may_read_them() -> None:
    with serving(env=KEYS) as server:
        for key, status in ((None, 401), (SHOP, 403), (READER, 200)):
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            assert server.ask("GET", "/metrics", headers=headers).status == status
    with serving(env={**KEYS, "DRYBOX_SERVER_PUBLIC_METRICS": "true"}) as server:
        assert server.get("/metrics").status == 200


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.promise("MON-6")
def test_every_request_has_a_line_and_nothing_secret_is_in_the_log() -> None:
    with tempfile.NamedTemporaryFile() as file:
        with serving(env=KEYS, lines=file.file) as server:
            headers = {"Authorization": f"Bearer {SHOP}", "X-Request-ID": "mine-1"}
            body = json.dumps({"language": "python", "code": "print('a secret')"})
            answer = server.ask("POST", "/v1/execute", body, headers)
            assert answer.headers["x-request-id"] == "mine-1"
            refused = server.ask("POST", "/v1/execute", "{", headers)
            assert refused.problem["request_id"] == "mine-1"
            assert server.ask("GET", f"/{SHOP}").status == 404
            assert len(server.get("/healthz").headers["x-request-id"]) == 32
            server.stop()
        lines = read_lines(Path(file.name))
        text = Path(file.name).read_text()
    access = [line for line in lines if line["logger"] == "drybox.access"]
    assert [line["status"] for line in access] == [200, 400, 404, 200]
    assert access[0]["request_id"] == "mine-1"
    assert access[0]["key"] == "shop"
    assert access[0]["execution"]["id"] == answer.json["id"]
    (audit,) = [line for line in lines if line["logger"] == "drybox.audit"]
    assert (audit["who"], audit["request_id"], audit["id"]) == ("shop", "mine-1", answer.json["id"])
    assert "secret" not in text
    assert SHOP not in text
