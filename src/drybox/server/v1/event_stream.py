"""Events of an execution as server-sent events."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from drybox.languages.registry import find_language
from drybox.model import Event, ExecutionRequest
from drybox.server.transport.disconnect import ClientGone, while_connected
from drybox.server.transport.problems import problem_of
from drybox.server.v1.response_schema import error_document, has_payload
from drybox.service.admission import Caller
from drybox.service.json_pieces import event_pieces, is_large
from drybox.service.memory_budget import Reservation
from drybox.service.service import Service, StreamedEvents

HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # a proxy that collects would hold the first byte back
}


PREPARATION_DELAY = 2.0
"""Seconds until a request that waits is told what for, and then again."""


class EventSource(Response):
    """Runs a program and sends its events.

    The answer begins with the first event, so that a request that never runs has its own status;
    or with a comment, if what its language needs is only just being made and takes long.
    What waits for a slow client is within the program's limit of output.

    Args:
        service: What runs it.
        caller: Who asks.
        request: The program.
        room: What the request holds of the server's memory, until the answer is sent.
    """

    media_type = "text/event-stream"

    def __init__(
        self, service: Service, caller: Caller, request: ExecutionRequest, room: Reservation
    ) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._service = service
        self._caller = caller
        self._request = request
        self._room = room
        self._begun = False
        self._spoke_at = 0.0
        self._is_in_message = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI response."""
        try:
            await while_connected(receive, partial(self._follow, send))
        except ClientGone:
            return
        finally:
            self._room.release()

    async def _follow(self, send: Send) -> None:
        try:
            async with self._service.stream(self._caller, self._request, self._room) as events:
                first = await self._first(send, events)
                await self._begin(send)
                await self._tell_event(send, first)
                await self._go_on(send, events)
        except Exception as error:
            if not self._begun:
                raise
            await self._tell(send, error_document(problem_of(error)))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _begin(self, send: Send) -> None:
        if self._begun:
            return
        self._begun = True
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)

    async def _first(self, send: Send, events: StreamedEvents) -> Event:
        """The first event; until it comes, what is being prepared is told in comments."""
        failed: Exception | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._tell_preparations, send)
            try:
                event = await anext(events)
            except Exception as error:  # raised below: a task group would wrap it
                failed = error
            tasks.cancel_scope.cancel()
        if failed is not None:
            raise failed
        return event

    async def _tell_preparations(self, send: Send) -> None:
        """Clients pass over comments, as the format wants them to."""
        language, _ = find_language(self._request.language)
        while True:
            await anyio.sleep(PREPARATION_DELAY)
            for item in self._service.preparations(language.name):
                far = "" if item.total is None else f": {item.done} of {item.total}"
                await self._begin(send)
                # A message is written whole, or what follows it would be a part of it.
                with anyio.CancelScope(shield=True):
                    await self._write(send, f": {item.label}{far}\n\n".encode())

    async def _go_on(self, send: Send, events: StreamedEvents) -> None:
        failed: list[Exception] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._keep_alive, send)
            try:
                async for event in events:
                    if has_payload(event):
                        await self._tell_event(send, event)
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
            if anyio.current_time() < self._spoke_at + pause:
                continue
            if self._is_in_message:  # whose next piece waits for the client
                self._spoke_at = anyio.current_time()
            else:
                await self._write(send, b": keep-alive\n\n")

    async def _tell_event(self, send: Send, event: Event) -> None:
        if not is_large(event):
            await self._tell(send, event.to_dict())
            return
        self._is_in_message = True
        await self._write(send, f"event: {event.type}\ndata: ".encode())
        for piece in event_pieces(event):
            await self._write(send, piece)
            await anyio.lowlevel.checkpoint()
        await self._write(send, b"\n\n")
        self._is_in_message = False

    async def _tell(self, send: Send, document: dict[str, Any]) -> None:
        data = json.dumps(document, ensure_ascii=False)
        await self._write(send, f"event: {document['type']}\ndata: {data}\n\n".encode())

    async def _write(self, send: Send, data: bytes) -> None:
        self._spoke_at = anyio.current_time()
        await send({"type": "http.response.body", "body": data, "more_body": True})
