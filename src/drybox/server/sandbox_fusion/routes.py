"""SandboxFusion's routes, so that code-reward training works with no change but the URL's.

Its callers give a test up for good at 429, 500 and 503, and when they have waited for their
program's time and a little more. So a request that cannot run yet waits here, and where its time
is over it is told 504, which they try again; see ``held_runs``.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from functools import partial
from typing import Any

import anyio
from fastapi import APIRouter, Request, Response
from starlette.requests import HTTPConnection

from drybox.errors import SandboxLost, Unavailable
from drybox.model import ExecutionResult
from drybox.server.sandbox_fusion.held_runs import HeldRun, HeldRuns
from drybox.server.sandbox_fusion.openapi import PING, RUN_CODE
from drybox.server.sandbox_fusion.schema import FusionJob, answer, lost, parse_request
from drybox.server.transport.body import take_request
from drybox.server.transport.disconnect import CLIENT_GONE, ClientGone, while_connected
from drybox.server.transport.origins import bearer_token, check_origin
from drybox.server.transport.piece_response import PieceResponse
from drybox.server.transport.plain_route import PlainRoute
from drybox.server.transport.problems import problem_of
from drybox.service.admission import Caller
from drybox.service.json_pieces import PIECE, document_pieces, size_of
from drybox.service.memory_budget import Reservation
from drybox.service.refusals import Problem, Refused, without_places
from drybox.service.request_context import current_record
from drybox.service.service import Service

ANSWER_TIME = 1.6
"""Seconds beyond the program's own until there is an answer: some callers wait 2 s longer than
their program may take, and both ways take time."""

FIRST_DELAY, LONGEST_DELAY = 0.1, 2.0
"""Seconds from one try to get a place in the queue to the next; each waits twice as long."""

WAITED_FOR = frozenset({"queue-full", "rate-limited", "memory-full", "unavailable"})
"""Kinds of problems that pass: a request that meets one tries again."""


class SandboxFusion:
    """The same service in SandboxFusion's words.

    Args:
        service: The service.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._held = HeldRuns(service.settings.connections)
        self._environments: dict[str, str] | None = None

    def close(self) -> None:
        """End what waits for a client's next try."""
        self._held.end()

    async def run_code(self, request: Request) -> Response:
        """Run what a request asks for.

        Raises:
            Refused: It is wrong or may not run; or it has no result yet (504).
            DryboxError: It could not run.
            ClientGone: Nobody waits for the answer.
        """
        arrived = asyncio.get_running_loop().time()
        service = self._service
        shown = _with_bearer(request)
        check_origin(shown, service.settings, asks_for_keys=service.admission.asks_for_keys)
        caller = await service.identify(bearer_token(shown), begins=False)
        environments = await self._find_environments()
        parse = partial(
            parse_request,
            settings=service.settings,
            limits=service.limits,
            environments=environments,
        )
        job, room = await take_request(request, service, caller, parse)
        key = caller.name, job.digest
        run = self._held.take(key)
        if run is None:
            run = HeldRun(self._run(caller, job, room), room)
        else:
            room.release()
        deadline = arrived + job.answer_time + ANSWER_TIME
        try:
            has_ended = await while_connected(request.receive, partial(run.wait, deadline))
        except BaseException:
            run.end()
            raise
        if not has_ended:
            self._held.hold(key, run)
            raise Refused(_not_yet("It has no result yet, but keeps its place."))
        return _response(job, run)

    async def _find_environments(self) -> dict[str, str]:
        """Names of the environments that the operator has chosen, by language."""
        if self._environments is None:
            chosen = self._service.settings.sandbox_fusion_environments
            found = await self._service.executor.environments() if chosen else []
            named = [item for item in found if item.name in chosen]
            others = {word: item.name for item in named for word in item.languages}
            self._environments = others | {item.language: item.name for item in named}
        return self._environments

    async def _run(self, caller: Caller, job: FusionJob, room: Reservation) -> ExecutionResult:
        """Run a program as soon as there is a place for it."""
        delay = FIRST_DELAY
        while True:
            try:
                return await self._try(caller, job, room)
            except (Refused, Unavailable) as error:
                problem = problem_of(error)
                if problem.kind not in WAITED_FOR or problem.retry_after is None:
                    raise
            await anyio.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY)

    async def _try(self, caller: Caller, job: FusionJob, room: Reservation) -> ExecutionResult:
        held = room.size
        try:
            async with self._service.stream(
                caller, job.request, room, caps=job.caps, queue_timeout=float("inf")
            ) as events:
                async for event in events:
                    if event.result is not None:
                        held += size_of(event.result)
                        return event.result
        finally:
            room.try_resize(held)
        raise AssertionError("a stream ends with its result")


def make_router(fusion: SandboxFusion) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["SandboxFusion"], route_class=PlainRoute)

    @router.get("/v1/ping", operation_id="sandbox_fusion_ping", **PING)
    async def ping(request: Request) -> Response:
        """Alive, in SandboxFusion's word."""
        return Response(b'"pong"', media_type="application/json")

    @router.post("/run_code", operation_id="sandbox_fusion_run_code", **RUN_CODE)
    async def run_code(request: Request) -> Response:
        """Run one program, in SandboxFusion's shapes."""
        try:
            return await fusion.run_code(request)
        except ClientGone:
            return Response(status_code=CLIENT_GONE)
        except Refused as error:
            kind = error.problem.kind
            if kind == "draining" or kind in WAITED_FOR:
                raise Refused(_not_yet(error.problem.detail)) from error
            raise

    return router


def _response(job: FusionJob, run: HeldRun) -> Response:
    """The answer of a run that has ended."""
    document: dict[str, Any]
    try:
        result = run.result()
    except SandboxLost as error:
        run.end()
        document, size = lost(without_places(error.message)), 0
    except BaseException:
        run.end()
        raise
    else:
        current_record().result = result
        document, size = answer(job, result), size_of(result)
    if size > PIECE:
        return PieceResponse(document_pieces(document), run.room)
    run.room.release()
    return Response(b"".join(document_pieces(document)), media_type="application/json")


def _not_yet(detail: str) -> Problem:
    hint = "Send the same request again; it has not run twice, and it will not."
    return Problem("no-result-yet", detail, hint, retry_after=1)


def _with_bearer(request: Request) -> HTTPConnection:
    """A connection whose key, which a URL such as ``http://:KEY@host`` holds, is sent as a key.

    SandboxFusion's clients have no other place for one.
    """
    headers = [
        (name, _bearer(value) if name == b"authorization" else value)
        for name, value in request.scope["headers"]
    ]
    return HTTPConnection({**request.scope, "headers": headers})


def _bearer(value: bytes) -> bytes:
    scheme, _, shown = value.partition(b" ")
    if scheme.lower() != b"basic":
        return value
    try:
        user, _, password = base64.b64decode(shown.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return value
    return b"Bearer " + (password or user)
