"""A drybox that was built without its page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
from starlette.applications import Starlette

from drybox.http.playground import LEFT_OUT, playground_routes


def test_a_drybox_without_its_page_says_so(tmp_path: Path) -> None:
    app = Starlette(routes=playground_routes(tmp_path))
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    anyio.run(app, scope, receive, send)
    assert sent[0]["status"] == 404
    assert sent[1]["body"].decode() == LEFT_OUT
