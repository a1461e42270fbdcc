"""Reads request bodies, bounded before anything is parsed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread
from starlette.requests import ClientDisconnect, Request

from drybox.server.transport.disconnect import ClientGone
from drybox.service.admission import Caller
from drybox.service.memory_budget import Reservation
from drybox.service.refusals import Problem, Refused
from drybox.service.service import Service
from drybox.settings import ServerSettings

FEW_BYTES = 256 * 1024
"""Bodies up to this size may hold any number of values: they cannot hold many."""

MAX_VALUES = 120_000
"""Values in a larger one; each takes some hundred bytes once it is parsed."""

FREE_BYTES = 64 * 1024
"""Bodies up to this size are parsed where they come in, and take nothing of a rate if they are
wrong."""

COPIES = 2
"""How often a body's size its request takes: what was read or parsed, and what runs."""

STEP = 256 * 1024
"""Bytes of room that a body without a length takes at a time."""

T = TypeVar("T")


async def take_request(
    request: Request, service: Service, caller: Caller, parse: Callable[[bytearray], T]
) -> tuple[T, Reservation]:
    """Read a request's body and make something of it.

    Args:
        request: The request.
        service: The service, whose memory it takes from.
        caller: Who asks; their rate pays for a large body that is wrong.
        parse: Makes something of a body; in a thread if that is large.

    Returns:
        What was made, and what it holds of the memory: the caller's to release.

    Raises:
        Refused: It is too large (413), too slow (408), holds too many values (422), or there is
            no room for it (429).
        ClientGone: It ends before its end.
    """
    room = service.memory.reserve(caller.name)
    try:
        body = await read_body(request, service.settings, room)
        return await parse_body(body, service, caller, parse), room
    except BaseException:
        room.release()
        raise


async def parse_body(
    body: bytearray, service: Service, caller: Caller, parse: Callable[[bytearray], T]
) -> T:
    """Make something of a body that was read.

    Raises:
        Refused: It holds too many values.
    """

    def check_and_parse() -> T:
        check_values(body)
        return parse(body)

    try:
        if len(body) <= FREE_BYTES:
            return check_and_parse()
        return await anyio.to_thread.run_sync(check_and_parse, limiter=service.parsing)
    except Exception:
        if len(body) > FREE_BYTES:
            service.admission.charge_refused(caller)
        raise


async def read_body(request: Request, settings: ServerSettings, room: Reservation) -> bytearray:
    """All of a request's body; the room is its own, twice: once for what it is parsed to.

    Raises:
        Refused: It is too large (413), too slow (408), or there is no room for it (429).
        ClientGone: It ends before its end.
    """
    length = request.headers.get("content-length", "")
    if length.isdecimal() and (len(length) > 15 or int(length) > settings.max_body):
        raise Refused(_too_large(settings.max_body))
    deadline = settings.queue_timeout
    if length.isdecimal():
        await room.resize(COPIES * int(length), deadline)
    body = bytearray()
    try:
        with anyio.fail_after(settings.body_timeout):
            async for piece in request.stream():
                if len(body) + len(piece) > settings.max_body:
                    raise Refused(_too_large(settings.max_body))
                need = COPIES * (len(body) + len(piece))
                if need > room.size:
                    await room.resize(need + STEP, deadline)
                body += piece
    except ClientDisconnect:
        raise ClientGone from None
    except TimeoutError:
        raise Refused(_too_slow(settings.body_timeout)) from None
    return body


def check_values(body: bytes | bytearray) -> None:
    """See to it that parsing takes no more memory than a body of its size may.

    Raises:
        Refused: It holds too many values.
    """
    if len(body) <= FEW_BYTES:
        return
    # Only quotes that open or close a text are left; what stands between two pairs is structure.
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    count = plain.count(b'"') // 4
    if count <= MAX_VALUES:
        structure = b"".join(plain.split(b'"')[::2])
        count = sum(map(structure.count, (b",", b"[", b"{")))
    if count > MAX_VALUES:
        raise Refused(
            Problem(
                "invalid-request",
                f"The body holds more than {MAX_VALUES:,} values.",
                "Send fewer files, arguments or variables.",
            )
        )


def _too_large(most: int) -> Problem:
    # The connection stays: what still comes is thrown away as it comes. If it were closed, the
    # client's next write would fail, and it would never read this.
    return Problem(
        "too-large",
        f"The body has more than {most:,} bytes.",
        "Send less, or have the operator raise server.max_body.",
    )


def _too_slow(seconds: float) -> Problem:
    return Problem(
        "request-timeout",
        f"The body did not arrive within {seconds:g} s.",
        "Send it faster.",
    )
