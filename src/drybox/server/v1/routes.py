"""The routes of drybox's own API, and of health and readiness."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

from fastapi import APIRouter, Request, Response, WebSocket
from pydantic import BaseModel

from drybox.serialization import plain
from drybox.server.transport.openapi import RUNS, as_json, gives, named, takes
from drybox.server.transport.origins import identify
from drybox.server.transport.plain_route import PlainRoute
from drybox.server.v1.event_stream import EventSource
from drybox.server.v1.execute import begin, execute, service_of
from drybox.server.v1.openapi import EVENT_STREAM, EXAMPLES
from drybox.server.v1.request_schema import ExecuteRequest
from drybox.server.v1.response_schema import (
    DefaultsResponse,
    EnvironmentResponse,
    LanguageResponse,
    ResultResponse,
    StateResponse,
)
from drybox.server.v1.websocket import serve_websocket
from drybox.service.refusals import Problem, Refused, without_places

router = APIRouter(default_response_class=Response, route_class=PlainRoute)


def _list(words: str, item: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    items = as_json({"type": "array", "items": named(item)})
    return gives(words, items, 401, 403, 500)


def json_response(content: bytes) -> Response:
    """An answer of JSON that is already text."""
    return Response(content, media_type="application/json")


router.add_api_route(
    "/v1/execute",
    execute,
    methods=["POST"],
    openapi_extra=takes(ExecuteRequest, EXAMPLES),
    responses=gives("What became of the program.", as_json(named(ResultResponse)), *RUNS),
)


@router.post(
    "/v1/execute/stream",
    openapi_extra=takes(ExecuteRequest, EXAMPLES),
    responses=gives(
        "Messages named by the type of their event, each with an `Event` as its data.",
        {EventSource.media_type: EVENT_STREAM},
        *RUNS,
    ),
)
async def stream(request: Request) -> Response:
    """Run one program and follow it by server-sent events."""
    return await begin(request, EventSource)


@router.websocket("/v1/execute/ws")
async def converse(websocket: WebSocket) -> None:
    """Run one program, with input while it runs."""
    await serve_websocket(websocket, service_of(websocket))


@router.get("/v1/execute/ws", include_in_schema=False)
async def not_a_websocket(request: Request) -> Response:
    """What a plain request to the WebSocket's path gets."""
    raise Refused(Problem("upgrade-required", "This is a plain request.", "Connect by WebSocket."))


@router.get(
    "/v1/languages",
    responses=_list("The languages.", LanguageResponse),
)
async def languages(request: Request) -> Response:
    """The languages, their names and the versions that would run."""
    service = service_of(request)
    await identify(request, service)
    found = [
        replace(language, hint=without_places(language.hint))
        for language in await service.executor.languages()
    ]
    return json_response(json.dumps(plain(found)).encode())


@router.get(
    "/v1/defaults",
    responses=gives(
        "What holds where a request leaves a field out.",
        as_json(named(DefaultsResponse)),
        *(401, 403, 500),
    ),
)
async def defaults(request: Request) -> Response:
    """What holds where a request leaves a field out, and the most that it may ask for."""
    service = service_of(request)
    await identify(request, service)
    executor, settings = service.executor, service.settings
    document = {
        "timeout": executor.timeout,
        "limits": asdict(executor.limits),
        "isolation": executor.isolation,
        "max_timeout": settings.max_timeout,
        "max_limits": asdict(settings.max_limits),
        "isolations": executor.isolations(),
        "packages": executor.installs,
    }
    return json_response(json.dumps(document).encode())


@router.get(
    "/v1/environments",
    responses=_list("The environments.", EnvironmentResponse),
)
async def environments(request: Request) -> Response:
    """The environments that a request may name, what is in each, and whether it is built."""
    service = service_of(request)
    await identify(request, service)
    found = [plain(item) for item in await service.executor.environments()]
    for item in found:
        del item["hint"]  # for the operator: what to run where the server is
    return json_response(json.dumps(found).encode())


@router.get("/healthz", responses=gives("Alive.", as_json(named(StateResponse))))
async def healthz(request: Request) -> Response:
    """Alive: the process answers."""
    return json_response(b'{"status":"alive"}')


@router.get("/readyz", responses=gives("Ready.", as_json(named(StateResponse)), 503))
async def readyz(request: Request) -> Response:
    """Able to run programs, and not going down; with what is still being prepared."""
    service = service_of(request)
    await service.check_ready()
    preparing = service.preparations()
    more = {"preparing": plain(preparing)} if preparing else {}
    return json_response(json.dumps({"status": "ready", **more}, separators=(",", ":")).encode())
