"""The snapshots that one node keeps, as front doors ask for them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

from drybox.fleet.sessions.transfers.feed import Feed
from drybox.fleet.sessions.transfers.upload import Upload
from drybox.job import OWNER
from drybox.sessions.snapshots.store import SnapshotStore

PIECES_AHEAD = 8
"""Pieces of a snapshot held for a front door."""


class NodeSnapshots:
    """Those of one node's executor.

    Args:
        store: Gives what keeps them.
    """

    def __init__(self, store: Callable[[], SnapshotStore]) -> None:
        self._store = store

    async def do(self, what: str, given: dict[str, Any]) -> Any:
        """Say which an owner has, or whether it has one, or remove one."""
        OWNER.set(given["owner"])  # as where the server and the snapshots are on one machine
        if what == "snapshots":
            return await self._store().list()
        if what == "snapshot.has":
            return await self._store().has(given["owner"], given["id"])
        return await self._store().remove(given["id"])

    def read(self, door: str, given: dict[str, Any]) -> Feed:
        """One as bytes, for a front door to fetch."""
        pieces = self._store().send(given["owner"], given["id"])
        return Feed(door, given["id"], pieces, len, PIECES_AHEAD)

    def write(self, door: str, given: dict[str, Any]) -> Upload[Any]:
        """One that a front door sends, from another node."""
        return Upload(door, partial(self._receive, given["owner"], given["id"]))

    async def _receive(self, owner: str, id: str, pieces: AsyncIterator[bytes]) -> Any:
        return await self._store().receive(owner, id, pieces)


OF_SNAPSHOTS = frozenset({"snapshots", "snapshot.has", "snapshot.remove"})
"""What :meth:`NodeSnapshots.do` does."""
