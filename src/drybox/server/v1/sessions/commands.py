"""Commands in a session: to their end, or in the background with a WebSocket to them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from fastapi import APIRouter, Request, Response, WebSocket

from drybox.errors import InvalidRequest
from drybox.execution.texts import check_stdin
from drybox.server.transport.disconnect import while_connected
from drybox.server.transport.piece_response import PieceResponse
from drybox.server.transport.plain_route import PlainRoute
from drybox.server.v1.sessions import openapi
from drybox.server.v1.sessions.access import find, sessions_of, take, until_gone
from drybox.server.v1.sessions.documents import (
    json_response,
    process_document,
    process_size,
    result_response,
)
from drybox.server.v1.sessions.process_websocket import serve_process
from drybox.server.v1.sessions.request_schema import CommandRequest, SignalRequest
from drybox.server.v1.sessions.routes import ONE
from drybox.service.admission import Caller
from drybox.service.json_pieces import document_pieces
from drybox.service.memory_budget import Reservation
from drybox.service.refusals import Problem, Refused
from drybox.service.sessions import OwnedSession, ServedSessions
from drybox.sessions.base import AsyncProcess
from drybox.sessions.results import CommandResult

router = APIRouter(default_response_class=Response, route_class=PlainRoute, tags=["Sessions"])


@router.post(f"{ONE}/commands", **openapi.COMMAND)
@until_gone
async def run_command(request: Request) -> Response:
    """Run a command to its end, or let it run in the background (201)."""
    caller, owned = await find(request, begins=True)
    wire, room = await take(request, caller, CommandRequest)
    sessions = sessions_of(request)
    try:
        if wire.background or wire.terminal:
            start = partial(_start, sessions, caller, owned, wire, room)
            process = await while_connected(request.receive, start)
            return json_response({"pid": process.pid}, 201)
        work = partial(_run, sessions, caller, owned, wire, room)
        result = await while_connected(request.receive, work)
    except BaseException:
        room.release()
        raise
    return result_response(result, room)


@router.get(f"{ONE}/commands", **openapi.COMMANDS)
async def list_commands(request: Request) -> Response:
    """What runs in the background, and what of it has ended of late."""
    caller, owned = await find(request)
    service = sessions_of(request).service
    found = await owned.session.processes()
    room = service.memory.reserve(caller.name)
    try:
        await room.resize(sum(map(process_size, found)), service.settings.queue_timeout)
    except BaseException:
        room.release()
        raise
    return PieceResponse(document_pieces([process_document(item) for item in found]), room)


@router.post(f"{ONE}/commands/{{pid}}/signal", **openapi.SIGNAL)
@until_gone
async def signal(request: Request) -> Response:
    """Send a signal to a command in the background, and to its group."""
    caller, owned = await find(request)
    wire, room = await take(request, caller, SignalRequest)
    room.release()
    process = await _find_process(owned, request.path_params["pid"])
    await process.signal(wire.signal)
    return json_response(process_document(process))


@router.websocket(f"{ONE}/commands/{{pid}}/ws")
async def converse(websocket: WebSocket) -> None:
    """What a command in the background writes; its input, its terminal's size and signals."""
    await serve_process(websocket, sessions_of(websocket), _find_process)


@router.get(f"{ONE}/commands/{{pid}}/ws", include_in_schema=False)
async def not_a_websocket(request: Request) -> Response:
    """What a plain request to the WebSocket's path gets."""
    raise Refused(Problem("upgrade-required", "This is a plain request.", "Connect by WebSocket."))


async def _run(
    sessions: ServedSessions,
    caller: Caller,
    owned: OwnedSession,
    wire: CommandRequest,
    room: Reservation,
) -> CommandResult:
    command = _command(wire)
    async with sessions.running(caller, owned, room, None, wire.timeout) as meter:
        result = await owned.session.command(
            command, cwd=wire.cwd, env=wire.env, stdin=wire.stdin, timeout=wire.timeout
        )
        meter.add(result.usage.cpu_time or 0.0)
    return result


async def _start(
    sessions: ServedSessions,
    caller: Caller,
    owned: OwnedSession,
    wire: CommandRequest,
    room: Reservation,
) -> AsyncProcess:
    stdin = check_stdin(wire.stdin)
    command = _command(wire)
    async with sessions.running(caller, owned, room, None, None):
        process = await owned.session.start(
            command, terminal=wire.terminal, cwd=wire.cwd, env=wire.env, timeout=wire.timeout
        )
    sessions.follow(process, stdin, room)
    return process


def _command(wire: CommandRequest) -> str | Sequence[str]:
    if (wire.command is None) == (wire.argv is None):
        raise InvalidRequest(
            "command", "give it or 'argv', one of them", hint="'command' is a line for bash."
        )
    return wire.command if wire.command is not None else wire.argv or []


async def _find_process(owned: OwnedSession, pid: str) -> AsyncProcess:
    for process in await owned.session.processes():
        if str(process.pid) == pid:
            return process
    raise Refused(
        Problem(
            "not-found",
            f"No command {pid[:20]!r} runs in this session.",
            "GET the session's commands for those that do.",
        )
    )
