"""Who asks for a session, and what of it they send."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial, wraps
from typing import TypeVar

from fastapi import Request, Response
from starlette.requests import HTTPConnection

from drybox.server.transport.body import take_request
from drybox.server.transport.disconnect import CLIENT_GONE, ClientGone
from drybox.server.transport.origins import bearer_token, check_origin
from drybox.server.v1.request_schema import RequestModel
from drybox.server.v1.sessions.request_schema import parse
from drybox.service.admission import Caller
from drybox.service.memory_budget import Reservation
from drybox.service.sessions import OwnedSession, ServedSessions

Model = TypeVar("Model", bound=RequestModel)
Handler = Callable[[Request], Awaitable[Response]]


def sessions_of(connection: HTTPConnection) -> ServedSessions:
    """The sessions of the application that a request came to."""
    sessions: ServedSessions = connection.app.state.sessions
    return sessions


async def identify(connection: HTTPConnection, *, begins: bool = False) -> Caller:
    """Who asks; who may begin nothing now may still look after what is open.

    Raises:
        Refused: Nobody who may, or a page of another site in somebody's browser.
    """
    service = sessions_of(connection).service
    check_origin(connection, service.settings, asks_for_keys=service.admission.asks_for_keys)
    return await service.identify(bearer_token(connection), begins=begins)


async def find(connection: HTTPConnection, *, begins: bool = False) -> tuple[Caller, OwnedSession]:
    """Who asks, and the session of theirs that the path names.

    Raises:
        Refused: Nobody who may, or there is no such session of theirs.
    """
    caller = await identify(connection, begins=begins)
    return caller, await sessions_of(connection).find(caller, connection.path_params["id"])


async def take(request: Request, caller: Caller, model: type[Model]) -> tuple[Model, Reservation]:
    """What a request says, and what it holds of the server's memory: the caller's to release."""
    service = sessions_of(request).service
    return await take_request(request, service, caller, partial(parse, model))


def until_gone(handler: Handler) -> Handler:
    """A handler whose client may leave before the answer."""

    @wraps(handler)
    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except ClientGone:
            return Response(status_code=CLIENT_GONE)

    return handle
