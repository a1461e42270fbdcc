"""Watches whether the client is still connected, and cancels work if it is not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
from starlette.types import Receive

CLIENT_GONE = 499
"""Status, in logs only, of a request whose client did not wait for the answer."""


T = TypeVar("T")


class ClientGone(Exception):
    """The client has left; there is nobody to answer."""


async def while_connected(receive: Receive, work: Callable[[], Awaitable[T]]) -> T:
    """Do work for a client whose request is read to its end.

    Raises:
        ClientGone: It left before the end, and the work was cancelled.
    """
    loop = asyncio.get_running_loop()
    watches: list[asyncio.Task[None]] = []
    is_over = False

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            continue
        scope.cancel()

    def begin() -> None:
        if not is_over:
            watches.append(loop.create_task(watch()))

    with anyio.CancelScope() as scope:
        loop.call_soon(begin)  # once the work waits for something, rather than before it
        try:
            return await work()
        finally:
            is_over = True
            for each in watches:
                each.cancel()
    raise ClientGone
