"""Writes to standard output without keeping anything else waiting."""

from __future__ import annotations

import os
import select

from drybox.cli.interrupt import ReaderGone


async def write(fd: int, data: bytes) -> None:
    """Waits for a slow reader without keeping Ctrl-C or a deadline waiting.

    Raises:
        ReaderGone: Nobody reads any more.
    """
    import anyio

    while data:
        try:
            await anyio.wait_writable(fd)
        except OSError:
            pass  # a regular file or /dev/null: a write does not wait
        try:
            # A pipe that is ready takes this much whole, and no more may be written at once.
            data = data[os.write(fd, data[: select.PIPE_BUF]) :]
        except BlockingIOError:
            continue
        except BrokenPipeError:
            raise ReaderGone from None
