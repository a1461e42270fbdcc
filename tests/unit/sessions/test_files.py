"""The content of a file, which comes in pieces."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import anyio
import pytest

from drybox.errors import SessionFileError
from drybox.sessions.files import joined


def test_a_file_that_is_too_large_is_let_go_of() -> None:
    ends = []

    async def pieces() -> AsyncGenerator[bytes, None]:
        try:
            yield b"xx"
            yield b"xx"
        finally:
            ends.append("closed")

    async def read() -> None:
        with pytest.raises(SessionFileError):
            await joined(pieces(), "file", 1)
        assert ends == ["closed"]

    anyio.run(read)
