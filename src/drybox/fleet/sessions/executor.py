"""How an executor over a fleet is asked for sessions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from drybox.executor.base import Executor, SessionClaim, SharedSession
from drybox.fleet.sessions.store import FleetSessions
from drybox.job import OWNER
from drybox.sessions.base import AsyncSession
from drybox.sessions.request import SessionRequest, session_request, snapshot_id

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from drybox.sessions.request import SessionFields
    from drybox.sessions.results import Snapshot


class SessionsExecutor(Executor):
    """The part of one that is about sessions."""

    def _fleet_sessions(self) -> FleetSessions:
        """Those of the executor.

        Raises:
            InvalidRequest: It is not open.
        """
        raise NotImplementedError

    async def open_session(
        self, request: SessionRequest | str, **fields: Unpack[SessionFields]
    ) -> AsyncSession:
        """Open a session on one of the nodes, where it stays; its id names the node."""
        return await self._fleet_sessions().open(session_request(request, **fields))

    async def sessions(self) -> list[AsyncSession]:
        """The sessions that this executor has opened and that are open, the oldest first."""
        return [*await self._fleet_sessions().own()]

    async def shared_session(self, id: str) -> SharedSession | None:
        """One of anybody's."""
        return await self._fleet_sessions().find(id)

    async def shared_sessions(self) -> list[SharedSession]:
        """Everybody's."""
        return await self._fleet_sessions().all()

    async def snapshots(self) -> list[Snapshot]:
        """The snapshots of all nodes that sessions can begin with, the oldest first."""
        return await self._fleet_sessions().snapshots.list(OWNER.get())

    async def remove_snapshot(self, snapshot: Snapshot | str) -> None:
        """Remove a snapshot from every node; see :class:`drybox.executor.base.Executor`."""
        await self._fleet_sessions().snapshots.remove(OWNER.get(), snapshot_id(snapshot))

    @asynccontextmanager
    async def claim_session(self, owner: str, memory: int) -> AsyncIterator[Sequence[SessionClaim]]:
        """Have other front doors know that a session is about to be opened."""
        async with self._fleet_sessions().claims.claim(owner, memory) as others:
            yield others
