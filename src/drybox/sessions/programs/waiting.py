"""Small things that what runs in a session waits with."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio


async def one_piece(data: bytes) -> AsyncIterator[bytes]:
    """Bytes as pieces of a file."""
    yield data


async def first_of(*events: anyio.Event) -> None:
    """Wait for the first of some events."""
    if any(event.is_set() for event in events):
        return
    async with anyio.create_task_group() as tasks:

        async def wait(event: anyio.Event) -> None:
            await event.wait()
            tasks.cancel_scope.cancel()

        for event in events:
            tasks.start_soon(wait, event)
