"""How much of a program's input may be on its way."""

from __future__ import annotations

import anyio

STDIN_WINDOW = 64 * 1024
"""Bytes of stdin that may be under way to init, as in ``init/``."""


class Credit:
    """Bytes of stdin that may still be sent: init hands them back as the program reads."""

    def __init__(self, amount: int) -> None:
        self._amount = amount
        self._more = anyio.Event()

    def add(self, amount: int) -> None:
        """Init has handed so many bytes back."""
        self._amount = min(self._amount + amount, STDIN_WINDOW)
        self._more.set()

    async def take(self, most: int) -> int:
        """How many of so many bytes may go now; waits for the first."""
        while not self._amount:
            self._more = anyio.Event()
            await self._more.wait()
        taken = min(most, self._amount)
        self._amount -= taken
        return taken
