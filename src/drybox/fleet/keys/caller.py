"""How a front door calls the ledger of keys."""

from __future__ import annotations

import asyncio

import anyio.to_thread

from drybox.fleet.cluster import Cluster, Handle, ReplicaGone


class LedgerCaller:
    """Calls the ledger, which is begun if there is none.

    Args:
        cluster: Where it is; joined before this is called.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._handle: Handle | None = None
        self._finding: asyncio.Task[Handle] | None = None

    async def __call__(self, message: bytes) -> bytes:
        """Have it answer a message.

        Raises:
            ReplicaGone: It does not answer.
        """
        if self._handle is None:
            self._handle = await self._find()
        try:
            return await self._handle.call("exchange", message)
        except BaseException:
            self._handle = None
            raise

    async def _find(self) -> Handle:
        # While the head is away this takes as long, in a thread. One at a time waits for that.
        if self._finding is None:
            self._finding = asyncio.ensure_future(
                anyio.to_thread.run_sync(self._cluster.ledger, abandon_on_cancel=True)
            )
        try:
            found = await asyncio.shield(self._finding)
        except Exception as error:  # Ray's, of any kind
            self._finding = None
            raise ReplicaGone(f"there is none: {error}", is_certain=False) from error
        self._finding = None
        return found
