"""Places for sessions: who is about to take one, so that two front doors do not take the last.

A front door says so at a node before it looks what is taken. So of two that look at the same moment
at least one sees the other, and counts its place as taken.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio

from drybox.errors import DryboxError, Unavailable
from drybox.executor.base import SessionClaim
from drybox.fleet.cluster import ReplicaGone
from drybox.fleet.member import Member
from drybox.fleet.members import NODE_TIMEOUT, Members
from drybox.fleet.sessions.calls import ask_node
from drybox.fleet.sessions.messages import SessionCall


class SessionClaims:
    """A front door's.

    Args:
        members: The nodes.
    """

    def __init__(self, members: Members) -> None:
        self._members = members
        self._own: set[str] = set()

    @asynccontextmanager
    async def claim(self, owner: str, memory: int) -> AsyncIterator[Sequence[SessionClaim]]:
        """Take a place until the context is left, by when the session is seen by all.

        Yields:
            The places that other front doors were about to take after this one was taken. What is
            open has to be looked at after that: a session is there before its claim goes.

        Raises:
            Unavailable: There is no node.
        """
        name = os.urandom(16).hex()
        self._own.add(name)
        member = await self._begin({"name": name, "owner": owner, "memory": memory})
        try:
            yield await self._others()
        finally:
            self._own.discard(name)
            with anyio.CancelScope(shield=True), contextlib.suppress(ReplicaGone, DryboxError):
                await ask_node(member, SessionCall("unclaim", "", {"name": name}))

    async def _begin(self, given: dict[str, Any]) -> Member:
        await self._members.wait(NODE_TIMEOUT)
        for member in self._members.all():
            with contextlib.suppress(ReplicaGone):
                if (await ask_node(member, SessionCall("claim", "", given))).kind == "done":
                    return member
        raise Unavailable("no node of the fleet answers.", hint="Nothing was opened. Try again.")

    async def _others(self) -> list[SessionClaim]:
        found: list[SessionClaim] = []

        async def ask(member: Member) -> None:
            with contextlib.suppress(ReplicaGone):
                reply = await ask_node(member, SessionCall("claims", ""))
                claims = reply.value if reply.kind == "done" else {}
                found.extend(
                    SessionClaim(**claim) for name, claim in claims.items() if name not in self._own
                )

        async with anyio.create_task_group() as tasks:
            for member in self._members.all():
                tasks.start_soon(ask, member)
        return found
