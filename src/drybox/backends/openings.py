"""Sandboxes that are being made while their backend closes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import anyio


class Openings:
    """Counts what is being made: a backend that closes waits for it, and takes it away, too."""

    def __init__(self) -> None:
        self._count = 0
        self._none = anyio.Event()
        self._none.set()

    @contextmanager
    def one(self) -> Iterator[None]:
        """One is being made, until the context is left."""
        if not self._count:
            self._none = anyio.Event()
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self._none.set()

    async def none(self) -> None:
        """Wait until none is. Cancellation waits, too."""
        with anyio.CancelScope(shield=True):
            while self._count:
                await self._none.wait()
