"""``POST /v1/execute``, from its bytes to its response."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from fastapi import Request, Response
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from drybox.host.time_slice import yield_cpu
from drybox.model import ExecutionRequest
from drybox.server.transport.body import take_request
from drybox.server.transport.disconnect import CLIENT_GONE, ClientGone, while_connected
from drybox.server.transport.origins import identify
from drybox.server.transport.piece_response import send_pieces
from drybox.server.v1.request_schema import parse_request, result_body
from drybox.service.admission import Caller
from drybox.service.json_pieces import PIECE, result_pieces, size_of
from drybox.service.memory_budget import Reservation
from drybox.service.service import Service

Answer = Callable[[Service, Caller, ExecutionRequest, Reservation], Response]
"""What runs a request while it is being sent."""


def service_of(connection: HTTPConnection) -> Service:
    """The service that a request came to."""
    service: Service = connection.app.state.service
    return service


async def execute(request: Request) -> Response:
    """Run one program to its end."""
    return await begin(request, RunAnswer)


async def begin(request: Request, answer: Answer) -> Response:
    """Identify who asks, read the program, and give it to its answer."""
    service = service_of(request)
    caller = await identify(request, service)
    parse = partial(parse_request, defaults=service.limits)
    try:
        wanted, room = await take_request(request, service, caller, parse)
    except ClientGone:
        return Response(status_code=CLIENT_GONE)
    return answer(service, caller, wanted, room)


class RunAnswer(Response):
    """Runs a program and sends its result; a client that leaves ends the program.

    It runs while it is being sent, so that the result need not wait until nobody looks after the
    client any more.

    Args:
        service: What runs it.
        caller: Who asks.
        request: The program.
        room: What the request holds of the server's memory, until the answer is sent.
    """

    def __init__(
        self, service: Service, caller: Caller, request: ExecutionRequest, room: Reservation
    ) -> None:
        super().__init__()
        self._service = service
        self._caller = caller
        self._request = request
        self._room = room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI response."""

        async def run() -> None:
            result = await self._service.execute(self._caller, self._request, self._room)
            if size_of(result) <= PIECE:
                answer = Response(result_body(result), media_type="application/json")
                await answer(scope, receive, send)
            else:
                await send_pieces(send, result_pieces(result))
            yield_cpu()

        try:
            await while_connected(receive, run)
        except ClientGone:
            return
        finally:
            self._room.release()
