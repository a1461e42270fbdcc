"""The answer to a request that runs one program to its end."""

from __future__ import annotations

from fastapi import Response
from starlette.types import Receive, Scope, Send

from drybox.capacity import make_way
from drybox.http.admission import Caller
from drybox.http.presence import ClientGone, while_connected
from drybox.http.schema import result_body
from drybox.http.service import Service
from drybox.model import ExecutionRequest


class RunAnswer(Response):
    """Runs a program and sends its result; a client that leaves ends the program.

    It runs while it is being sent, so that the result need not wait until nobody looks after the
    client any more.

    Args:
        service: What runs it.
        caller: Who asks.
        request: The program.
    """

    def __init__(self, service: Service, caller: Caller, request: ExecutionRequest) -> None:
        super().__init__()
        self._service = service
        self._caller = caller
        self._request = request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI response."""

        async def run() -> None:
            result = await self._service.execute(self._caller, self._request)
            answer = Response(result_body(result), media_type="application/json")
            await answer(scope, receive, send)
            make_way()

        try:
            await while_connected(receive, run)
        except ClientGone:
            return
