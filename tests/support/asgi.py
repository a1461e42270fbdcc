"""An ASGI application driven without a server: one request, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio
from starlette.types import ASGIApp, Message
from tests.support.server import Answer


async def ask(
    app: ASGIApp,
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    leaves_after: float | None = None,
) -> Answer:
    """Ask, and wait for the whole answer.

    Args:
        app: The application; its lifespan is the caller's to care for.
        method: ``GET``, ``POST`` and so on.
        path: The path, with a query perhaps.
        body: The whole body.
        headers: The headers.
        leaves_after: Seconds after which the client is gone.
    """
    plain, _, query = path.partition("?")
    given = {"Host": "127.0.0.1:8080", **(headers or {})}
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": plain,
        "raw_path": plain.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 40000),
        "server": ("127.0.0.1", 8080),
    }
    requests: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    answers: list[Message] = []

    async def receive() -> Message:
        if requests:
            return requests.pop()
        if leaves_after is None:
            await anyio.sleep_forever()
        await anyio.sleep(leaves_after or 0.0)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answers.append(message)

    await app(scope, receive, send)
    if not answers:
        return Answer(0, {}, b"")
    start, *rest = answers
    names = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], names, b"".join(item.get("body", b"") for item in rest))
