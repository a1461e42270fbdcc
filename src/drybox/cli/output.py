"""Writes a program's output to standard output and standard error."""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING

from drybox.cli.interrupt import ReaderGone

if TYPE_CHECKING:
    from drybox.cli.program.terminal_text import TerminalText


class Streams:
    """What standard output and standard error show of a program's output.

    That is all of it, byte for byte, unless a terminal shows it.
    """

    def __init__(self) -> None:
        self._terminals: dict[int, TerminalText] = {}
        for fd in filter(os.isatty, (1, 2)):
            from drybox.cli.program.terminal_text import TerminalText

            self._terminals[fd] = TerminalText()

    def shown(self, fd: int, data: bytes) -> bytes:
        """What is to be written of the next piece for a stream."""
        terminal = self._terminals.get(fd)
        return data if terminal is None else terminal.shown(data)


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
