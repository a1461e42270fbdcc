"""Traces of a really started server, at a collector that speaks OpenTelemetry's protocol."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.support.cli import drybox
from tests.support.server import serving
from tests.support.sessions import open_session

pytestmark = pytest.mark.promise("MON-5")

TRACE = "0af7651916cd43dd8448eb211c80319c"


class Collector(ThreadingHTTPServer):
    """Keeps the spans that it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.spans: list[Span] = []
        self.services: set[str] = set()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        assert isinstance(self.server, Collector)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            names = {item.key: item.value.string_value for item in resource.resource.attributes}
            self.server.services.add(names.get("service.name", ""))
            for scope in resource.scope_spans:
                self.server.spans += scope.spans
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """It says nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_a_trace_reaches_its_collector_before_the_server_has_gone(collector: Collector) -> None:
    env = {
        "DRYBOX_SERVER_TRACES": "true",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
        "NO_PROXY": "127.0.0.1",
    }
    with serving(env=env) as server:
        headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
        body = b'{"language": "python", "code": "print(1)"}'
        assert server.ask("POST", "/v1/execute", body, headers).status == 200
        assert server.stop() == 0
    assert collector.services == {"drybox"}
    spans = {span.name: span for span in collector.spans if span.trace_id.hex() == TRACE}
    assert {"POST /v1/execute", "queue", "execution", "claim", "run"} <= spans.keys()
    assert spans["execution"].parent_span_id == spans["POST /v1/execute"].span_id
    assert spans["run"].parent_span_id == spans["execution"].span_id
    assert "print(1)" not in str(collector.spans)


def test_what_a_session_does_is_below_the_requests_that_ask_for_it(collector: Collector) -> None:
    env = {
        "DRYBOX_SERVER_TRACES": "true",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
        "NO_PROXY": "127.0.0.1",
    }
    traces = {name: f"{number:032x}" for number, name in enumerate(("open", "run", "close"), 1)}
    headers = {
        name: {"traceparent": f"00-{trace}-b7ad6b7169203331-01"} for name, trace in traces.items()
    }
    with serving(env=env) as server:
        session = open_session(server, headers["open"], language="bash")
        session.headers = headers["run"]
        assert session.run("echo on")["stdout"] == "on\n"
        with session.stream("echo on") as events:
            assert [event["type"] for event in events][-1] == "result"
        assert session.command("echo on")["stdout"] == "on\n"
        session.headers = headers["close"]
        assert session.ask("DELETE").status == 204
        assert server.stop() == 0
    names = {
        name: sorted(
            span.name
            for span in collector.spans
            if span.trace_id.hex() == trace and span.name.startswith("session ")
        )
        for name, trace in traces.items()
    }
    assert names == {
        "open": ["session open"],
        "run": ["session command", "session run", "session run"],
        "close": ["session close"],
    }
    requests = {span.span_id for span in collector.spans if "/v1/sessions" in span.name}
    parents = {span.parent_span_id for span in collector.spans if span.name.startswith("session ")}
    assert parents <= requests


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys; sys.modules['opentelemetry.sdk'] = None"
    )
    env = {
        "DRYBOX_SERVER_TRACES": "true",
        "DRYBOX_CONFIG": "/dev/null",
        "PYTHONPATH": str(tmp_path),
    }
    done = drybox("serve", "--port", "0", env=env)
    assert done.returncode == 125
    assert b"drybox[otel]" in done.stderr
