"""Files of a session: bytes in and out, piece by piece."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from urllib.parse import unquote_to_bytes

import anyio
from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from drybox.errors import InvalidRequest
from drybox.serialization import plain
from drybox.server.transport.disconnect import ClientGone, while_connected
from drybox.server.transport.piece_response import PieceResponse
from drybox.server.transport.plain_route import FILE_PATH, PlainRoute
from drybox.server.v1.sessions import openapi
from drybox.server.v1.sessions.access import find, sessions_of, until_gone
from drybox.server.v1.sessions.documents import json_response
from drybox.server.v1.sessions.routes import ONE
from drybox.service.refusals import Problem, Refused
from drybox.sessions.results import FileInfo

router = APIRouter(default_response_class=Response, route_class=PlainRoute, tags=["Sessions"])

FILE = f"{ONE}/files/{FILE_PATH}"

LISTED = 64 << 20
"""Bytes of memory that a listing may come to take: nobody knows before how long it is."""

DESCRIBED = 1024
"""Bytes that a file of it takes, about."""

AT_ONCE = 200
"""Files of a listing that are written while everybody else waits."""

MAX_DEPTH = 32
"""Folders below one another that a list has."""

MOST_DIGITS = 4

MODE_HEADER = "X-File-Mode"
"""Says a file's permission bits, in octal digits."""

BYTES = "application/octet-stream"

_MODE = re.compile(r"[0-7]{1,4}")


@router.get(f"{ONE}/files", **openapi.LIST_FILES)
@until_gone
async def list_files(request: Request) -> Response:
    """What is in a folder."""
    caller, owned = await find(request)
    words = request.query_params
    for name in words:
        if name not in ("path", "depth"):
            problem = "a list of files has no such parameter"
            raise InvalidRequest(name[:100], problem, hint="Pass 'path' and 'depth'.")
    depth = words.get("depth", "1")
    is_number = depth.isascii() and depth.isdecimal() and len(depth) <= MOST_DIGITS
    if not (is_number and 1 <= int(depth) <= MAX_DEPTH):
        raise InvalidRequest("depth", f"it is not 1 to {MAX_DEPTH}", hint="Pass a whole number.")
    service = sessions_of(request).service
    room = service.memory.reserve(caller.name)
    try:
        await room.resize(LISTED, service.settings.queue_timeout)
        work = partial(owned.session.files.list, words.get("path") or ".", depth=int(depth))
        found = await while_connected(request.receive, work)
        room.try_resize(min(LISTED, len(found) * DESCRIBED))
    except BaseException:
        room.release()
        raise
    return PieceResponse(_listed(found), room)


@router.get(FILE, **openapi.READ_FILE)
async def read_file(request: Request) -> Response:
    """The content of a file."""
    _, owned = await find(request)
    files, path = owned.session.files, _path(request)
    info = await files.stat(path, follow_links=True)
    pieces = files.read_pieces(path)
    first = await anext(pieces, b"")  # what stands in the way has a status of its own
    headers = {MODE_HEADER: f"{info.mode:o}"}
    if request.method == "HEAD":
        await pieces.aclose()
        return Response(headers={**headers, "Content-Length": str(info.size)}, media_type=BYTES)
    return FileResponse(first, pieces, headers)


@router.put(FILE, **openapi.WRITE_FILE)
@until_gone
async def write_file(request: Request) -> Response:
    """Write a file, and the folders above it; what was there is replaced."""
    _, owned = await find(request)
    timeout = sessions_of(request).service.settings.body_timeout
    path, mode = _path(request), _mode(request.query_params.get("mode"))
    info = await owned.session.files.write(path, _pieces(request, timeout), mode=mode)
    return json_response(plain(info))


@router.delete(FILE, status_code=204, **openapi.REMOVE_FILE)
async def remove_file(request: Request) -> Response:
    """Remove a file, or a folder with all that is in it."""
    _, owned = await find(request)
    await owned.session.files.remove(_path(request))
    return Response(status_code=204)


class FileResponse(Response):
    """A file, sent as it is read; a client that leaves ends the reading.

    Args:
        first: Its first piece.
        rest: The others.
        headers: What is known of it.
    """

    media_type = BYTES

    def __init__(
        self, first: bytes, rest: AsyncGenerator[bytes, None], headers: Mapping[str, str]
    ) -> None:
        super().__init__(headers={"X-Content-Type-Options": "nosniff", **headers})
        del self.headers["content-length"]
        self._first = first
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI response."""

        async def give() -> None:
            headers = self.raw_headers
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": self._first, "more_body": True})
            async for piece in self._rest:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        async with aclosing(self._rest):
            try:
                await while_connected(receive, give)
            except ClientGone:
                return


def _listed(found: Sequence[FileInfo]) -> Iterator[bytes]:
    """A listing as JSON, in pieces."""
    yield b"["
    for start in range(0, len(found), AT_ONCE):
        items = (json.dumps(plain(item)) for item in found[start : start + AT_ONCE])
        yield (", " if start else "").encode() + ", ".join(items).encode()
    yield b"]"


def _path(request: Request) -> str:
    """The file that a URL names; bytes that are no UTF-8 are surrogates, as Python has them."""
    raw = request.scope.get("raw_path") or request.scope["path"].encode()
    before = f"/v1/sessions/{request.path_params['id']}/files/".encode()
    name: bytes = raw.partition(b"?")[0].partition(before)[2]
    path = unquote_to_bytes(name).decode("utf-8", "surrogateescape")
    if not path:
        raise InvalidRequest("path", "it names no file", hint="Name one behind 'files/'.")
    return path


def _mode(digits: str | None) -> int | None:
    """Permission bits that a URL asks for."""
    if digits is None:
        return None
    if not _MODE.fullmatch(digits) or int(digits, 8) > 0o777:
        raise InvalidRequest("mode", "it is not 0 to 777, in octal digits", hint="Pass mode=755.")
    return int(digits, 8)


async def _pieces(request: Request, timeout: float) -> AsyncIterator[bytes]:
    """A body as it comes; each piece has so many seconds."""
    body = request.stream().__aiter__()
    while True:
        try:
            with anyio.fail_after(timeout):
                piece = await anext(body, None)
        except TimeoutError:
            raise Refused(
                Problem(
                    "request-timeout", f"Nothing came for {timeout:g} s.", "Send the file faster."
                )
            ) from None
        except ClientDisconnect:
            raise ClientGone from None
        if piece is None:
            return
        if piece:
            yield piece
