"""The snapshots of a fleet, as a front door finds and copies them.

One is kept by the node that its session was on. Where a session begins with it on another node, its
front door copies it there, and that node keeps it as well.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

import anyio

from drybox.errors import DryboxError, SnapshotError
from drybox.fleet.cluster import ReplicaGone
from drybox.fleet.member import Member
from drybox.fleet.members import NODE_TIMEOUT, Members
from drybox.fleet.sessions.calls import ask_node
from drybox.fleet.sessions.messages import SessionCall
from drybox.sessions.results import Snapshot
from drybox.sessions.snapshots.store import unknown


class FleetSnapshots:
    """Those of all nodes.

    Args:
        members: The nodes.
    """

    def __init__(self, members: Members) -> None:
        self._members = members

    async def list(self, owner: str) -> list[Snapshot]:
        """An owner's, the oldest first.

        Raises:
            Unavailable: There is no node.
        """
        found: dict[str, Snapshot] = {}
        for _, value in await self._ask_all("snapshots", {"owner": owner}):
            for item in value:
                snapshot = Snapshot(**item)
                known = found.setdefault(snapshot.id, snapshot)
                if snapshot.created_at < known.created_at:
                    found[snapshot.id] = snapshot
        return sorted(found.values(), key=lambda item: (item.created_at, item.id))

    async def remove(self, owner: str, id: str) -> None:
        """Remove one from every node.

        Raises:
            SnapshotError: No node has it.
            Unavailable: There is no node, or one could not remove it.
        """
        given = {"owner": owner, "id": id}
        if not await self._ask_all("snapshot.remove", given, unless="not_found"):
            raise unknown(id)

    async def holders(self, owner: str, id: str) -> Sequence[Member]:
        """The nodes that have one.

        Raises:
            SnapshotError: There is none.
            Unavailable: There is no node.
        """
        answers = await self._ask_all("snapshot.has", {"owner": owner, "id": id})
        found = [member for member, has_it in answers if has_it]
        if not found:
            raise unknown(id)
        return found

    async def copy(self, owner: str, id: str, holders: Sequence[Member], to: Member) -> None:
        """Have one more node have it.

        Args:
            owner: Whose it is.
            id: Which one.
            holders: Nodes that have it.
            to: The one that is to have it.

        Raises:
            SnapshotError: It is nowhere any more, or there is no room for it.
            Unavailable: It cannot be kept there.
            ReplicaGone: The node is lost.
        """
        given = {"owner": owner, "id": id}
        for holder in holders:
            with contextlib.suppress(_HolderGone):
                async with aclosing(_read(holder, given)) as pieces:
                    await _write(to, given, pieces)
                return
        raise unknown(id)

    async def _ask_all(
        self, what: str, given: dict[str, Any], *, unless: str = ""
    ) -> Sequence[tuple[Member, Any]]:
        """What every node says; one that is lost says nothing.

        Args:
            what: What is asked.
            given: Its arguments.
            unless: The reason of errors that say nothing either.
        """
        await self._members.wait(NODE_TIMEOUT)
        answers: list[tuple[Member, Any]] = []
        errors: list[DryboxError] = []

        async def ask(member: Member) -> None:
            try:
                answers.append((member, await _ask(member, what, given)))
            except ReplicaGone:
                pass
            except DryboxError as error:
                if not isinstance(error, SnapshotError) or error.reason != unless:
                    errors.append(error)

        async with anyio.create_task_group() as tasks:
            for member in self._members.all():
                tasks.start_soon(ask, member)
        if errors:
            raise errors[0]
        return answers


class _HolderGone(Exception):
    """A node is lost, or no longer has what it had."""


async def _read(holder: Member, given: dict[str, Any]) -> AsyncGenerator[bytes, None]:
    """A snapshot as bytes, from a node that has it."""
    is_last, feed = False, ""
    try:
        feed = await _begin(holder, "snapshot.read", given)
        while not is_last:
            items, is_last = await _ask(holder, "next", {"feed": feed})
            for item in items:
                yield item
    except (ReplicaGone, DryboxError) as error:
        raise _HolderGone from error
    finally:
        if feed and not is_last:
            await _let_go(holder, "let_go", {"feed": feed})


async def _write(to: Member, given: dict[str, Any], pieces: AsyncIterator[bytes]) -> None:
    """Have a node keep a snapshot."""
    upload = await _begin(to, "snapshot.write", given)
    try:
        async for piece in pieces:
            if not await _ask(to, "write.give", {"upload": upload, "data": piece}):
                break
        await _ask(to, "write.give", {"upload": upload, "data": b""})
        await _ask(to, "write.end", {"upload": upload})
    except BaseException:
        await _let_go(to, "write.drop", {"upload": upload})
        raise


async def _begin(member: Member, what: str, given: dict[str, Any]) -> str:
    """Have a node begin something; cancelling waits for its name, by which it is let go of."""
    with anyio.CancelScope(shield=True):
        name = await _ask(member, what, given)
    return str(name)


async def _let_go(member: Member, what: str, given: dict[str, Any]) -> None:
    with anyio.CancelScope(shield=True), contextlib.suppress(ReplicaGone, DryboxError):
        await _ask(member, what, given)


async def _ask(member: Member, what: str, given: dict[str, Any]) -> Any:
    """What a node says.

    Raises:
        ReplicaGone: The node is lost, or ends.
        DryboxError: What it says.
    """
    reply = await ask_node(member, SessionCall(what, "", given))
    if reply.kind != "done":
        raise ReplicaGone("it ends", is_certain=False)
    return reply.value
