"""The sessions of a fleet, as one front door opens and finds them."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import anyio
from anyio.abc import TaskGroup

from drybox.errors import (
    DryboxError,
    SessionClosed,
    SnapshotError,
    Unavailable,
    Unsupported,
)
from drybox.execution.run import new_id
from drybox.execution.validation import Defaults
from drybox.executor.base import SharedSession
from drybox.fleet.cluster import ReplicaGone
from drybox.fleet.member import Member
from drybox.fleet.members import Members
from drybox.fleet.sessions.calls import SessionCalls, ask_node
from drybox.fleet.sessions.claims import SessionClaims
from drybox.fleet.sessions.messages import SessionCall, request_of
from drybox.fleet.sessions.session import FleetSession
from drybox.fleet.sessions.snapshots import FleetSnapshots
from drybox.fleet.sessions.watch import SessionWatch
from drybox.job import OWNER
from drybox.monitoring.observers import Observers
from drybox.monitoring.session_observers import SessionFacts, observed
from drybox.sessions.opening import make_session
from drybox.sessions.request import SessionRequest

NODE_NAME = 16
"""Characters of a node's id in the names of its sessions."""

MOST_KNOWN = 1024
"""Sessions of other front doors that are remembered, and own ones before it is looked which of them
are over."""

MOST_NODES = 8
"""Nodes that are asked for one session, where each says that it cannot open it."""


class FleetSessions:
    """Opens sessions, and finds those that others have opened.

    Args:
        members: The nodes.
        tasks: Where events are let go of.
        defaults: What holds where a request says nothing.
        observers: Follow what is done with them here.
        is_shared: Sessions outlive this front door, for others.

    Attributes:
        claims: Sessions that are about to be opened.
        snapshots: What they may begin with.
    """

    def __init__(
        self,
        members: Members,
        tasks: TaskGroup,
        defaults: Defaults,
        observers: Observers,
        *,
        is_shared: bool,
    ) -> None:
        self._members = members
        self._tasks = tasks
        self._defaults = defaults
        self._observers = observers
        self._is_shared = is_shared
        self.claims = SessionClaims(members)
        self.snapshots = FleetSnapshots(members)
        self._open: dict[str, FleetSession] = {}
        self._others: OrderedDict[str, FleetSession] = OrderedDict()

    async def open(self, request: SessionRequest) -> FleetSession:
        """Open one, on the node with the fewest.

        Raises:
            InvalidRequest: The request is wrong.
            SnapshotError: There is no such snapshot, or it does not fit.
            Unsupported: What it asks for cannot be enforced on any node.
            Unavailable: No node has room for it.
        """
        if len(self._open) > MOST_KNOWN:
            await self.own()
        language, job, _, snapshot = make_session(request, {}, self._defaults)
        # What was read of a mapping of the caller's is what was checked.
        env, metadata = dict(job.env), dict(request.metadata or {})
        given = {
            "request": replace(request, env=env, metadata=metadata, snapshot=snapshot or None),
            "owner": OWNER.get(),
            "ends_with_door": not self._is_shared,
        }
        # Which isolation it is, where any will do, the node says that opens it.
        facts = SessionFacts(new_id(), language.name, job.isolation)
        with observed(self._observers, "open", facts):
            return await self._open_somewhere(facts.id, given, snapshot)

    async def _open_somewhere(
        self, name: str, given: dict[str, Any], snapshot: str
    ) -> FleetSession:
        refused: dict[str, DryboxError] = {}
        holders: Sequence[Member] = ()
        if snapshot:
            holders = await self.snapshots.holders(given["owner"], snapshot)
        while True:
            member = await self._members.choose_for_session(refused)
            if member is None:
                raise next(iter(refused.values()))
            id = f"{name}-{member.info.id[:NODE_NAME]}"
            try:
                try:
                    if snapshot and member not in holders:
                        await self._bring(given["owner"], snapshot, holders, member)
                    reply = await ask_node(member, SessionCall("open", id, given))
                finally:
                    member.state.opening -= 1
            except ReplicaGone as gone:
                # Nobody's code has run, so that another node may open it.
                refused[member.info.id] = _lost(member, str(gone))
                if not gone.is_certain:
                    await self._give_up(member, id)
            except (Unavailable, Unsupported) as error:
                refused[member.info.id] = error
            except anyio.get_cancelled_exc_class():
                # It may have been open already, with the answer on its way.
                with anyio.CancelScope(shield=True):
                    await self._give_up(member, id)
                raise
            else:
                if reply.kind == "done":
                    session = self._session(member, id, reply.value, is_opener=True)
                    self._open[id] = session
                    member.state.sessions += 1
                    return session
                refused[member.info.id] = _lost(member, "it ends")
            if len(refused) >= MOST_NODES:
                raise next(iter(refused.values()))

    async def _bring(
        self, owner: str, snapshot: str, holders: Sequence[Member], to: Member
    ) -> None:
        """Have a node have the snapshot.

        Raises:
            Unavailable: It has no room for it; another may.
            SnapshotError: There is none any more.
            ReplicaGone: The node is lost.
        """
        try:
            await self.snapshots.copy(owner, snapshot, holders, to)
        except SnapshotError as error:
            if error.reason != "no_space":
                raise
            raise Unavailable(
                f"node {to.info.name} of the fleet has no room for the snapshot.", hint=error.hint
            ) from error

    async def _give_up(self, member: Member, id: str) -> None:
        with contextlib.suppress(ReplicaGone, DryboxError):
            await ask_node(member, SessionCall("close", id))

    async def own(self) -> list[FleetSession]:
        """Those that were opened here and are open, the oldest first."""
        found = {item.session.id for item in await self.all()}
        for id, item in list(self._open.items()):
            if id not in found:
                try:
                    await item.describe()  # it may be newer than the list; else its end is told
                except SessionClosed:
                    self._open.pop(id, None)
                except DryboxError:
                    pass
        return list(self._open.values())

    async def find(self, id: str) -> SharedSession | None:
        """One that anybody has opened; None if there is none of this name.

        Raises:
            SessionClosed: It was known here, and its node is lost.
        """
        known = self._open.get(id) or self._others.get(id)
        try:
            if known is not None:
                return self._shared(await known.describe())
            node = id.rpartition("-")[2]
            for member in self._members.all():
                if member.info.id[:NODE_NAME] == node:
                    reply = await ask_node(member, SessionCall("describe", id))
                    return self._shared(reply.value, member) if reply.kind == "done" else None
        except ReplicaGone:
            pass
        except SessionClosed as closed:
            if closed.reason == "lost":
                raise
            self._open.pop(id, None)
            self._others.pop(id, None)
        return None

    async def all(self) -> list[SharedSession]:
        """Everybody's on every node, the oldest first."""
        found: list[SharedSession] = []

        async def ask(member: Member) -> None:
            with contextlib.suppress(ReplicaGone, DryboxError):
                reply = await ask_node(member, SessionCall("list", ""))
                if reply.kind == "done":
                    found.extend(self._shared(item, member) for item in reply.value)

        async with anyio.create_task_group() as tasks:
            for member in self._members.all():
                tasks.start_soon(ask, member)
        return sorted(found, key=lambda item: item.session.created_at)

    def _shared(self, known: Mapping[str, Any], member: Member | None = None) -> SharedSession:
        id = known["id"]
        session = self._open.get(id) or self._others.get(id)
        if session is None:
            assert member is not None, "a session that is known knows its node"
            session = self._others[id] = self._session(member, id, known)
            if len(self._others) > MOST_KNOWN:
                self._others.popitem(last=False)
        session.hear(known)
        return SharedSession(known["owner"], session, request_of(dict(known["request"])))

    def _session(
        self, member: Member, id: str, known: Mapping[str, Any], *, is_opener: bool = False
    ) -> FleetSession:
        calls = SessionCalls(self._members, member, id)
        calls.hear(known)
        limits = request_of(dict(known["request"])).limits or self._defaults.limits
        facts = SessionFacts(id, known["language"], known["isolation"])
        watch = SessionWatch(self._observers, facts, is_opener=is_opener)
        return FleetSession(calls, self._tasks, known, watch, limits.disk)


def _lost(member: Member, reason: str) -> Unavailable:
    return Unavailable(
        f"node {member.info.name} of the fleet was lost while it opened a session: {reason}.",
        hint="Open it again.",
    )
