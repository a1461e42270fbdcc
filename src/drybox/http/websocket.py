"""An execution over a WebSocket: its events go out while input, ``eof`` and ``kill`` come in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio
from fastapi import WebSocket, WebSocketDisconnect

from drybox.http.admission import Caller
from drybox.http.body import check_values
from drybox.http.browser_key import accepted_subprotocol, with_key
from drybox.http.events import error_document, is_told
from drybox.http.inlet import Inlet
from drybox.http.presence import ClientGone
from drybox.http.problems import Problem, Refused, problem_of
from drybox.http.schema import WireEof, WireStdin, parse_message, parse_request, stdin_bytes
from drybox.http.service import Followed, Service
from drybox.wire import event_document

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
    "internal-error": FAILED,
    "sandbox-lost": FAILED,
}


async def serve_websocket(websocket: WebSocket, service: Service) -> None:
    """Run the one program that a client asks for, and close.

    A problem comes as a message of type ``error``, and then the connection ends with a code that
    fits it; before the handshake it is the answer to that.
    """
    try:
        caller = await service.identify(with_key(websocket))
    except Exception as error:
        await websocket.send_denial_response(problem_of(error).response())
        return
    await websocket.accept(accepted_subprotocol(websocket))
    session = _Session(websocket, service, caller)
    try:
        await session.close(await session.run())
    except ClientGone:
        return


class _Session:
    """One execution and its client."""

    def __init__(self, websocket: WebSocket, service: Service, caller: Caller) -> None:
        self._websocket = websocket
        self._service = service
        self._caller = caller

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
            return _CODES.get(problem.kind, POLICY)
        return NORMAL

    async def close(self, code: int) -> None:
        """Say good-bye.

        Raises:
            ClientGone: It is too late for that.
        """
        with _gone():
            await self._websocket.close(code)

    async def _run(self) -> None:
        settings = self._service.settings
        try:
            with anyio.fail_after(settings.body_timeout):
                text = await self._receive()
        except TimeoutError:
            raise Refused(_silent(settings.body_timeout)) from None
        check_values(text.encode())
        request = parse_request(text.encode(), self._service.limits)
        first = request.stdin.encode() if isinstance(request.stdin, str) else request.stdin
        inlet = Inlet(first, settings.max_body)
        async with self._service.follow(self._caller, request, inlet.read) as events:
            await self._converse(events, inlet)

    async def _converse(self, events: Followed, inlet: Inlet) -> None:
        failed: list[Exception] = []
        async with anyio.create_task_group() as tasks:

            async def listen() -> None:
                try:
                    while True:
                        await self._take(await self._receive(), events, inlet)
                except Exception as error:  # raised below: a task group would wrap it
                    failed.append(error)
                    tasks.cancel_scope.cancel()

            tasks.start_soon(listen)
            try:
                async for event in events:
                    if is_told(event):
                        await self._say(event_document(event))
            except Exception as error:
                failed.append(error)
            tasks.cancel_scope.cancel()
        if failed:
            raise failed[0]

    async def _take(self, text: str, events: Followed, inlet: Inlet) -> None:
        message = parse_message(text)
        if isinstance(message, WireStdin):
            inlet.add(stdin_bytes(message))
        elif isinstance(message, WireEof):
            inlet.end()
        else:
            await events.kill()

    async def _say(self, document: dict[str, Any]) -> None:
        with _gone():
            await self._websocket.send_text(json.dumps(document, ensure_ascii=False))

    async def _receive(self) -> str:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise ClientGone
        text = message.get("text")
        if text is None:
            raise Refused(
                Problem("no-text", "A message of bytes came.", "Send JSON as text messages.")
            )
        return str(text)


@contextmanager
def _gone() -> Iterator[None]:
    """While something is sent."""
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
