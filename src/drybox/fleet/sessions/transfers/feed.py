"""Events of a session on their way from its node to a front door, which fetches them."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

from drybox.errors import DryboxError

MOST_BYTES = 1 << 20
"""Bytes held for a front door; after that their source waits."""


class Feed:
    """What one iterator yields, held until it is fetched.

    Args:
        door: The front door that it is for.
        session: Name of the session.
        source: What yields it; closed at the end.
        size: Bytes of an item.
        ahead: Items that are held at most.
    """

    def __init__(
        self,
        door: str,
        session: str,
        source: AsyncIterator[Any],
        size: Callable[[Any], int],
        ahead: int,
    ) -> None:
        self.door = door
        self.session = session
        self.source = source
        self._size = size
        self._ahead = ahead
        self._items: deque[Any] = deque()
        self._bytes = 0
        self._error: Exception | None = None
        self._is_done = False
        self._changed = asyncio.Condition()
        self._task = asyncio.get_running_loop().create_task(self._fill())

    async def _fill(self) -> None:
        try:
            async for item in self.source:
                async with self._changed:
                    await self._changed.wait_for(self._has_room)
                    self._items.append(item)
                    self._bytes += self._size(item)
                    self._changed.notify_all()
        except Exception as error:  # the follower's, who gets it after the items
            self._error = error
        finally:
            close = getattr(self.source, "aclose", None)
            if close is not None:
                with contextlib.suppress(DryboxError, RuntimeError):
                    await close()
            self._is_done = True
            async with self._changed:
                self._changed.notify_all()

    def _has_room(self) -> bool:
        return len(self._items) < self._ahead and self._bytes < MOST_BYTES

    async def next(self) -> tuple[list[Any], bool]:
        """What there is, as soon as there is something; and whether that is all.

        Raises:
            Exception: What the source has raised, once everything before it was fetched.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: self._items or self._is_done)
            items = list(self._items)
            self._items.clear()
            self._bytes = 0
            self._changed.notify_all()
        if not items and self._error is not None:
            raise self._error
        return items, self._is_done and self._error is None

    async def close(self) -> None:
        """Let go of the source, which interrupts what it follows. Idempotent."""
        self._task.cancel()
        await asyncio.wait({self._task})
