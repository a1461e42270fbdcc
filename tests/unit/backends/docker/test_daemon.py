"""What drybox makes of the client of Docker's."""

from __future__ import annotations

import gc
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import docker
import pytest
import requests

from drybox.backends.docker.daemon import REMOVE_ATTEMPTS, Daemon
from drybox.backends.docker.tunnels.connections import direct
from drybox.errors import Unavailable


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_client_that_nobody_answers_leaves_no_socket_open(tmp_path: Path) -> None:
    path = tmp_path / "d.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    client = direct(docker.DockerClient(base_url=f"unix://{path}", version="1.41"))
    with pytest.raises(requests.ConnectionError):
        client.ping()
    client.close()
    del client
    gc.collect()


class Answers(BaseHTTPRequestHandler):
    """A daemon, as far as it is asked here; each removal gets the next status."""

    removals: list[int]

    def do_GET(self) -> None:
        self._answer(200, {"ApiVersion": "1.41", "Version": "20.10"})

    def do_DELETE(self) -> None:
        status = self.removals.pop(0)
        self._answer(status, {"message": "Could not kill running container: it is not running"})

    def _answer(self, status: int, document: dict[str, str]) -> None:
        body = b"" if status == 204 else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    monkeypatch.setattr("drybox.backends.docker.daemon.REMOVE_DELAY", 0.0)
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        daemon = Daemon(f"tcp://127.0.0.1:{server.server_port}")
        yield daemon
        daemon.close()
        server.shutdown()


@pytest.mark.parametrize("statuses", [[204], [500, 500, 204], [404], [409], [500, 404]])
def test_a_container_that_ends_while_it_is_killed_is_removed_after_all(
    daemon: Daemon, statuses: list[int]
) -> None:
    Answers.removals = [*statuses]
    daemon.remove("container")
    assert Answers.removals == []


def test_a_daemon_that_never_removes_it_is_told(daemon: Daemon) -> None:
    Answers.removals = [500] * REMOVE_ATTEMPTS
    with pytest.raises(Unavailable, match="not running"):
        daemon.remove("container")
    assert Answers.removals == []
