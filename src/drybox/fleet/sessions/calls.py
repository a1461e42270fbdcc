"""How a front door asks the node of a session for something."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import anyio

from drybox.errors import DryboxError, SandboxLost, SessionClosed
from drybox.fleet.cluster import ReplicaGone
from drybox.fleet.member import Member
from drybox.fleet.members import Members
from drybox.fleet.messages import aside
from drybox.fleet.sessions.messages import (
    SessionCall,
    SessionReply,
    pack_call,
    unpack_session_reply,
)

LATE = 0.5
"""Seconds after its time at which a session is taken for closed without asking its node."""

RUNS = frozenset({"run", "command", "start", "follow", "next", "process.wait"})
"""What runs somebody's code: where its node is lost, nobody knows how far it came."""


class SessionCalls:
    """Asks one session's node.

    Args:
        members: The nodes.
        member: The session's.
        session: The session's name.

    Attributes:
        state: What changes of the session, as its node said last.
        seen_at: When that was, on the monotonic clock.
        lost: Why the session is no more, where its node is lost.
        ended: Is told why the session is closed, as often as that is heard.
    """

    def __init__(self, members: Members, member: Member, session: str) -> None:
        self._members = members
        self._node = member.info.id
        self._pid = _pid(member)
        self.session = session
        self.state: Mapping[str, Any] = {}
        self.seen_at = 0.0
        self.lost: SessionClosed | None = None
        self.ended: Callable[[str], None] = lambda _: None
        self._asked = 0

    @property
    def seconds_left(self) -> float:
        """Until it is closed unless something is asked of it; what the node knows, and time."""
        return float(self.state["seconds_left"]) - (time.monotonic() - self.seen_at)

    def is_over(self) -> bool:
        """Whether its time is up, and nothing goes on that might have kept it."""
        return not self._asked and self.seconds_left < -LATE

    def hear(self, state: Mapping[str, Any]) -> None:
        """What its node says of it."""
        self.state, self.seen_at = state, time.monotonic()

    async def begin(self, what: str, **given: Any) -> str:
        """Have the node begin something that is then known by a name, and let go of by it.

        Cancelling waits for the name: without it, what has begun would be nobody's.

        Raises:
            DryboxError: See :meth:`ask`.
        """
        with anyio.CancelScope(shield=True):
            name = await self.ask(what, **given)
        return str(name)

    async def ask(self, what: str, **given: Any) -> Any:
        """Have the node do something; cancelling ends it there.

        Raises:
            SessionClosed: The session is closed, or its node was lost before it was asked.
            SandboxLost: The node was lost while somebody's code ran, or gave this front door up.
            DryboxError: What the node says.
        """
        member = self.member()
        self._asked += 1
        try:
            reply = await self._guarded(member, SessionCall(what, self.session, given))
        finally:
            self._asked -= 1
        if reply.kind == "refused":
            raise self._lose(f"node {member.info.name}: it ends, and has not begun this")
        if reply.kind == "ending":
            raise self._gone(what, f"node {member.info.name}: it ends")
        if reply.kind == "cancelled":
            raise SandboxLost(
                f"node {member.info.name} no longer heard of this front door, and ended what that"
                f" had asked of session {self.session}.",
                hint="Whether it ran to its end is unknown. The session may go on: ask for it.",
            )
        if reply.state is not None:
            self.hear(reply.state)
        return reply.value

    def member(self) -> Member:
        """Its node.

        Raises:
            SessionClosed: It is lost.
        """
        if self.lost is not None:
            raise self.lost
        member = self._members.get(self._node)
        if member is None:
            raise self._lose(f"node {self._node[:8]} is not there any more")
        if _pid(member) != self._pid:
            raise self._lose(f"node {member.info.name} has begun anew")
        return member

    async def _guarded(self, member: Member, call: SessionCall) -> SessionReply:
        try:
            return await ask_node(member, call)
        except ReplicaGone as gone:
            reason = f"node {member.info.name}: {gone}"
            if gone.is_certain:
                raise self._gone(call.what, reason) from None
            raise _unknown(call.session, reason) from None
        except SessionClosed as closed:
            self.state = {**self.state, "state": "closed"}
            self.ended(closed.reason)
            raise SessionClosed(closed.reason, closed.message, hint=closed.hint) from None

    def _gone(self, what: str, reason: str) -> DryboxError:
        closed = self._lose(reason)
        return _unknown(self.session, reason) if what in RUNS else closed

    def _lose(self, reason: str) -> SessionClosed:
        self.state = {**self.state, "state": "closed"}
        self.ended("lost")
        self.lost = SessionClosed(
            "lost",
            f"the session {self.session} is closed: its node was lost ({reason}).",
            hint="Its files and state are lost; open another one.",
        )
        return self.lost


async def ask_node(member: Member, call: SessionCall) -> SessionReply:
    """Have a node do something with a session; cancelling ends it there.

    Raises:
        ReplicaGone: The node is lost, or its answer.
        DryboxError: What the node says.
    """
    name = os.urandom(16).hex()
    size = sum(len(item) for item in call.given.values() if isinstance(item, (bytes, str)))
    data = await aside(size, lambda: pack_call(call))
    try:
        answer = await member.call("session", member.door, name, data)
    except ReplicaGone:
        raise
    except BaseException:
        with anyio.CancelScope(shield=True), contextlib.suppress(ReplicaGone):
            await member.call("cancel_session", name)
        raise
    return await aside(len(answer), lambda: unpack_session_reply(answer))


def _pid(member: Member) -> int:
    return member.load.pid if member.load is not None else 0


def _unknown(session: str, reason: str) -> SandboxLost:
    return SandboxLost(
        f"the node of session {session} was lost while this ran ({reason}).",
        hint="Whether it ran to its end is unknown. The session's files and state are lost; open"
        " another one.",
    )
