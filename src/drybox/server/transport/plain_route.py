"""Routes whose handlers read the request themselves, and paths that end in a file's."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, cast

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.routing import request_response

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


class _FilePath(PathConvertor):
    regex = "(?s:.*)"


register_url_convertor("file", _FilePath())
