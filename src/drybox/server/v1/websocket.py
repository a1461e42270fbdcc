"""An execution over a WebSocket: events out; input, ``eof`` and ``kill`` in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
from fastapi import WebSocket, WebSocketDisconnect

from drybox.model import Event
from drybox.server.transport.body import COPIES, parse_body
from drybox.server.transport.disconnect import ClientGone
from drybox.server.transport.origins import identify
from drybox.server.transport.problem_response import problem_response
from drybox.server.transport.problems import problem_of
from drybox.server.transport.websocket.key import accepted_subprotocol, with_key
from drybox.server.transport.websocket.protocol import FRAGMENTS
from drybox.server.v1.request_schema import (
    EofRequest,
    StdinRequest,
    parse_message,
    parse_request,
    stdin_bytes,
)
from drybox.server.v1.response_schema import error_document, has_payload
from drybox.server.v1.stdin_buffer import StdinBuffer
from drybox.service.admission import Caller
from drybox.service.json_pieces import event_pieces, is_large
from drybox.service.refusals import Problem, Refused
from drybox.service.service import Service, StreamedEvents

NORMAL, GOING_AWAY, NO_TEXT, MALFORMED = 1000, 1001, 1003, 1007
POLICY, TOO_LARGE, FAILED, TRY_LATER = 1008, 1009, 1011, 1013

_CODES = {
    "malformed-json": MALFORMED,
    "no-text": NO_TEXT,
    "too-large": TOO_LARGE,
    "draining": GOING_AWAY,
    "unavailable": TRY_LATER,
    "rate-limited": TRY_LATER,
    "quota-exceeded": TRY_LATER,
    "queue-full": TRY_LATER,
    "memory-full": TRY_LATER,
    "internal-error": FAILED,
    "sandbox-lost": FAILED,
}


async def serve_websocket(websocket: WebSocket, service: Service) -> None:
    """Run the one program that a client asks for, and close.

    A problem comes as a message of type ``error``, and then the connection ends with a code that
    fits it; before the handshake it is the answer to that.
    """
    try:
        caller = await identify(with_key(websocket), service)
    except Exception as error:
        await websocket.send_denial_response(problem_response(problem_of(error)))
        return
    await websocket.accept(accepted_subprotocol(websocket))
    with ExitStack() as stack:
        session = _Session(websocket, service, caller, stack)
        with suppress(ClientGone):
            await session.close(await session.run())


class _Session:
    """One execution and its client."""

    def __init__(
        self, websocket: WebSocket, service: Service, caller: Caller, stack: ExitStack
    ) -> None:
        self._websocket = websocket
        self._service = service
        self._caller = caller
        self._stack = stack

    async def run(self) -> int:
        """From the first message to the last, which is the result or a problem.

        Returns:
            The code to close with.

        Raises:
            ClientGone: There is nobody to be told.
        """
        try:
            await self._run()
        except ClientGone:
            raise
        except Exception as error:
            problem = problem_of(error)
            await self._say(error_document(problem))
            return close_code(problem)
        return NORMAL

    async def close(self, code: int) -> None:
        """Say good-bye.

        Raises:
            ClientGone: It is too late for that.
        """
        with connection_gone():
            await self._websocket.close(code)

    async def _run(self) -> None:
        settings = self._service.settings
        try:
            with anyio.fail_after(settings.body_timeout):
                text = await receive_text(self._websocket)
        except TimeoutError:
            raise Refused(_silent(settings.body_timeout)) from None
        self._stack.enter_context(self._service.answering())
        room = self._service.memory.reserve(self._caller.name)
        input_room = self._service.memory.reserve(self._caller.name)
        try:
            body = bytearray(text.encode())
            del text
            await room.resize(COPIES * len(body), settings.queue_timeout)
            parse = partial(parse_request, defaults=self._service.limits)
            request = await parse_body(body, self._service, self._caller, parse)
            del body
            first = request.stdin.encode() if isinstance(request.stdin, str) else request.stdin
            stdin_buffer = StdinBuffer(first, settings.max_body, input_room)
            async with self._service.stream(
                self._caller, request, room, stdin_buffer.read
            ) as events:
                await self._converse(events, stdin_buffer)
        finally:
            room.release()
            input_room.release()

    async def _converse(self, events: StreamedEvents, stdin_buffer: StdinBuffer) -> None:
        failed: list[Exception] = []
        async with anyio.create_task_group() as tasks:

            async def listen() -> None:
                try:
                    while True:
                        await self._take(await receive_text(self._websocket), events, stdin_buffer)
                except Exception as error:  # raised below: a task group would wrap it
                    failed.append(error)
                    tasks.cancel_scope.cancel()

            tasks.start_soon(listen)
            try:
                async for event in events:
                    if has_payload(event):
                        await self._tell(event)
            except Exception as error:
                failed.append(error)
            tasks.cancel_scope.cancel()
        if failed:
            raise failed[0]

    async def _take(self, text: str, events: StreamedEvents, stdin_buffer: StdinBuffer) -> None:
        message = parse_message(text)
        if isinstance(message, StdinRequest):
            stdin_buffer.add(stdin_bytes(message))
        elif isinstance(message, EofRequest):
            stdin_buffer.end()
        else:
            await events.kill()

    async def _tell(self, event: Event) -> None:
        in_pieces = FRAGMENTS in self._websocket.scope.get("extensions", {})
        if not in_pieces or not is_large(event):
            await self._say(event.to_dict())
            return
        with connection_gone():
            for piece in event_pieces(event):
                await self._websocket.send({"type": "websocket.send", "bytes": piece, FRAGMENTS: 1})
                await anyio.lowlevel.checkpoint()
            await self._websocket.send({"type": "websocket.send", "bytes": b"", FRAGMENTS: 0})

    async def _say(self, document: dict[str, Any]) -> None:
        with connection_gone():
            await self._websocket.send_text(json.dumps(document, ensure_ascii=False))


async def receive_text(websocket: WebSocket) -> str:
    """The next message of a client.

    Raises:
        Refused: It is no text.
        ClientGone: There is none any more.
    """
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise ClientGone
    text = message.get("text")
    if text is None:
        raise Refused(Problem("no-text", "A message of bytes came.", "Send JSON as text messages."))
    return str(text)


def close_code(problem: Problem) -> int:
    """The code that a connection ends with for a problem."""
    return _CODES.get(problem.kind, POLICY)


@contextmanager
def connection_gone() -> Iterator[None]:
    """While something is sent.

    Raises:
        ClientGone: There is nobody who takes it.
    """
    try:
        yield
    except (WebSocketDisconnect, RuntimeError):  # the latter if the connection has said good-bye
        raise ClientGone from None


def _silent(seconds: float) -> Problem:
    return Problem(
        "request-timeout",
        f"No request came within {seconds:g} s.",
        "Send the request as the first message.",
    )
