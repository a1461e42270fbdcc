"""Bodies in, bounded before anything of them is parsed."""

from __future__ import annotations

import anyio
from starlette.requests import ClientDisconnect, Request

from drybox.http.presence import ClientGone
from drybox.http.problems import Problem, Refused
from drybox.settings import ServerSettings

FEW_BYTES = 256 * 1024
"""Bodies up to this size may hold any number of values: they cannot hold many."""

MAX_VALUES = 200_000
"""Values in a larger one; each takes some hundred bytes once it is parsed."""


async def read_body(request: Request, settings: ServerSettings) -> bytes:
    """All of a request's body.

    Raises:
        Refused: It is too large (413), too slow (408) or holds too many values (422).
        ClientGone: It ends before its end.
    """
    length = request.headers.get("content-length", "")
    if length.isdecimal() and (len(length) > 15 or int(length) > settings.max_body):
        raise Refused(_too_large(settings.max_body))
    body = bytearray()
    try:
        with anyio.fail_after(settings.body_timeout):
            async for piece in request.stream():
                body += piece
                if len(body) > settings.max_body:
                    raise Refused(_too_large(settings.max_body))
    except ClientDisconnect:
        raise ClientGone from None
    except TimeoutError:
        raise Refused(_too_slow(settings.body_timeout)) from None
    check_values(body)
    return bytes(body)


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
        {"Connection": "close"},
    )
