"""Errors as ``application/problem+json`` (RFC 9457), the same for every route."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from functools import lru_cache

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import compile_path
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from drybox.errors import (
    DryboxError,
    InvalidRequest,
    Rejected,
    SandboxLost,
    SessionClosed,
    SessionFileError,
    SnapshotError,
    Unavailable,
    Unsupported,
)
from drybox.server.transport.plain_route import FILE_PATH
from drybox.server.transport.problem_response import HttpProblem, problem_response
from drybox.service.refusals import RETRY_AFTER, Problem, Refused

NONSENSE = Problem("bad-request", "This is not an HTTP/1.1 request.", "Send one.")

OTHER_HOST = Problem("bad-request", "The URL's host is not the Host header's.", "Send a path.")

FULL = Problem("unavailable", "The server has no room for more now.", "Try again.", retry_after=1)


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

_OF_REASON = {
    "not_found": "not-found",
    "not_permitted": "forbidden",
    "no_space": "no-space",
    "too_large": "no-space",
    "name_too_long": "invalid-request",
}
"""Kinds of problems by what stands in the way of a session's file; others are conflicts."""

_METHODS = frozenset({"delete", "get", "head", "options", "patch", "post", "put"})
"""What a path's entry in an OpenAPI document has operations for."""

_log = logging.getLogger("drybox.http")


def problem_of(error: Exception) -> Problem:
    """The problem that an exception is. Nothing of a failure of ours is told but that it is one."""
    if isinstance(error, Refused):
        return error.problem
    if isinstance(error, (SessionFileError, SnapshotError)):
        kind = _OF_REASON.get(error.reason, "file-conflict")
        return Problem(kind, error.message, error.hint, field=error.field)
    if isinstance(error, SessionClosed):
        return Problem("session-closed", error.message, error.hint)
    if isinstance(error, InvalidRequest):
        return Problem("invalid-request", error.message, error.hint, field=error.field)
    if isinstance(error, Unsupported):
        return Problem("unsupported", error.message, error.hint)
    if isinstance(error, Rejected):
        return Problem("rejected", error.message, error.hint)
    if isinstance(error, Unavailable):
        kind = "queue-full" if error.is_full else "unavailable"
        return Problem(kind, error.message, error.hint, retry_after=RETRY_AFTER)
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
            known = (error.headers or {}).get("Allow", "").split(", ")
            allowed = {method for method in (*known, *_documented(app, request)) if method}
            if "GET" in allowed:
                allowed.add("HEAD")
            error = HTTPException(405, headers={"Allow": ", ".join(sorted(allowed))})
        return problem_response(problem_of(error))

    for kind in (Refused, DryboxError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, answer)
    app.router.default = _nothing_here


async def _nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    """The answer where no path fits; a WebSocket gets it in place of its handshake."""
    error = HTTPException(404)
    if scope["type"] == "http":
        raise error
    if scope["type"] == "websocket":
        websocket = WebSocket(scope, receive, send)
        await websocket.send_denial_response(problem_response(problem_of(error)))


def _documented(app: FastAPI, request: Request) -> Iterator[str]:
    """The methods that the document has for a request's path."""
    for template, item in app.openapi()["paths"].items():
        if _pattern(template).match(request.scope["path"]):
            yield from (method.upper() for method in item.keys() & _METHODS)


@lru_cache(maxsize=256)
def _pattern(template: str) -> re.Pattern[str]:
    # A file's path in a session is the last parameter, and has slashes.
    return compile_path(template.replace("{path}", FILE_PATH))[0]


def _of_http(error: HTTPException) -> Problem:
    """What Starlette raises itself."""
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return HttpProblem(
            "not-found",
            "No such path is served.",
            "The service's /docs lists every path.",
            headers=headers,
        )
    if error.status_code == 405:
        allowed = headers.get("Allow", "another method")
        return HttpProblem(
            "method-not-allowed",
            "This path takes other methods.",
            f"Use {allowed}.",
            headers=headers,
        )
    kind = _OF_STATUS.get(error.status_code, "bad-request")
    return HttpProblem(kind, str(error.detail), "See the service's /docs.", headers=headers)
