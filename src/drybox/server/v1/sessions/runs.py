"""Code in a session: to its end, or followed by server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import anyio
import anyio.lowlevel
from fastapi import APIRouter, Request, Response
from starlette.types import Receive, Scope, Send

from drybox.execution.joined_events import JoinedEvents
from drybox.server.transport.disconnect import ClientGone, while_connected
from drybox.server.transport.plain_route import PlainRoute
from drybox.server.transport.problems import problem_of
from drybox.server.v1.event_stream import HEADERS
from drybox.server.v1.response_schema import error_document
from drybox.server.v1.sessions import openapi
from drybox.server.v1.sessions.access import find, sessions_of, take, until_gone
from drybox.server.v1.sessions.documents import (
    event_pieces,
    has_payload,
    result_response,
)
from drybox.server.v1.sessions.request_schema import RunRequest
from drybox.server.v1.sessions.routes import ONE
from drybox.service.admission import Caller
from drybox.service.json_pieces import document_pieces
from drybox.service.memory_budget import Reservation
from drybox.service.sessions import OwnedSession, ServedSessions, fitted
from drybox.sessions.results import (
    RunResult,
    SessionEvent,
    display_size,
    joined_output,
    without_shown,
)

router = APIRouter(default_response_class=Response, route_class=PlainRoute, tags=["Sessions"])


@router.post(f"{ONE}/run", **openapi.RUN)
@until_gone
async def run(request: Request) -> Response:
    """Run code, with what earlier code has left. A client that leaves has it interrupted."""
    caller, owned = await find(request, begins=True)
    wire, room = await take(request, caller, RunRequest)

    async def work() -> RunResult:
        run = sessions_of(request).running(caller, owned, room, wire.language, wire.timeout)
        async with run as meter:
            result = await owned.session.run(
                wire.code, language=wire.language, timeout=wire.timeout, stdin=wire.stdin
            )
            meter.add(result.usage.cpu_time or 0.0)
            return fitted(result, room)

    try:
        result = await while_connected(request.receive, work)
    except BaseException:
        room.release()
        raise
    return result_response(result, room)


@router.post(f"{ONE}/run/stream", **openapi.STREAM)
@until_gone
async def stream(request: Request) -> Response:
    """Run code and follow it by server-sent events."""
    caller, owned = await find(request, begins=True)
    wire, room = await take(request, caller, RunRequest)
    return RunEventSource(sessions_of(request), caller, owned, wire, room)


class RunEventSource(Response):
    """Runs code and sends its events; the answer begins with the first, or when it runs long.

    Args:
        sessions: What admits the run.
        caller: Whose session it is.
        owned: The session.
        wire: The code.
        room: What the request holds of the server's memory, until the answer is sent.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        sessions: ServedSessions,
        caller: Caller,
        owned: OwnedSession,
        wire: RunRequest,
        room: Reservation,
    ) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._sessions = sessions
        self._caller = caller
        self._owned = owned
        self._wire = wire
        self._room = room
        self._begun = False
        self._sending = anyio.Lock()

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
            async with self._events() as events, self._kept_alive(send):
                while True:
                    try:
                        event = await events.get()
                    except StopAsyncIteration:
                        break
                    if has_payload(event):
                        await self._tell(send, event.type, event_pieces(event))
        except Exception as error:
            if not self._begun:
                raise
            document = error_document(problem_of(error))
            await self._tell(send, "error", document_pieces(document))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    @asynccontextmanager
    async def _events(self) -> AsyncIterator[JoinedEvents[SessionEvent]]:
        """The events. Code that has ended has no slot any more, however slowly they are read.

        What waits is no more than the run's limits of output, and what it shows.
        """
        waiting = JoinedEvents(joined_output)

        async def run() -> None:
            try:
                await self._run(waiting)
            except Exception as error:  # the follower's, after the events
                waiting.end(error)
            else:
                waiting.end()

        failed: Exception | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            try:
                yield waiting
            except Exception as error:  # raised below: a task group would wrap it
                failed = error
            tasks.cancel_scope.cancel()
        if failed is not None:
            raise failed

    async def _run(self, waiting: JoinedEvents[SessionEvent]) -> None:
        wire, room = self._wire, self._room
        running = self._sessions.running(
            self._caller, self._owned, room, wire.language, wire.timeout
        )
        async with running as meter:
            held = room.size
            events = self._owned.session.stream(
                wire.code, language=wire.language, timeout=wire.timeout, stdin=wire.stdin
            )
            async with events:
                async for event in events:
                    if event.display is not None:
                        held += display_size(event.display)
                        if not room.try_resize(max(room.size, held)):
                            continue  # the result tells of it
                    elif isinstance(event.result, RunResult):
                        meter.add(event.result.usage.cpu_time or 0.0)
                        result = event.result if room.size >= held else without_shown(event.result)
                        event = replace(event, result=result)
                    waiting.put(event)

    @asynccontextmanager
    async def _kept_alive(self, send: Send) -> AsyncIterator[None]:
        """Says now and then that it is still there: proxies take a silent stream for a dead one."""
        pause = self._sessions.service.settings.keep_alive
        failed: Exception | None = None

        async def keep_alive() -> None:
            while True:
                await anyio.sleep(pause)
                async with self._sending:
                    await self._write(send, b": keep-alive\n\n")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(keep_alive)
            try:
                yield
            except Exception as error:  # raised below: a task group would wrap it
                failed = error
            tasks.cancel_scope.cancel()
        if failed is not None:
            raise failed

    async def _tell(self, send: Send, kind: str, pieces: Iterator[bytes]) -> None:
        async with self._sending:
            await self._write(send, f"event: {kind}\ndata: ".encode())
            for piece in pieces:
                await self._write(send, piece)
                await anyio.lowlevel.checkpoint()
            await self._write(send, b"\n\n")

    async def _write(self, send: Send, data: bytes) -> None:
        if not self._begun:
            self._begun = True
            headers = self.raw_headers
            await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": data, "more_body": True})
