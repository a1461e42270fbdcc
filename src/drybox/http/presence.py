"""Whether the client is still there: work that nobody waits for is ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
from starlette.types import Receive

T = TypeVar("T")


class ClientGone(Exception):
    """The client has left; there is nobody to answer."""


async def while_connected(receive: Receive, work: Callable[[], Awaitable[T]]) -> T:
    """Do work for a client whose request is read to its end.

    Raises:
        ClientGone: It left before the end, and the work was cancelled.
    """
    done: list[T] = []
    failed: list[Exception] = []

    async def do() -> None:
        try:
            done.append(await work())
        except Exception as error:  # raised below: a task group would wrap it
            failed.append(error)

    async with anyio.create_task_group() as tasks:

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                continue
            tasks.cancel_scope.cancel()

        tasks.start_soon(watch)
        await do()
        tasks.cancel_scope.cancel()
    if failed:
        raise failed[0]
    if not done:
        raise ClientGone
    return done[0]
