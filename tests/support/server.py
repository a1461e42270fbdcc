"""A really started ``drybox serve`` on a free port of the loopback interface."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.support.cli import DRYBOX, calm
from tests.support.host import eventually
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

TIMEOUT = 60.0


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def problem(self) -> dict[str, Any]:
        """The document, seen to be a whole problem."""
        assert self.headers["content-type"] == "application/problem+json", self
        document: dict[str, Any] = self.json
        assert {"type", "title", "status", "detail", "hint"} <= document.keys()
        assert document["status"] == self.status
        assert all(document[name] for name in ("type", "title", "detail", "hint")), document
        assert "Traceback" not in self.body.decode()
        return document


def sse_events(answer: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    """The messages of a stream of server-sent events; each is named by its type."""
    lines: list[str] = []
    while line := answer.readline():
        if line != b"\n":
            lines.append(line.decode().rstrip("\n"))
            continue
        fields = [line for line in lines if not line.startswith(":")]
        lines.clear()
        if fields:
            name, data = fields
            document: dict[str, Any] = json.loads(data.removeprefix("data: "))
            assert name == f"event: {document['type']}"
            yield document


@dataclass(frozen=True)
class Socket:
    """One end of a WebSocket."""

    connection: ClientConnection

    def send(self, message: object) -> None:
        """Send text as it is, anything else as JSON."""
        text = message if isinstance(message, (str, bytes)) else json.dumps(message)
        self.connection.send(text)

    def events(self) -> Iterator[dict[str, Any]]:
        """What comes until the other end closes."""
        while True:
            try:
                yield json.loads(self.connection.recv(TIMEOUT))
            except ConnectionClosed:
                return

    def until(self, kind: str) -> dict[str, Any]:
        """The next message of this type."""
        return next(event for event in self.events() if event["type"] == kind)

    @property
    def code(self) -> int | None:
        """What the other end closed with."""
        assert list(self.events()) == []
        return self.connection.close_code


@dataclass
class Server:
    """One that runs.

    Attributes:
        process: Its process.
        port: Where it listens.
    """

    process: subprocess.Popen[bytes]
    port: int

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        connection = self.connect()
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, names, answer.read())
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def post(self, path: str, document: object) -> Answer:
        return self.ask("POST", path, json.dumps(document), {"Content-Type": "application/json"})

    def execute(self, language: str, code: str, **more: object) -> dict[str, Any]:
        """The result of a right request."""
        answer = self.post("/v1/execute", {"language": language, "code": code, **more})
        assert answer.status == 200, answer
        result: dict[str, Any] = answer.json
        return result

    @contextmanager
    def stream(self, document: object) -> Iterator[Iterator[dict[str, Any]]]:
        """The events of ``/v1/execute/stream`` as they come; the client leaves at the end."""
        with closing(self.connect()) as connection:
            connection.request("POST", "/v1/execute/stream", json.dumps(document))
            with connection.getresponse() as answer:  # holds the connection open, too
                assert answer.status == 200, answer.read()
                assert answer.headers["content-type"].startswith("text/event-stream")
                yield sse_events(answer)

    @contextmanager
    def websocket(self, *messages: object, **options: Any) -> Iterator[Socket]:
        """A WebSocket that has sent these messages."""
        url = f"ws://127.0.0.1:{self.port}/v1/execute/ws"
        with connect(url, compression=None, max_size=None, **options) as connection:
            socket = Socket(connection)
            for message in messages:
                socket.send(message)
            yield socket

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(TIMEOUT)


@contextmanager
def serving(
    *words: str,
    env: Mapping[str, str] | None = None,
    lines: IO[bytes] | None = None,
    command: Sequence[str] = (str(DRYBOX),),
    before: Callable[[], None] | None = None,
) -> Iterator[Server]:
    """A server that listens; it has ended at the end, and its words were for people.

    Args:
        words: More arguments.
        env: More variables.
        lines: Where its log goes; nowhere if None.
        command: What to start in the place of ``drybox``.
        before: Is called in its process first.
    """
    # Its own words go to a file: nobody reads them while it runs, and a full pipe stops it.
    with tempfile.NamedTemporaryFile() as log:
        process = subprocess.Popen(
            [*command, "serve", "--port", "0", *words],
            stdin=subprocess.DEVNULL,
            stdout=lines or subprocess.DEVNULL,
            stderr=log.file,
            env={**os.environ, "DRYBOX_CONFIG": "/dev/null", **(env or {})},
            start_new_session=True,
            preexec_fn=before,
        )
        try:
            yield Server(process, _port(process, Path(log.name)))
        finally:
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(TIMEOUT)
            finally:
                process.kill()
                process.wait()
        calm(Path(log.name).read_bytes())


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    """Where it listens, once it says so."""
    said = re.compile(r"Serving on http://\S+:(\d+)$", re.MULTILINE)
    assert eventually(lambda: process.poll() is not None or said.search(log.read_text()), TIMEOUT)
    found = said.search(log.read_text())
    assert found, log.read_text()
    return int(found[1])
