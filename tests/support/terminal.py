"""The real ``drybox`` program in a real pseudo-terminal, as somebody at a keyboard has it."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.cli import DRYBOX, TIMEOUT

BETWEEN_KEYS = 0.2
"""Seconds between presses of a key that is pressed again and again, as a person's finger takes."""

_COMMANDS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|\x1b[=>]")

INTERRUPT, END, UP, ESCAPE = "\x03", "\x04", "\x1b[A", "\x1b"


class Terminal:
    """A program, and what it has written.

    Args:
        process: The program.
        screen: The terminal's own end.
    """

    def __init__(self, process: subprocess.Popen[bytes], screen: int) -> None:
        self.process = process
        self._screen = screen
        self._raw = b""
        self._read = 0

    @property
    def text(self) -> str:
        """All that was written, without what only moves a cursor or colours."""
        return _COMMANDS.sub("", self._raw.decode("utf-8", "replace")).replace("\r", "")

    @property
    def raw(self) -> bytes:
        """All that was written, as it came."""
        return self._raw

    def until(self, words: str) -> str:
        """Wait until these are written; what came since the last ones that were waited for."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            at = self.text.find(words, self._read)
            if at >= 0:
                before = self.text[self._read : at]
                self._read = at + len(words)
                return before
            assert time.monotonic() < deadline, self._missing(words)
            assert self._take(1.0), self._missing(words)

    def type(self, keys: str) -> None:
        """Press keys; Enter is a carriage return."""
        os.write(self._screen, keys.encode())

    def press_until(self, keys: str, words: str) -> None:
        """Press keys, again and again, until these words are written."""
        deadline = time.monotonic() + TIMEOUT
        pressed = 0.0
        while (at := self.text.find(words, self._read)) < 0:
            now = time.monotonic()
            assert now < deadline, self._missing(words)
            if now - pressed > BETWEEN_KEYS:
                self.type(keys)
                pressed = now
            assert self._take(BETWEEN_KEYS), self._missing(words)
        self._read = at + len(words)

    def end(self) -> int:
        """Wait for its end; its exit code."""
        deadline = time.monotonic() + TIMEOUT
        while self._take(1.0):
            assert time.monotonic() < deadline, self._missing("its end")
        return self.process.wait(TIMEOUT)

    def _missing(self, words: str) -> str:
        return f"{words!r} is not in {self.text[self._read :]!r}, after {self.text[:2000]!r}"

    def _take(self, seconds: float) -> bool:
        """Read what there is, for so long; False at the end."""
        if not select.select([self._screen], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self._screen, 65536)
        except OSError:  # nobody has the other end
            return False
        self._raw += data
        return bool(data)


@contextmanager
def terminal(
    *words: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Iterator[Terminal]:
    """``drybox`` with these arguments; it has ended at the end."""
    screen, its = os.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    # Nobody answers where the cursor is; without that the prompt waits for it.
    known = {**os.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", **(env or {})}
    process = subprocess.Popen(
        ["setsid", "--ctty", DRYBOX, *words], stdin=its, stdout=its, stderr=its, cwd=cwd, env=known
    )
    os.close(its)
    try:
        yield Terminal(process, screen)
    finally:
        process.kill()
        process.wait()
        os.close(screen)
