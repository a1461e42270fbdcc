"""The attached streams of a container, on both event loops that drybox runs on."""

from __future__ import annotations

import socket
import struct
from typing import Any

import pytest

from drybox.backends.docker.stream import AttachedStream

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    if request.param:
        pytest.importorskip("uvloop", reason="the extra 'server' is not installed")
    return "asyncio", {"use_uvloop": request.param}


def piece(kind: int, data: bytes) -> bytes:
    return struct.pack(">B3xI", kind, len(data)) + data


async def test_what_init_says_comes_out_of_its_frames() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        stream = await AttachedStream.of(ours)
        assert stream.is_quiet()
        theirs.sendall(piece(2, b"words") + piece(1, b"answer"))
        assert not stream.is_quiet()
        assert await stream.receive() == b"answer"
        assert stream.words == "words"
        await stream.send(b"order")
        assert theirs.recv(100) == b"order"
        await stream.aclose()
        assert theirs.recv(100) == b""
        assert not stream.is_quiet()


async def test_hanging_up_ends_it_at_once() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.setblocking(False)
        stream = await AttachedStream.of(ours)
        stream.hang_up()
        assert theirs.recv(100) == b"", "no pass of the event loop in between"
        assert not stream.is_quiet()
        stream.hang_up()
        await stream.aclose()
