"""What is read from all connections in one pass of the event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast

import pytest
import uvloop

from drybox.server.transport.read_turns import PER_PASS, ReadTurns


class Reader:
    """A connection of which it is seen whether it is read."""

    def __init__(self) -> None:
        self.is_read = True

    def rest(self) -> None:
        self.is_read = False

    def read_on(self) -> None:
        self.is_read = True


def test_who_comes_when_there_was_enough_rests_until_the_next_pass() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        turns = ReadTurns(per_pass=10)
        first, second, third = Reader(), Reader(), Reader()
        turns.took(first, 10, loop)
        assert first.is_read
        turns.took(second, 1, loop)
        turns.took(third, 1, loop)
        assert [reader.is_read for reader in (first, second, third)] == [True, False, False]
        await asyncio.sleep(0)
        assert second.is_read
        assert third.is_read
        turns.took(second, 10, loop)
        assert second.is_read

    asyncio.run(main())


class Sink(asyncio.Protocol):
    """A connection that throws away what comes, and counts it."""

    def __init__(self, turns: ReadTurns, took: Callable[[int], None]) -> None:
        self._turns = turns
        self._took = took

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's has its own ancestors

    def data_received(self, data: bytes) -> None:
        self._took(len(data))
        self._turns.took(self, len(data), asyncio.get_running_loop())

    def rest(self) -> None:
        self._transport.pause_reading()

    def read_on(self) -> None:
        self._transport.resume_reading()


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_pass_is_short_however_much_a_client_has_sent(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    size = 4 * PER_PASS
    buffer = 256 * 1024

    async def main() -> None:
        loop = asyncio.get_running_loop()
        total = this_pass = longest = 0
        done = loop.create_future()

        def took(count: int) -> None:
            nonlocal total, this_pass, longest
            total += count
            this_pass += count
            longest = max(longest, this_pass)
            if total == size:
                done.set_result(None)

        def begin_pass() -> None:
            nonlocal this_pass
            this_pass = 0
            if not done.done():
                loop.call_soon(begin_pass)

        ours, theirs = socket.socketpair()
        for end, option in ((ours, socket.SO_RCVBUF), (theirs, socket.SO_SNDBUF)):
            end.setsockopt(socket.SOL_SOCKET, option, 2 * size)
        sending = loop.run_in_executor(None, theirs.sendall, b"x" * size)
        turns = ReadTurns()
        transport, _ = await loop.create_connection(lambda: Sink(turns, took), sock=ours)
        begin_pass()
        await asyncio.wait_for(done, 60)
        await sending
        theirs.close()
        transport.close()
        assert longest <= PER_PASS + buffer

    loop = new_loop()
    try:
        loop.run_until_complete(main())
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
