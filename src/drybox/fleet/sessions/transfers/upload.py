"""A file or snapshot on its way from a front door to a node, piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Upload(Generic[T]):
    """Pieces that a front door sends, and the file or snapshot that they become.

    Args:
        door: The front door.
        write: Writes it, and says what there is then.
    """

    def __init__(self, door: str, write: Callable[[AsyncIterator[bytes]], Awaitable[T]]) -> None:
        self.door = door
        self._piece: bytes | None = None
        self._is_over = False
        self._changed = asyncio.Condition()
        self._task = asyncio.get_running_loop().create_task(self._run(write))

    async def _run(self, write: Callable[[AsyncIterator[bytes]], Awaitable[T]]) -> T:
        try:
            return await write(self._pieces())
        finally:
            self._is_over = True
            async with self._changed:
                self._changed.notify_all()

    async def _pieces(self) -> AsyncIterator[bytes]:
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._piece is not None)
                piece, self._piece = self._piece, None
                self._changed.notify_all()
            if not piece:
                return
            yield piece

    async def give(self, piece: bytes) -> bool:
        """One more piece, b"" at the end; returns once the one before it is taken.

        Returns:
            Whether there is still somebody who takes it.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: self._piece is None or self._is_over)
            if not self._is_over:
                self._piece = piece
                self._changed.notify_all()
            return not self._is_over

    async def result(self) -> T:
        """What was written.

        Raises:
            DryboxError: It could not be.
        """
        return await asyncio.shield(self._task)

    async def close(self) -> None:
        """Give it up. Idempotent."""
        self._task.cancel()
        await asyncio.wait({self._task})
        if not self._task.cancelled():
            self._task.exception()  # it is nobody's any more
