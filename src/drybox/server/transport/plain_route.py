"""Routes whose handlers read the request themselves, and paths that end in a file's."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, cast

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.routing import Match, request_response
from starlette.types import Receive, Scope, Send

FILE_PATH = "{path:file}"
"""The rest of a URL, as the path of a file: its name may have line breaks."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class PlainRoute(APIRoute):
    """A route whose handler takes the request and nothing else.

    It is in the OpenAPI document like any other. Looking for what to inject would take a part of
    a short run.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.app = request_response(cast(Handler, self.endpoint))

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether a request is for this route: one for the head alone is where GET is."""
        return super().matches(_as_get(scope))

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request. What comes of the body of an answer to HEAD is not sent."""
        if _as_get(scope)["method"] in (self.methods or ()):
            await self.app(scope, receive, send)  # whatever the router has made of the route
        else:
            await super().handle(scope, receive, send)


def _as_get(scope: Scope) -> Scope:
    return {**scope, "method": "GET"} if scope.get("method") == "HEAD" else scope


class _FilePath(PathConvertor):
    regex = "(?s:.*)"


register_url_convertor("file", _FilePath())
