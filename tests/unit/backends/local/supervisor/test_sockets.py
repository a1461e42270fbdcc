"""The socket to the supervisor: whole messages, with their descriptors, in step for ever."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator

import anyio
import pytest

from drybox.backends.local.supervisor.sockets import FdSocket

pytestmark = pytest.mark.anyio


@pytest.fixture
async def ends() -> AsyncIterator[tuple[FdSocket, FdSocket]]:
    ours, theirs = socket.socketpair()
    pair = FdSocket(ours), FdSocket(theirs)
    yield pair
    for connection in pair:
        connection.close()


async def test_everything_arrives_however_large(ends: tuple[FdSocket, FdSocket]) -> None:
    ours, theirs = ends
    data = os.urandom(3 << 20)
    received = b""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ours.send, data)
        received = await theirs.receive(1) + await theirs.receive(len(data) - 1)
    assert received == data


async def test_the_end_of_the_other_is_short(ends: tuple[FdSocket, FdSocket]) -> None:
    ours, theirs = ends
    await ours.send(b"abc")
    ours.close()
    assert await theirs.receive(9) == b"abc"
    assert await theirs.receive(9) == b""
    with pytest.raises(OSError, match="Broken pipe"):
        await theirs.send(b"x")


async def test_a_cancelled_receiver_leaves_the_rest_in_place(
    ends: tuple[FdSocket, FdSocket],
) -> None:
    ours, theirs = ends
    with anyio.move_on_after(0):
        await theirs.receive(4)
    await ours.send(b"1234")
    assert await theirs.receive(4) == b"1234"


async def test_descriptors_come_once_and_beside_the_first_byte() -> None:
    ours, theirs = socket.socketpair()
    connection = FdSocket(ours)
    read, write = os.pipe()
    try:
        await connection.send(b"ab", (write,))
        data, fds, _, _ = socket.recv_fds(theirs, 10, 4)
        assert data == b"ab"
        (copy,) = fds
        os.write(copy, b"through")
        os.close(copy)
        assert os.read(read, 9) == b"through"
        await connection.send(b"c")
        assert socket.recv_fds(theirs, 10, 4)[:2] == (b"c", [])
    finally:
        connection.close()
        theirs.close()
        os.close(read)
        os.close(write)


async def test_descriptors_come_once_even_beside_much_data() -> None:
    ours, theirs = socket.socketpair()
    connection = FdSocket(ours)
    data = bytes(3 << 20)
    received, fds = 0, list[int]()
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(connection.send, data, (0,))
            while received < len(data):
                await anyio.wait_readable(theirs)
                piece, more, _, _ = socket.recv_fds(theirs, 1 << 16, 9)
                received += len(piece)
                fds += more
        assert len(fds) == 1
    finally:
        for fd in fds:
            os.close(fd)
        connection.close()
        theirs.close()


async def test_closing_wakes_who_waits(ends: tuple[FdSocket, FdSocket]) -> None:
    _, theirs = ends
    woken: list[BaseException] = []

    async def wait() -> None:
        try:
            await theirs.receive(1)
        except (OSError, anyio.ClosedResourceError) as error:
            woken.append(error)

    with anyio.fail_after(20.0):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            theirs.close()
            theirs.close()
    assert len(woken) == 1
