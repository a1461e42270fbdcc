"""Routes whose handlers read the request themselves."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, cast

from fastapi import Request, Response
from fastapi.routing import APIRoute

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class PlainRoute(APIRoute):
    """A route whose handler takes the request and nothing else.

    It is in the OpenAPI document like any other. Looking for what to inject would take a part of
    a short run.
    """

    def get_route_handler(self) -> Handler:
        """The handler as it was declared."""
        return cast(Handler, self.endpoint)
