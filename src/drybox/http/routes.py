"""The routes of drybox's own shape, ``/v1``, and those that say how the server is."""

from __future__ import annotations

import json

from fastapi import APIRouter, Request, Response, WebSocket
from starlette.requests import HTTPConnection

from drybox.http.answers import WireLanguage, WireResult, WireState
from drybox.http.body import read_body
from drybox.http.events import EventSource
from drybox.http.openapi import EVENT_STREAM, EXAMPLES, RUNS, as_json, gives, named, takes
from drybox.http.plain_route import PlainRoute
from drybox.http.presence import ClientGone
from drybox.http.problems import Problem, Refused
from drybox.http.run_answer import RunAnswer
from drybox.http.schema import WireRequest, parse_request
from drybox.http.service import Service
from drybox.http.websocket import serve_websocket
from drybox.wire import plain

router = APIRouter(default_response_class=Response, route_class=PlainRoute)

CLIENT_GONE = 499
"""Status, in logs only, of a request whose client did not wait for the answer."""


def service_of(connection: HTTPConnection) -> Service:
    """The service that a request came to."""
    service: Service = connection.app.state.service
    return service


def json_response(content: bytes) -> Response:
    """An answer of JSON that is already text."""
    return Response(content, media_type="application/json")


@router.post(
    "/v1/execute",
    openapi_extra=takes(WireRequest, EXAMPLES),
    responses=gives("What became of the program.", as_json(named(WireResult)), *RUNS),
)
async def execute(request: Request) -> Response:
    """Run one program to its end."""
    service = service_of(request)
    caller = await service.identify(request)
    try:
        wanted = parse_request(await read_body(request, service.settings), service.limits)
    except ClientGone:
        return Response(status_code=CLIENT_GONE)
    return RunAnswer(service, caller, wanted)


@router.post(
    "/v1/execute/stream",
    openapi_extra=takes(WireRequest, EXAMPLES),
    responses=gives(
        "Messages named by the type of their event, each with an `Event` as its data.",
        {EventSource.media_type: EVENT_STREAM},
        *RUNS,
    ),
)
async def stream(request: Request) -> Response:
    """Run one program and follow it by server-sent events."""
    service = service_of(request)
    caller = await service.identify(request)
    try:
        wanted = parse_request(await read_body(request, service.settings), service.limits)
    except ClientGone:
        return Response(status_code=CLIENT_GONE)
    return EventSource(service, caller, wanted)


@router.websocket("/v1/execute/ws")
async def converse(websocket: WebSocket) -> None:
    """Run one program, with input while it runs."""
    await serve_websocket(websocket, service_of(websocket))


@router.get("/v1/execute/ws", include_in_schema=False)
async def not_a_websocket(request: Request) -> Response:
    """What a plain request to the WebSocket's path gets."""
    headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
    raise Refused(
        Problem("upgrade-required", "This is a plain request.", "Connect by WebSocket.", headers)
    )


@router.get(
    "/v1/languages",
    responses=gives(
        "The languages.", as_json({"type": "array", "items": named(WireLanguage)}), 401, 403, 500
    ),
)
async def languages(request: Request) -> Response:
    """The languages, their names and the versions that would run."""
    service = service_of(request)
    await service.identify(request)
    return json_response(json.dumps(plain(await service.executor.languages())).encode())


@router.get("/healthz", responses=gives("Alive.", as_json(named(WireState))))
async def healthz(request: Request) -> Response:
    """Alive: the process answers."""
    return json_response(b'{"status":"alive"}')


@router.get("/readyz", responses=gives("Ready.", as_json(named(WireState)), 503))
async def readyz(request: Request) -> Response:
    """Able to run programs, and not going down."""
    await service_of(request).check_ready()
    return json_response(b'{"status":"ready"}')


for path, state in (("/healthz", healthz), ("/readyz", readyz)):
    # Some load balancers ask for the head alone.
    router.add_api_route(path, state, methods=["HEAD"], include_in_schema=False)
