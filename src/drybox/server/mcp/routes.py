"""``/mcp``: the tools of assistants over streamable HTTP, without any state between requests."""

from __future__ import annotations

import asyncio
import importlib
from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
from fastapi import APIRouter, Request, Response
from starlette.types import Message, Receive, Scope, Send

from drybox.server.mcp.openapi import MCP
from drybox.server.transport.body import read_body
from drybox.server.transport.disconnect import CLIENT_GONE, ClientGone, while_connected
from drybox.server.transport.origins import identify
from drybox.server.transport.plain_route import PlainRoute
from drybox.service.admission import Caller
from drybox.service.memory_budget import Reservation
from drybox.service.refusals import Problem, Refused
from drybox.service.service import Service
from drybox.service.sessions import ServedSessions

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

MAX_BODY = 1 << 20
"""Bytes of a request: a program of an assistant's, not a data set."""


_NO_JSON = Problem(
    "bad-request", "The message is not declared as JSON.", "Send 'Content-Type: application/json'."
)


class McpEndpoint:
    """The MCP server behind a route. It is loaded when somebody first asks, which takes a second.

    Args:
        service: Runs what is asked for.
        sessions: Its sessions.
    """

    def __init__(self, service: Service, sessions: ServedSessions) -> None:
        self._service = service
        self._sessions = sessions
        self._loading = anyio.Lock()
        self._manager: StreamableHTTPSessionManager | None = None
        self._task: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """End what is being served."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def answer(self, request: Request) -> Response:
        """The response to one message.

        Raises:
            Refused: Its sender may not send it, or the server has no MCP.
            ClientGone: It ends before its end.
        """
        service = self._service
        caller = await identify(request, service)
        if not request.headers.get("content-type", "").lower().startswith("application/json"):
            raise Refused(_NO_JSON)
        room = service.memory.reserve(caller.name)
        try:
            body = await read_body(request, service.settings, room)
            if len(body) > MAX_BODY:
                raise Refused(_too_large())
            manager = await self._load()
        except BaseException:
            room.release()
            raise
        return _Answer(manager, caller, bytes(body), room)

    async def _load(self) -> StreamableHTTPSessionManager:
        async with self._loading:
            if self._manager is None:
                try:
                    await anyio.to_thread.run_sync(importlib.import_module, "drybox.mcp.server")
                except ImportError as error:
                    raise Refused(_no_mcp(error)) from error
                self._manager = await self._start()
        return self._manager

    async def _start(self) -> StreamableHTTPSessionManager:
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        from drybox.mcp.server import make_server

        manager = StreamableHTTPSessionManager(
            make_server(self._service, self._sessions),
            json_response=True,
            stateless=True,
            max_request_body_size=MAX_BODY,
        )
        runs = asyncio.Event()

        async def run() -> None:
            async with manager.run():
                runs.set()
                await asyncio.Event().wait()

        self._task = asyncio.get_running_loop().create_task(run())
        await runs.wait()
        return manager


class _Answer(Response):
    """Has one message answered; a client that leaves ends its program."""

    def __init__(
        self,
        manager: StreamableHTTPSessionManager,
        caller: Caller,
        body: bytes,
        room: Reservation,
    ) -> None:
        super().__init__()
        self._manager = manager
        self._caller = caller
        self._body = body
        self._room = room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI response."""
        from drybox.mcp.server import CALLER

        CALLER.set(self._caller)
        serve = partial(self._manager.handle_request, scope, _again(self._body), send)
        try:
            await while_connected(receive, serve)
        except ClientGone:
            return
        finally:
            self._room.release()


def _again(body: bytes) -> Receive:
    """Gives a body that was read once more."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if not messages:
            await anyio.sleep_forever()
        return messages.pop()

    return receive


def make_router(endpoint: McpEndpoint) -> APIRouter:
    """The route."""
    router = APIRouter(tags=["MCP"], route_class=PlainRoute)

    @router.post("/mcp", operation_id="mcp", **MCP)
    async def mcp(request: Request) -> Response:
        """One message of the Model Context Protocol."""
        try:
            return await endpoint.answer(request)
        except ClientGone:
            return Response(status_code=CLIENT_GONE)

    return router


def _too_large() -> Problem:
    return Problem(
        "too-large",
        f"The message has more than {MAX_BODY:,} bytes.",
        "Send less; larger programs go to /v1/execute.",
    )


def _no_mcp(error: ImportError) -> Problem:
    package = (error.name or "").partition(".")[0]
    return Problem(
        "not-found",
        f"This server has no MCP: it needs the Python package {package!r}.",
        "Have the operator install it: pip install 'drybox[mcp]'",
    )
