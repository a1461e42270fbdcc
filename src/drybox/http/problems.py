"""What went wrong as ``application/problem+json`` (RFC 9457); the same for every route."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from drybox.errors import (
    DryboxError,
    InvalidRequest,
    Rejected,
    SandboxLost,
    Unavailable,
    Unsupported,
)
from drybox.http.request_record import current_record

MEDIA_TYPE = "application/problem+json"

RETRY_AFTER = 1
"""Seconds after which a request that found no sandbox may come again."""

KINDS: Mapping[str, tuple[int, str]] = {
    "malformed-json": (400, "The body is no JSON"),
    "bad-request": (400, "The request cannot be understood"),
    "unauthorized": (401, "A key is needed"),
    "forbidden": (403, "This is not allowed"),
    "rejected": (403, "A rule of the operator's refused it"),
    "not-found": (404, "There is nothing here"),
    "method-not-allowed": (405, "This method does nothing here"),
    "request-timeout": (408, "The request took too long to arrive"),
    "too-large": (413, "The request is too large"),
    "no-text": (400, "The message is no text"),
    "upgrade-required": (426, "This path is for WebSockets"),
    "invalid-request": (422, "The request is not right"),
    "unsupported": (422, "What was asked for cannot be enforced here"),
    "rate-limited": (429, "Too many requests"),
    "quota-exceeded": (429, "The quota is used up"),
    "queue-full": (429, "Too many requests wait"),
    "internal-error": (500, "drybox failed"),
    "sandbox-lost": (500, "The sandbox was lost"),
    "unavailable": (503, "No sandbox could be had"),
    "draining": (503, "The server is going down"),
}
"""Each kind of problem: its status and its title. The kind is the last part of ``type``."""

TYPE_PREFIX = "urn:drybox:problem:"

_OF_STATUS = {
    400: "bad-request",
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    408: "request-timeout",
    413: "too-large",
    422: "invalid-request",
    429: "rate-limited",
    503: "unavailable",
}

_log = logging.getLogger("drybox.http")


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem document.

    Attributes:
        kind: A key of :data:`KINDS`.
        detail: What is wrong this time, in one sentence.
        hint: What to do about it.
        headers: Headers that go with it, such as ``Retry-After``.
        field: The field of the request that is wrong, or "".
    """

    kind: str
    detail: str
    hint: str
    headers: Mapping[str, str] = field(default_factory=dict)
    field: str = ""

    @property
    def status(self) -> int:
        """The HTTP status."""
        return KINDS[self.kind][0]

    def document(self) -> dict[str, Any]:
        """The document's members."""
        status, title = KINDS[self.kind]
        members: dict[str, Any] = {
            "type": TYPE_PREFIX + self.kind,
            "title": title,
            "status": status,
            "detail": self.detail,
            "hint": self.hint,
        }
        request_id = current_record().id
        members |= {"field": self.field} if self.field else {}
        return members | ({"request_id": request_id} if request_id else {})

    def response(self) -> Response:
        """The answer that carries it."""
        content = json.dumps(self.document()).encode()
        return Response(content, self.status, dict(self.headers), MEDIA_TYPE)


class Refused(Exception):
    """A request that gets a problem for an answer.

    Args:
        problem: That problem.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def problem_of(error: Exception) -> Problem:
    """The problem that an exception is. Nothing of a failure of ours is told but that it is one."""
    if isinstance(error, Refused):
        return error.problem
    if isinstance(error, InvalidRequest):
        return Problem("invalid-request", error.message, error.hint, field=error.field)
    if isinstance(error, Unsupported):
        return Problem("unsupported", error.message, error.hint)
    if isinstance(error, Rejected):
        return Problem("rejected", error.message, error.hint)
    if isinstance(error, Unavailable):
        retry = {"Retry-After": str(RETRY_AFTER)}
        return Problem("unavailable", error.message, error.hint, retry)
    if isinstance(error, SandboxLost):
        return Problem("sandbox-lost", error.message, error.hint)
    if isinstance(error, DryboxError):
        return Problem("internal-error", error.message, error.hint)
    if isinstance(error, RequestValidationError):
        return Problem("invalid-request", "A parameter is wrong.", "See the service's /docs.")
    if isinstance(error, HTTPException):
        return _of_http(error)
    _log.error("a request failed", exc_info=error)
    return Problem(
        "internal-error",
        "Something in drybox went wrong; the operator's log has it.",
        "Whether the program ran is not known. Tell the operator, or try again.",
    )


def add_handlers(app: FastAPI) -> None:
    """Have an application answer every failure with a problem."""

    async def answer(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException) and error.status_code == 405:
            # A path may have a route for each method; Starlette knows only of the first.
            documented = app.openapi()["paths"].get(request.scope["path"], {})
            known = (error.headers or {}).get("Allow", "").split(", ")
            allowed = {method.upper() for method in (*known, *documented) if method}
            error = HTTPException(405, headers={"Allow": ", ".join(sorted(allowed))})
        return problem_of(error).response()

    for kind in (Refused, DryboxError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, answer)


def _of_http(error: HTTPException) -> Problem:
    """What Starlette raises itself."""
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return Problem(
            "not-found", "No such path is served.", "The service's /docs lists every path.", headers
        )
    if error.status_code == 405:
        allowed = headers.get("Allow", "another method")
        return Problem(
            "method-not-allowed", "This path takes other methods.", f"Use {allowed}.", headers
        )
    kind = _OF_STATUS.get(error.status_code, "bad-request")
    return Problem(kind, str(error.detail), "See the service's /docs.", headers)
