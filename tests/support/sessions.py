"""Sessions of a started server, as a client of HTTP has them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.server import Answer, Server, Socket, sse_events
from websockets.sync.client import connect

JSON = {"Content-Type": "application/json"}


@dataclass
class HttpSession:
    """One that is open.

    Attributes:
        server: Where.
        document: What it said when it was opened.
        headers: What its owner sends with everything.
    """

    server: Server
    document: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"/v1/sessions/{self.document['id']}"

    def ask(self, method: str, path: str = "", body: object = None) -> Answer:
        """Ask something of it; bytes are sent as they are, anything else as JSON."""
        content = body if body is None or isinstance(body, bytes) else json.dumps(body)
        return self.server.ask(method, self.path + path, content, {**JSON, **self.headers})

    def run(self, code: str, **more: object) -> dict[str, Any]:
        return self._told("/run", {"code": code, **more})

    def command(self, command: str, **more: object) -> dict[str, Any]:
        return self._told("/commands", {"command": command, **more})

    def start(self, command: str, **more: object) -> int:
        answer = self.ask("POST", "/commands", {"command": command, "background": True, **more})
        assert answer.status == 201, answer
        pid: int = answer.json["pid"]
        return pid

    @contextmanager
    def stream(self, code: str, **more: object) -> Iterator[Iterator[dict[str, Any]]]:
        connection = self.server.connect()
        try:
            body = json.dumps({"code": code, **more})
            connection.request("POST", f"{self.path}/run/stream", body, dict(self.headers))
            with connection.getresponse() as answer:
                assert answer.status == 200, answer.read()
                yield sse_events(answer)
        finally:
            connection.close()

    @contextmanager
    def attach(self, pid: int) -> Iterator[Socket]:
        """A WebSocket to a command in the background."""
        url = f"ws://127.0.0.1:{self.server.port}{self.path}/commands/{pid}/ws"
        with connect(url, compression=None, additional_headers=dict(self.headers)) as connection:
            yield Socket(connection)

    def _told(self, path: str, body: object) -> dict[str, Any]:
        answer = self.ask("POST", path, body)
        assert answer.status == 200, answer
        document: dict[str, Any] = answer.json
        return document


def open_session(
    server: Server, headers: Mapping[str, str] | None = None, **fields: object
) -> HttpSession:
    """Open one."""
    body = json.dumps({"language": "python", **fields})
    answer = server.ask("POST", "/v1/sessions", body, {**JSON, **(headers or {})})
    assert answer.status == 201, answer
    assert answer.headers["location"] == f"/v1/sessions/{answer.json['id']}"
    return HttpSession(server, answer.json, headers or {})


@contextmanager
def session_of(server: Server, **fields: object) -> Iterator[HttpSession]:
    """One that is closed at the end."""
    session = open_session(server, None, **fields)
    try:
        yield session
    finally:
        assert session.ask("DELETE").status == 204
