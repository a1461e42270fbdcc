"""A program's input waits for it, within a bound, and ends when its client says so."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from tests.support.clock import INSTANT

from drybox import InvalidRequest
from drybox.server.v1.stdin_buffer import StdinBuffer
from drybox.service.memory_budget import MemoryBudget
from drybox.service.refusals import Refused

ROOM = MemoryBudget(1 << 20).reserve("")

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Any:
    return INSTANT


async def test_pieces_come_in_order_and_the_end_last() -> None:
    stdin_buffer = StdinBuffer(b"first", 100, ROOM)
    stdin_buffer.add(b"second")
    stdin_buffer.add(b"")
    stdin_buffer.end()
    assert [await stdin_buffer.read() for _ in range(4)] == [b"first", b"second", b"", b""]


async def test_a_reader_waits_for_the_next_piece() -> None:
    stdin_buffer = StdinBuffer(b"", 100, ROOM)
    pieces: list[bytes] = []

    async def read() -> None:
        while piece := await stdin_buffer.read():
            pieces.append(piece)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        for piece in (b"one", b"two"):
            await anyio.sleep(1)
            stdin_buffer.add(piece)
        await anyio.sleep(1)
        assert pieces == [b"one", b"two"]
        stdin_buffer.end()


async def test_what_waits_is_bounded_and_what_was_read_counts_no_more() -> None:
    stdin_buffer = StdinBuffer(b"123", 5, ROOM)
    stdin_buffer.add(b"45")
    with pytest.raises(Refused):
        stdin_buffer.add(b"6")
    assert await stdin_buffer.read() == b"123"
    stdin_buffer.add(b"678")


async def test_nothing_comes_after_the_end() -> None:
    stdin_buffer = StdinBuffer(b"", 5, ROOM)
    stdin_buffer.end()
    with pytest.raises(InvalidRequest):
        stdin_buffer.add(b"1")
