"""Events on their way: in order, bounded, and the error after what came before it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest

from drybox.errors import SandboxLost
from drybox.fleet.sessions.transfers.feed import MOST_BYTES, Feed

pytestmark = pytest.mark.anyio


class Source:
    """Yields numbers, as many as are asked for, and may end with an error."""

    def __init__(self, count: int, error: Exception | None = None) -> None:
        self.count = count
        self.error = error
        self.given = 0
        self.closed = False

    async def __call__(self) -> AsyncIterator[bytes]:
        try:
            for number in range(self.count):
                self.given += 1
                yield str(number).encode()
            if self.error is not None:
                raise self.error
            await anyio.sleep_forever()
        finally:
            self.closed = True


async def test_everything_comes_in_order_and_then_the_error() -> None:
    source = Source(200, SandboxLost("gone", hint=""))
    feed = Feed("door", "session", source(), len, 64)
    found: list[bytes] = []
    while len(found) < 200:
        items, is_last = await feed.next()
        assert items
        assert not is_last
        found += items
    assert found == [str(number).encode() for number in range(200)]
    with pytest.raises(SandboxLost):
        await feed.next()


@pytest.mark.parametrize(("size", "most"), [(1, 8), (MOST_BYTES, 1)])
async def test_no_more_is_held_than_may_be(size: int, most: int) -> None:
    source = Source(100)
    feed = Feed("door", "session", source(), lambda item: size, 8)
    items, _ = await feed.next()
    for _ in range(20):  # as often as it would take to go too far
        await anyio.lowlevel.checkpoint()
    assert len(items) <= most
    assert source.given <= len(items) + most + 1
    await feed.close()


async def test_letting_go_closes_the_source_and_ends_whoever_waits() -> None:
    source = Source(0)
    feed = Feed("door", "session", source(), len, 8)
    async with anyio.create_task_group() as tasks:
        told: list[object] = []

        async def wait() -> None:
            told.append(await feed.next())

        tasks.start_soon(wait)
        await anyio.lowlevel.checkpoint()
        await feed.close()
        await feed.close()
    assert told == [([], True)]
    assert source.closed
