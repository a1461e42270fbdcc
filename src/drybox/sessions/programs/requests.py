"""What a kernel is told, in pieces: a large program, or much input, keeps nobody waiting."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

PIECE = 64 * 1024
"""Characters that are written at once."""


class InputLines:
    """Lines that code may ask for, found one by one; their ends are as Python's files have them.

    Args:
        text: All of them.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._ends = {"\n": -1, "\r": -1}

    def __bool__(self) -> bool:
        return self._at < len(self._text)

    def popleft(self) -> str:
        """The next one, with its end if it has one."""
        line_feed, carriage_return = self._find("\n"), self._find("\r")
        start, end = self._at, min(line_feed, carriage_return)
        self._at = end + 1 + (line_feed == carriage_return + 1)
        return self._text[start:end] + ("\n" if end < len(self._text) else "")

    def _find(self, char: str) -> int:
        """Where there is one next; as long as the text if there is none."""
        if self._ends[char] < self._at:
            found = self._text.find(char, self._at)
            self._ends[char] = len(self._text) if found < 0 else found
        return self._ends[char]


def request_pieces(request: Mapping[str, Any]) -> Iterator[bytes]:
    """A request as a line of JSON; a small one is one piece."""
    if not any(isinstance(value, str) and len(value) > PIECE for value in request.values()):
        yield json.dumps(request).encode() + b"\n"
        return
    between = "{"
    for name, value in request.items():
        yield f"{between}{json.dumps(name)}: ".encode()
        between = ", "
        if isinstance(value, str):
            yield b'"'
            for start in range(0, len(value), PIECE):
                yield json.dumps(value[start : start + PIECE])[1:-1].encode()
            yield b'"'
        else:
            yield json.dumps(value).encode()
    yield b"}\n"
