"""Piston v2's routes, so that its clients work with no change but the URL's.

``/api/v2`` is where a Piston of one's own has them, ``/api/v2/piston`` where the public one had.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any

import anyio
from fastapi import APIRouter, Request, Response
from starlette.requests import HTTPConnection

from drybox.languages.registry import known_languages
from drybox.server.piston import openapi
from drybox.server.piston.runtimes import (
    Runtime,
    find_name,
    make_environment_runtimes,
    make_runtimes,
)
from drybox.server.piston.schema import (
    BadRequest,
    RequestLimits,
    StageLimits,
    answer,
    parse_request,
)
from drybox.server.transport.body import COPIES, FREE_BYTES, take_request
from drybox.server.transport.disconnect import CLIENT_GONE, ClientGone, while_connected
from drybox.server.transport.origins import identify
from drybox.server.transport.piece_response import PieceResponse
from drybox.server.transport.plain_route import PlainRoute
from drybox.server.transport.problem_response import headers_of, status_of
from drybox.server.transport.problems import problem_of
from drybox.service.admission import Caller
from drybox.service.json_pieces import PIECE, document_pieces, size_of
from drybox.service.memory_budget import Reservation
from drybox.service.service import Service

PREFIXES = ("/api/v2", "/api/v2/piston")

RUNTIMES_TTL = 10.0
"""Seconds that the list of runtimes is kept: a toolchain that is installed shows up by then."""


class Piston:
    """The same service in Piston's words.

    Args:
        service: The service.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._runtimes: dict[str, tuple[float, tuple[Runtime, ...]]] = {}
        self._environments: tuple[float, tuple[Runtime, ...]] = (-1.0, ())

    async def runtimes(self, names: Iterable[str]) -> tuple[Runtime, ...]:
        """What there is to run programs in some of drybox's languages.

        Only those are looked at: an image for one may take long to prepare.
        """
        found: list[Runtime] = []
        for name in names:
            until, runtimes = self._runtimes.get(name, (-1.0, ()))
            if anyio.current_time() > until:
                runtimes = make_runtimes([await self._service.executor.language(name)])
                self._runtimes[name] = anyio.current_time() + RUNTIMES_TTL, runtimes
            found += runtimes
        return tuple(found)

    async def list_runtimes(self, request: Request) -> tuple[Runtime, ...]:
        """The same, for whoever may ask.

        Raises:
            Refused: Nobody who may.
        """
        await identify(_with_bearer(request), self._service)
        plain = await self.runtimes(known_languages())
        return (*plain, *await self.environment_runtimes())

    async def environment_runtimes(self) -> tuple[Runtime, ...]:
        """What there is to run programs in environments."""
        until, runtimes = self._environments
        if anyio.current_time() > until:
            runtimes = make_environment_runtimes(await self._service.executor.environments())
            self._environments = anyio.current_time() + RUNTIMES_TTL, runtimes
        return runtimes

    async def execute(self, request: Request) -> Response:
        """Run what a request asks for.

        Raises:
            BadRequest: It is wrong.
            Refused: It may not run.
            DryboxError: It could not run.
            ClientGone: Nobody waits for the answer.
        """
        service = self._service
        caller = await identify(_with_bearer(request), service)
        body, room = await take_request(request, service, caller, _parse)
        try:
            run = partial(self._run, caller, body, room)
            document, size = await while_connected(request.receive, run)
        except BaseException as error:
            if isinstance(error, BadRequest) and room.size > COPIES * FREE_BYTES:
                service.admission.charge_refused(caller)
            room.release()
            raise
        if size > PIECE:
            return PieceResponse(document_pieces(document), room)
        room.release()
        return _json(200, document)

    async def _run(
        self, caller: Caller, body: object, room: Reservation
    ) -> tuple[dict[str, Any], int]:
        """The answer's document, and how much output is in it."""
        language = body.get("language") if isinstance(body, dict) else None
        name = find_name(language) if isinstance(language, str) else None
        runtimes = await (self.environment_runtimes() if name is None else self.runtimes((name,)))
        job = parse_request(body, runtimes, self._request_limits(), self._service.limits)
        output: list[str] = []
        async with self._service.stream(caller, job.request, room, caps=job.caps) as events:
            async for event in events:
                if event.phase == "run" and event.data:
                    output.append(event.data)
                if event.result is not None:
                    size = size_of(event.result)
                    return answer(job, event.result, "".join(output)), size
        raise AssertionError("a stream ends with its result")

    def _request_limits(self) -> RequestLimits:
        operator, settings = self._service.executor.operator, self._service.settings
        compile, run = operator.compile, settings.max_limits
        return RequestLimits(
            compile=_stage_limits(operator.compile_timeout, compile.cpus, compile.memory),
            run=_stage_limits(settings.max_timeout, run.cpus, run.memory),
        )


def make_router(piston: Piston) -> APIRouter:
    """The routes, below every prefix, with and without a slash at the end."""
    router = APIRouter(route_class=PlainRoute)

    async def execute(request: Request) -> Response:
        """Run a program, in Piston's shapes."""
        wrong = _wrong_type(request)
        if wrong is not None:
            return wrong
        try:
            return await piston.execute(request)
        except ClientGone:
            return Response(status_code=CLIENT_GONE)
        except Exception as error:
            return _failure(error)

    async def runtimes(request: Request) -> Response:
        """Languages and versions, in Piston's shape."""
        try:
            return _json(200, [item.document() for item in await piston.list_runtimes(request)])
        except Exception as error:
            return _failure(error)

    async def packages(request: Request) -> Response:
        """The same as Piston's packages, all of them installed."""
        try:
            return _json(200, [item.package() for item in await piston.list_runtimes(request)])
        except Exception as error:
            return _failure(error)

    async def change_packages(request: Request) -> Response:
        """Refused: what is installed is the operator's to say."""
        message = "Packages are not managed here: the server runs the languages of its host."
        return _json(404, {"message": message})

    routes: tuple[tuple[str, str, Any, dict[str, Any]], ...] = (
        ("/execute", "POST", execute, openapi.EXECUTE),
        ("/runtimes", "GET", runtimes, openapi.RUNTIMES),
        ("/packages", "GET", packages, openapi.PACKAGES),
        ("/packages", "POST", change_packages, openapi.NO_PACKAGES),
        ("/packages", "DELETE", change_packages, openapi.NO_PACKAGES),
    )
    for prefix, end in itertools.product(PREFIXES, ("", "/")):
        shown = prefix == PREFIXES[0] and not end
        for path, method, route, words in routes:
            router.add_api_route(
                prefix + path + end,
                route,
                methods=[method],
                include_in_schema=shown,
                operation_id=f"piston_{method.lower()}{path.replace('/', '_')}" if shown else None,
                tags=["Piston"],
                **words,
            )
    return router


def _stage_limits(timeout: float, cpus: float, memory: int) -> StageLimits:
    """A phase's limits in Piston's units; it cannot have more CPU time than its cores give."""
    milliseconds = timeout * 1000
    return StageLimits(milliseconds, milliseconds * max(1.0, cpus), memory)


def _with_bearer(request: Request) -> HTTPConnection:
    """A connection whose key, which Piston's clients send bare, is sent as others send it."""
    headers = [
        (name, b"Bearer " + value if name == b"authorization" and b" " not in value else value)
        for name, value in request.scope["headers"]
    ]
    return HTTPConnection({**request.scope, "headers": headers})


def _wrong_type(request: Request) -> Response | None:
    """Piston takes JSON only, which a page of another site cannot send without being asked.

    A client that leaves the type out has ``fetch`` name it so; no page is behind it if it
    names no origin.
    """
    kind = request.headers.get("content-type", "").lower()
    if kind.startswith("application/json"):
        return None
    is_page = any(name in request.headers for name in ("origin", "sec-fetch-site"))
    if kind.replace(" ", "") == "text/plain;charset=utf-8" and not is_page:
        return None
    return _json(415, {"message": "requests must be of type application/json"})


def _parse(body: bytearray) -> object:
    try:
        return json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadRequest("the request's body is not valid JSON") from None


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _failure(error: Exception) -> Response:
    """The answer to what could not be done, in Piston's shape."""
    if isinstance(error, BadRequest):
        return _json(400, {"message": str(error)})
    problem = problem_of(error)
    status = status_of(problem)
    status = HTTPStatus.BAD_REQUEST if status == HTTPStatus.UNPROCESSABLE_ENTITY else status
    return _json(
        status, {"message": f"{problem.detail.rstrip('.')}. {problem.hint}"}, headers_of(problem)
    )


def _json(status: int, document: object, headers: Mapping[str, str] | None = None) -> Response:
    # ASCII: what a client sent and an error repeats may be no text.
    content = json.dumps(document).encode()
    return Response(content, status, dict(headers or {}), "application/json")
