"""Events of an execution as server-sent events."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from drybox.http.admission import Caller
from drybox.http.presence import ClientGone, while_connected
from drybox.http.problems import Problem, problem_of
from drybox.http.service import Followed, Service
from drybox.model import Event, ExecutionRequest
from drybox.wire import event_document

HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # a proxy that collects would hold the first byte back
}


def is_told(event: Event) -> bool:
    """Whether an event has something to say: bytes that are half a character are no text yet."""
    return bool(event.data) or event.type not in ("stdout", "stderr")


def error_document(problem: Problem) -> dict[str, Any]:
    """A failure after the first event, when there is no status left to say it with."""
    return {"type": "error", "problem": problem.document()}


class EventSource(Response):
    """Runs a program and sends its events.

    The answer begins with the first event, so that a request that never runs has its own status.
    What waits for a slow client waits in the connection, the executor's few events and the program.

    Args:
        service: What runs it.
        caller: Who asks.
        request: The program.
    """

    media_type = "text/event-stream"

    def __init__(self, service: Service, caller: Caller, request: ExecutionRequest) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._service = service
        self._caller = caller
        self._request = request
        self._spoke_at = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI response."""
        try:
            await while_connected(receive, partial(self._follow, send))
        except ClientGone:
            return

    async def _follow(self, send: Send) -> None:
        begun = False
        try:
            async with self._service.follow(self._caller, self._request) as events:
                first = await anext(events)
                await self._begin(send)
                begun = True
                await self._tell(send, event_document(first))
                await self._go_on(send, events)
        except Exception as error:
            if not begun:
                raise
            await self._tell(send, error_document(problem_of(error)))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _begin(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)

    async def _go_on(self, send: Send, events: Followed) -> None:
        failed: list[Exception] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._keep_alive, send)
            try:
                async for event in events:
                    if is_told(event):
                        await self._tell(send, event_document(event))
            except Exception as error:  # raised below: a task group would wrap it
                failed.append(error)
            tasks.cancel_scope.cancel()
        if failed:
            raise failed[0]

    async def _keep_alive(self, send: Send) -> None:
        """Says nothing now and then: proxies take a silent connection for a dead one."""
        pause = self._service.settings.keep_alive
        while True:
            await anyio.sleep(max(0.0, self._spoke_at + pause - anyio.current_time()))
            if anyio.current_time() >= self._spoke_at + pause:
                await self._write(send, b": keep-alive\n\n")

    async def _tell(self, send: Send, document: dict[str, Any]) -> None:
        data = json.dumps(document, ensure_ascii=False)
        await self._write(send, f"event: {document['type']}\ndata: {data}\n\n".encode())

    async def _write(self, send: Send, data: bytes) -> None:
        self._spoke_at = anyio.current_time()
        await send({"type": "http.response.body", "body": data, "more_body": True})
