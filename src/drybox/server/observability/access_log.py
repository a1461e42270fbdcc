"""Gives each request an id and a log line, and a response even if drybox fails."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import Any, Protocol

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from drybox.server.transport.problem_response import problem_response
from drybox.server.transport.problems import problem_of
from drybox.service.request_context import RequestRecord, begin_record, request_id_of

HEADER = "X-Request-ID"
"""Header with the name of a request, in both directions."""

LONGEST_PATH = 200
"""Characters of a path that the log keeps."""

NO_ANSWER = 499
"""Status of a request whose client has left before there was one."""

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"))

_log = logging.getLogger("drybox.access")


class RequestObserver(Protocol):
    """Is told of every request. Its methods return at once and raise nothing."""

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request has its answer, or its client has left.

        Args:
            method: ``GET``, ``POST`` and so on; ``WEBSOCKET``, or ``other``.
            route: The route's path as it is declared, or ``none``.
            status: The answer's; 101 for a WebSocket that was accepted, 499 if there was none.
            seconds: From the first byte of the request to the last of the answer.
        """


class RequestLog:
    """ASGI middleware around the whole application.

    Args:
        app: The application.
        observers: Are told of every request.
        lines: Whether requests get a line in the log.
    """

    def __init__(
        self, app: ASGIApp, observers: Iterable[RequestObserver] = (), *, lines: bool = True
    ) -> None:
        self._app = app
        self._observers = tuple(observers)
        self._lines = lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        record = RequestRecord(request_id_of(Headers(scope=scope).get(HEADER, "")))
        begin_record(record)
        answer = _Answer(send, record)
        began = time.perf_counter()
        try:
            await self._app(scope, receive, answer.send)
        except Exception as error:
            record.failure = type(error).__name__
            if answer.begun or scope["type"] == "websocket":
                problem_of(error)  # which has it logged; it is too late to answer
            else:
                await problem_response(problem_of(error))(scope, receive, answer.send)
        finally:
            self._tell(scope, record, answer, time.perf_counter() - began)

    def _tell(self, scope: Scope, record: RequestRecord, answer: _Answer, seconds: float) -> None:
        method = scope.get("method", "WEBSOCKET")
        method = method if method in _METHODS or method == "WEBSOCKET" else "other"
        route = getattr(scope.get("route"), "path", "none")
        for observer in self._observers:
            observer.answered(method, route, answer.status, seconds)
        if not self._lines:
            return
        facts: dict[str, Any] = {
            "request_id": record.id,
            "client": (scope.get("client") or ("",))[0],
            "key": record.key or None,
            "method": method,
            "path": scope["path"][:LONGEST_PATH],
            "status": answer.status,
            "seconds": round(seconds, 6),
            "bytes": answer.size,
        }
        if record.result is not None:
            facts["execution"] = {
                name: record.result[name] for name in ("id", "language", "isolation", "status")
            }
        if record.failure:
            facts["failure"] = record.failure
        _log.info("request", extra={"facts": facts})


class _Answer:
    """What goes back to the client."""

    def __init__(self, send: Send, record: RequestRecord) -> None:
        self._send = send
        self._record = record
        self.begun = False
        self.status = NO_ANSWER
        self.size = 0

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if kind in ("http.response.start", "websocket.accept", "websocket.http.response.start"):
            self.begun = True
            self.status = message.get("status", 101)
            message.setdefault("headers", [])
            MutableHeaders(scope=message)[HEADER] = self._record.id
        elif kind in ("http.response.body", "websocket.http.response.body"):
            self.size += len(message.get("body", b""))
        elif kind == "websocket.send":
            self.size += len(message.get("text") or message.get("bytes") or "")
        await self._send(message)
