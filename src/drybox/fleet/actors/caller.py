"""How a front door calls what there is one of for all front doors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import anyio.to_thread

from drybox.fleet.cluster import Handle, ReplicaGone


class ActorCaller:
    """Calls an actor, which is begun if there is none.

    Args:
        find: Finds or begins it, and blocks meanwhile; its cluster is joined before it is called.
    """

    def __init__(self, find: Callable[[], Handle]) -> None:
        self._find = find
        self._handle: Handle | None = None
        self._finding: asyncio.Task[Handle] | None = None

    async def __call__(self, message: bytes) -> bytes:
        """Have it answer a message.

        Raises:
            ReplicaGone: It does not answer.
        """
        if self._handle is None:
            self._handle = await self._found()
        try:
            return await self._handle.call("exchange", message)
        except BaseException:
            self._handle = None
            raise

    async def _found(self) -> Handle:
        # While the head is away this takes as long, in a thread. One at a time waits for that.
        if self._finding is None:
            self._finding = asyncio.ensure_future(
                anyio.to_thread.run_sync(self._find, abandon_on_cancel=True)
            )
        try:
            found = await asyncio.shield(self._finding)
        except Exception as error:  # Ray's, of any kind
            self._finding = None
            raise ReplicaGone(f"there is none: {error}", is_certain=False) from error
        self._finding = None
        return found
