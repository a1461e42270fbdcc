"""A problem as an HTTP response (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi import Response

from drybox.service.refusals import Problem
from drybox.service.request_context import current_record

MEDIA_TYPE = "application/problem+json"

TYPE_PREFIX = "urn:drybox:problem:"

KINDS: Mapping[str, tuple[int, str]] = {
    "malformed-json": (400, "The body is not JSON"),
    "bad-request": (400, "The request cannot be understood"),
    "unauthorized": (401, "A key is needed"),
    "forbidden": (403, "This is not allowed"),
    "rejected": (403, "A rule of the operator's refused it"),
    "not-found": (404, "There is nothing here"),
    "method-not-allowed": (405, "This method does nothing here"),
    "session-closed": (410, "The session has ended"),
    "file-conflict": (409, "The files of the session are not so"),
    "no-space": (507, "There is no room for it"),
    "sessions-full": (429, "Too many sessions are open"),
    "request-timeout": (408, "The request took too long to arrive"),
    "too-large": (413, "The request is too large"),
    "url-too-long": (414, "The URL is too long"),
    "head-too-large": (431, "The head of the request is too large"),
    "no-text": (400, "The message is not text"),
    "upgrade-required": (426, "This path is for WebSockets"),
    "invalid-request": (422, "The request is not right"),
    "unsupported": (422, "What was asked for cannot be enforced here"),
    "rate-limited": (429, "Too many requests"),
    "quota-exceeded": (429, "The quota is used up"),
    "queue-full": (429, "Too many requests wait"),
    "memory-full": (429, "Requests and answers take too much memory"),
    "internal-error": (500, "drybox failed"),
    "sandbox-lost": (500, "The sandbox was lost"),
    "unavailable": (503, "No sandbox could be had"),
    "draining": (503, "The server is going down"),
    "no-result-yet": (504, "There is no result in time"),
}
"""Each kind of problem: its status and its title. The kind is the last part of ``type``."""

_HEADERS: Mapping[str, Mapping[str, str]] = {
    "draining": {"Connection": "close"},
    "request-timeout": {"Connection": "close"},  # what still comes would be taken for a request
    "upgrade-required": {"Upgrade": "websocket", "Connection": "Upgrade"},
}
"""Headers that go with every problem of a kind."""


@dataclass(frozen=True, slots=True)
class HttpProblem(Problem):
    """A problem of HTTP itself.

    Attributes:
        headers: Headers that go with it, such as ``Allow``.
    """

    headers: Mapping[str, str] = field(default_factory=dict)


def status_of(problem: Problem) -> HTTPStatus:
    """Its HTTP status."""
    return HTTPStatus(KINDS[problem.kind][0])


def headers_of(problem: Problem) -> dict[str, str]:
    """The headers of the answer that carries it."""
    headers = dict(_HEADERS.get(problem.kind, {}))
    if problem.kind == "unauthorized":
        error = ', error="invalid_token"' if problem.shown_key else ""
        headers["WWW-Authenticate"] = f'Bearer realm="drybox"{error}'
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    return headers | (dict(problem.headers) if isinstance(problem, HttpProblem) else {})


def document_of(problem: Problem) -> dict[str, Any]:
    """The members of its document."""
    status, title = KINDS[problem.kind]
    members: dict[str, Any] = {
        "type": TYPE_PREFIX + problem.kind,
        "title": title,
        "status": status,
        "detail": problem.detail,
        "hint": problem.hint,
    }
    request_id = current_record().id
    members |= {"field": problem.field} if problem.field else {}
    return members | ({"request_id": request_id} if request_id else {})


def problem_response(problem: Problem) -> Response:
    """The answer that carries it."""
    content = json.dumps(document_of(problem)).encode()
    return Response(content, status_of(problem), headers_of(problem), MEDIA_TYPE)
