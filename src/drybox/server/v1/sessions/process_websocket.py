"""A command in the background over a WebSocket: output out; input, size and signals in."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import anyio
from fastapi import WebSocket

from drybox.errors import InvalidRequest
from drybox.guest.programs import OUTPUT_WINDOW
from drybox.server.transport.disconnect import ClientGone
from drybox.server.transport.origins import identify
from drybox.server.transport.problem_response import problem_response
from drybox.server.transport.problems import problem_of
from drybox.server.transport.websocket.key import accepted_subprotocol, with_key
from drybox.server.v1.request_schema import EofRequest, KillRequest, StdinRequest, stdin_bytes
from drybox.server.v1.response_schema import error_document
from drybox.server.v1.sessions.documents import event_pieces, has_payload
from drybox.server.v1.sessions.request_schema import SignalRequest, parse_process_message
from drybox.server.v1.websocket import NORMAL, close_code, connection_gone, receive_text
from drybox.service.json_pieces import document_pieces
from drybox.service.sessions import OwnedSession, ServedSessions
from drybox.sessions.base import AsyncProcess

LEAVE_TIMEOUT = 2.0
"""Seconds that a client waits for another one, who reads the same, to leave."""

FindProcess = Callable[[OwnedSession, str], Awaitable[AsyncProcess]]


async def serve_process(
    websocket: WebSocket, sessions: ServedSessions, find_process: FindProcess
) -> None:
    """Follow a process until it ends or the client leaves, which ends nothing.

    A problem comes as a message of type ``error``, and then the connection ends with a code that
    fits it; before the handshake it is the answer to that.
    """
    try:
        caller = await identify(with_key(websocket), sessions.service)
        owned = await sessions.find(caller, websocket.path_params["id"])
        process = await find_process(owned, websocket.path_params["pid"])
    except Exception as error:
        await websocket.send_denial_response(problem_response(problem_of(error)))
        return
    await websocket.accept(accepted_subprotocol(websocket))
    with suppress(ClientGone):
        code = NORMAL
        try:
            with sessions.service.answering():
                reader = sessions.reader_of(owned, process.pid)
                async with sessions.service.until_the_end(), _alone(reader):
                    room = sessions.service.memory.reserve(caller.name)
                    try:
                        # What comes before it is read; what was there already has its own.
                        await room.resize(OUTPUT_WINDOW, sessions.service.settings.queue_timeout)
                        await _converse(websocket, process)
                    finally:
                        room.release()
        except ClientGone:
            raise
        except Exception as error:
            problem = problem_of(error)
            code = close_code(problem)
            await _say(websocket, b"".join(document_pieces(error_document(problem))))
        with connection_gone():
            await websocket.close(code)


async def _converse(websocket: WebSocket, process: AsyncProcess) -> None:
    failed: list[Exception] = []
    events = process.events
    try:
        async with anyio.create_task_group() as tasks:

            async def listen() -> None:
                try:
                    while True:
                        await _take(await receive_text(websocket), process)
                except Exception as error:  # raised below: a task group would wrap it
                    failed.append(error)
                    tasks.cancel_scope.cancel()

            tasks.start_soon(listen)
            try:
                async for event in events:
                    if has_payload(event):
                        await _say(websocket, b"".join(event_pieces(event)))
            except Exception as error:
                failed.append(error)
            tasks.cancel_scope.cancel()
    finally:
        if isinstance(events, AsyncGenerator):
            with anyio.CancelScope(shield=True):
                await events.aclose()  # so that the next one may read
    if failed:
        raise failed[0]


@asynccontextmanager
async def _alone(reader: anyio.Lock) -> AsyncIterator[None]:
    """Nobody else reads meanwhile. Who has just left gets a moment to let go.

    Raises:
        InvalidRequest: Another client reads, and does not leave.
    """
    with anyio.move_on_after(LEAVE_TIMEOUT) as waiting:
        await reader.acquire()
    if waiting.cancelled_caught:
        raise InvalidRequest("events", "somebody reads them", hint="Use one reader at a time.")
    try:
        yield
    finally:
        reader.release()


async def _take(text: str, process: AsyncProcess) -> None:
    message = parse_process_message(text)
    if isinstance(message, StdinRequest):
        await process.stdin.write(stdin_bytes(message))
    elif isinstance(message, EofRequest):
        await process.stdin.close()
    elif isinstance(message, KillRequest):
        await process.kill()
    elif isinstance(message, SignalRequest):
        await process.signal(message.signal)
    else:
        await process.resize(message.columns, message.rows)


async def _say(websocket: WebSocket, message: bytes) -> None:
    with connection_gone():
        await websocket.send_text(message.decode())
