"""A program's input waits for it, within a bound, and ends when its client says so."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from tests.support.clock import INSTANT

from drybox import InvalidRequest
from drybox.http.inlet import Inlet
from drybox.http.problems import Refused

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Any:
    return INSTANT


async def test_pieces_come_in_order_and_the_end_last() -> None:
    inlet = Inlet(b"first", 100)
    inlet.add(b"second")
    inlet.add(b"")
    inlet.end()
    assert [await inlet.read() for _ in range(4)] == [b"first", b"second", b"", b""]


async def test_a_reader_waits_for_the_next_piece() -> None:
    inlet = Inlet(b"", 100)
    pieces: list[bytes] = []

    async def read() -> None:
        while piece := await inlet.read():
            pieces.append(piece)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        for piece in (b"one", b"two"):
            await anyio.sleep(1)
            inlet.add(piece)
        await anyio.sleep(1)
        assert pieces == [b"one", b"two"]
        inlet.end()


async def test_what_waits_is_bounded_and_what_was_read_counts_no_more() -> None:
    inlet = Inlet(b"123", 5)
    inlet.add(b"45")
    with pytest.raises(Refused):
        inlet.add(b"6")
    assert await inlet.read() == b"123"
    inlet.add(b"678")


async def test_nothing_comes_after_the_end() -> None:
    inlet = Inlet(b"", 5)
    inlet.end()
    with pytest.raises(InvalidRequest):
        inlet.add(b"1")
