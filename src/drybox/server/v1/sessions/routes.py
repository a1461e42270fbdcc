"""The routes of sessions themselves: open, list, change, close; what holds for all that runs."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Request, Response

from drybox.serialization import plain
from drybox.server.transport.disconnect import while_connected
from drybox.server.transport.plain_route import PlainRoute
from drybox.server.v1.sessions import openapi
from drybox.server.v1.sessions.access import find, identify, sessions_of, take, until_gone
from drybox.server.v1.sessions.documents import json_response, session_document
from drybox.server.v1.sessions.request_schema import (
    LanguageRequest,
    OpenSessionRequest,
    PatchSessionRequest,
    session_request,
)

router = APIRouter(default_response_class=Response, route_class=PlainRoute, tags=["Sessions"])

ONE = "/v1/sessions/{id}"


@router.post("/v1/sessions", status_code=201, **openapi.OPEN)
@until_gone
async def open_session(request: Request) -> Response:
    """Open a session: a sandbox that is kept."""
    sessions, caller = sessions_of(request), await identify(request, begins=True)
    wire, room = await take(request, caller, OpenSessionRequest)
    try:
        asked = session_request(wire, sessions.service.limits)
        work = partial(sessions.open, caller, asked, room)
        owned = await while_connected(request.receive, work)
    finally:
        room.release()
    headers = {"Location": f"{request.scope['path'].rstrip('/')}/{owned.session.id}"}
    response = json_response(session_document(owned), 201)
    response.headers.update(headers)
    return response


@router.get("/v1/sessions", **openapi.LIST)
async def list_sessions(request: Request) -> Response:
    """The sessions that are open."""
    sessions, caller = sessions_of(request), await identify(request)
    return json_response([session_document(owned) for owned in await sessions.of(caller)])


@router.get(ONE, **openapi.SHOW)
async def show(request: Request) -> Response:
    """A session."""
    _, owned = await find(request)
    return json_response(session_document(owned))


@router.patch(ONE, **openapi.PATCH)
@until_gone
async def patch(request: Request) -> Response:
    """Change how long a session lives, or the owner's words about it."""
    caller, owned = await find(request)
    wire, room = await take(request, caller, PatchSessionRequest)
    room.release()
    await sessions_of(request).update(owned, wire.idle_timeout, wire.expires_in, wire.metadata)
    return json_response(session_document(owned))


@router.delete(ONE, status_code=204, **openapi.CLOSE)
async def close(request: Request) -> Response:
    """Close a session: everything in it ends, and its files are gone."""
    _, owned = await find(request)
    await sessions_of(request).close(owned)
    return Response(status_code=204)


@router.post(f"{ONE}/interrupt", **openapi.INTERRUPT)
@until_gone
async def interrupt(request: Request) -> Response:
    """Interrupt the code that runs."""
    caller, owned = await find(request)
    wire, room = await take(request, caller, LanguageRequest)
    room.release()
    await owned.session.interrupt(language=wire.language)
    return json_response(session_document(owned))


@router.post(f"{ONE}/restart", **openapi.RESTART)
@until_gone
async def restart(request: Request) -> Response:
    """Forget the state of a language, or of all; files and processes stay."""
    caller, owned = await find(request)
    wire, room = await take(request, caller, LanguageRequest)
    room.release()
    await owned.session.restart(language=wire.language)
    return json_response(session_document(owned))


@router.post(f"{ONE}/pause", **openapi.PAUSE)
async def pause(request: Request) -> Response:
    """Stop everything in a session: it takes no CPU time until something is asked of it."""
    _, owned = await find(request)
    await owned.session.pause()
    return json_response(session_document(owned))


@router.post(f"{ONE}/resume", **openapi.RESUME)
async def resume(request: Request) -> Response:
    """Let a paused session go on."""
    _, owned = await find(request)
    await owned.session.resume()
    return json_response(session_document(owned))


@router.post(f"{ONE}/snapshot", status_code=201, **openapi.SNAPSHOT)
@until_gone
async def snapshot(request: Request) -> Response:
    """Keep a copy of a session's files, which other sessions may begin with."""
    sessions = sessions_of(request)
    caller, owned = await find(request, begins=True)
    room = sessions.service.memory.reserve(caller.name)
    try:
        work = partial(sessions.snapshot, caller, owned, room)
        return json_response(plain(await while_connected(request.receive, work)), 201)
    finally:
        room.release()


@router.get("/v1/snapshots", **openapi.LIST_SNAPSHOTS)
async def list_snapshots(request: Request) -> Response:
    """The snapshots that your sessions may begin with."""
    caller = await identify(request)
    found = await sessions_of(request).snapshots(caller)
    return json_response([plain(item) for item in found])


@router.delete("/v1/snapshots/{id}", status_code=204, **openapi.REMOVE_SNAPSHOT)
async def remove_snapshot(request: Request) -> Response:
    """Remove a snapshot. Sessions that began with it keep their files."""
    caller = await identify(request)
    await sessions_of(request).remove_snapshot(caller, request.path_params["id"])
    return Response(status_code=204)
