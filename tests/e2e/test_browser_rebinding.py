"""DNS rebinding in a real browser: a name of somebody else's that comes to lead to this machine."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import sync_playwright
from tests.support.browser import CHROMIUM, FLAGS
from tests.support.server import Server, serving

EVIL = "evil.example"

ASK = """
async ([port, how]) => {
    const body = JSON.stringify({language: "python", code: "print(1)"});
    const at = how.host + ":" + port;
    if (how.socket) {
        return await new Promise((told) => {
            const socket = new WebSocket("ws://" + at + "/v1/execute/ws");
            socket.onopen = () => { socket.send(body); };
            socket.onmessage = (event) => told("answered: " + event.data);
            socket.onclose = socket.onerror = () => told("refused");
        });
    }
    try {
        const answer = await fetch("http://" + at + how.path, {
            method: how.method, body: how.method === "POST" ? body : undefined,
            headers: how.type ? {"Content-Type": how.type} : {}, mode: how.mode || "cors",
        });
        return answer.type === "opaque" ? "opaque" : answer.status + " " + await answer.text();
    } catch (error) {
        return "refused";
    }
}
"""


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>evil</title>")

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@contextmanager
def evil_site() -> Iterator[int]:
    """The attacker's server, on a port of its own."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        try:
            yield site.server_port
        finally:
            site.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as served:
        yield served


def _runs(server: Server) -> float:
    """Programs that it has run."""
    lines = server.get("/metrics").body.decode().splitlines()
    return sum(
        float(line.split()[-1]) for line in lines if line.startswith("drybox_executions_total")
    )


def test_a_name_that_comes_to_lead_here_reaches_nothing(server: Server) -> None:
    # The browser believes that the attacker's name is this machine, as after a rebinding.
    flags = [*FLAGS, f"--host-resolver-rules=MAP {EVIL} 127.0.0.1"]
    before = _runs(server)
    with sync_playwright() as playwright, evil_site() as port:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_page()
        page.goto(f"http://{EVIL}:{server.port}/")  # the same origin as the service then has
        # The page may be anybody's; what it asks of the service is refused, and it says so.
        page.get_by_text("is not to be reached as").first.wait_for(state="attached")
        rebound = [
            page.evaluate(ASK, [server.port, {"host": EVIL, **how}])
            for how in (
                {"path": "/v1/execute", "method": "POST", "type": "application/json"},
                {"path": "/v1/execute", "method": "POST", "type": "text/plain"},
                {"path": "/api/v2/execute", "method": "POST", "type": "application/json"},
                {"path": "/v1/languages", "method": "GET"},
                {"socket": True},
            )
        ]
        page.goto(f"http://{EVIL}:{port}/")  # a page of another site, which asks this machine
        crossed = [
            page.evaluate(ASK, [server.port, {"host": "127.0.0.1", **how}])
            for how in (
                {"path": "/v1/execute", "method": "POST", "type": "application/json"},
                {"path": "/v1/execute", "method": "POST", "type": "text/plain", "mode": "no-cors"},
                {"path": "/v1/languages", "method": "GET"},
                {"socket": True},
            )
        ]
        # The way is open to a page of its own, so it is the server that refuses.
        page.goto(f"http://127.0.0.1:{server.port}/docs")
        own = page.evaluate(
            ASK,
            [
                server.port,
                {
                    "host": "127.0.0.1",
                    "path": "/v1/execute",
                    "method": "POST",
                    "type": "application/json",
                },
            ],
        )
        browser.close()

    assert all(answer[:3] in ("403", "ref") for answer in rebound), rebound
    assert all(answer in ("refused", "opaque") for answer in crossed), crossed
    assert own.startswith("200 "), own
    assert _runs(server) == before + 1
