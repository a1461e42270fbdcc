"""Takes files from one sandbox into another, without a look at them."""

from __future__ import annotations

from collections.abc import Sequence

import anyio

from drybox.guest.connection import Guest
from drybox.guest.frames import GuestExecError, GuestGone
from drybox.job import Command, Sink, Source
from drybox.model import MIB, ResourceLimits, Stream

MOVE_TIMEOUT = 60.0
"""Seconds that moving files from one sandbox to the next may take."""


async def carry(old: Guest, new: Guest, limits: ResourceLimits, folders: Sequence[str]) -> None:
    """Pipes a tar archive from one sandbox into another; nobody on the way reads it.

    Raises:
        GuestGone: One of them has ended, or could not do its part.
    """
    send, receive = anyio.create_memory_object_stream[bytes](8)
    names = [folder.lstrip("/") for folder in folders]
    failed: list[str] = []
    # A file with holes has more bytes than the disk. Names and padding take the place of a third
    # of what a disk holds at most, for a file takes a page of it, and an archive ends with 10 KiB.
    left = len(folders) * limits.disk * 3 // 2 + MIB

    async def take(stream: Stream, data: bytes) -> None:
        nonlocal left
        left -= len(data)
        if stream == "stdout" and not failed:
            try:
                if left < 0:
                    raise anyio.BrokenResourceError
                await send.send(data)
            except anyio.BrokenResourceError:
                failed.append("was cut off")
                await old.kill()

    async def give() -> bytes:
        try:
            return await receive.receive()
        except anyio.EndOfStream:
            return b""

    async def drop(stream: Stream, data: bytes) -> None:
        """Takes what tar says."""

    async def run(guest: Guest, argv: Sequence[str], sink: Sink, stdin: Source | None) -> None:
        command = Command(("tar", *argv), limits, MOVE_TIMEOUT, cwd="/")
        try:
            end = await guest.exec(command, {"PATH": "/usr/bin:/bin"}, sink, stdin)
            if end.code != 0:
                failed.append(f"{argv[0]} ended with {end.signal or end.code}")
        except (GuestGone, GuestExecError) as error:  # a task group would wrap it
            failed.append(str(error))

    async def unpack() -> None:
        await run(new, ("-xf", "-"), drop, give)
        await receive.aclose()  # whoever still sends is to hear of it

    async with receive, send, anyio.create_task_group() as tasks:
        tasks.start_soon(unpack)
        await run(old, ("-cf", "-", *names), take, None)
        await send.aclose()
    if failed:
        raise GuestGone(f"tar: {failed[0]}")
