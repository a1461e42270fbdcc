"""The sessions of one node, as front doors ask for them. Knows nothing of Ray."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import anyio

from drybox.errors import (
    DryboxError,
    InvalidRequest,
    SandboxLost,
    SessionClosed,
    SessionFileError,
    Unavailable,
)
from drybox.fleet.messages import aside, pack_answer
from drybox.fleet.sessions.messages import (
    SessionCall,
    SessionReply,
    plain_event,
    request_of,
    state_of,
    unpack_call,
    weight,
)
from drybox.fleet.sessions.node_claims import OF_CLAIMS, NodeClaims
from drybox.fleet.sessions.node_snapshots import OF_SNAPSHOTS, NodeSnapshots
from drybox.fleet.sessions.transfers.feed import Feed
from drybox.fleet.sessions.transfers.upload import Upload
from drybox.fleet.sessions.verbs import OF_PROCESSES, OF_SESSIONS, find_process
from drybox.job import OWNER
from drybox.service.memory_budget import MemoryBudget, Reservation
from drybox.sessions.base import AsyncSession
from drybox.sessions.programs.unread_output import KeepsOutput
from drybox.sessions.request import SessionRequest
from drybox.sessions.snapshots.store import SnapshotStore

EVENTS_AHEAD = 64
"""Events of code held for a front door."""

UNREAD_OUTPUT = 256 << 20
"""Bytes of output of processes in sessions that nobody has read, of all sessions of a node. One
owner gets a third of it at most, so that something is left for the next."""

REMEMBERED_SESSIONS = 256
"""Sessions that have ended, and say why when somebody asks something of them."""

REMEMBERED_CALLS = 10_000
"""Names of calls that were cancelled before they came."""


class Opener(Protocol):
    """Opens a session under a name that is given."""

    def __call__(self, id: str, request: SessionRequest) -> Awaitable[AsyncSession]:
        """Open it."""


@dataclass(slots=True)
class _Kept:
    """An open session.

    Attributes:
        session: It.
        owner: Name of the key whose it is; "" where there are none.
        request: What it was opened with.
        door: The front door that it ends with; "" for none.
        unread: What output that nobody has read holds of the node's memory.
    """

    session: AsyncSession
    owner: str
    request: SessionRequest
    door: str
    unread: Reservation

    def end(self) -> None:
        """It is closed, and nobody reads what its processes wrote."""
        if isinstance(self.session, KeepsOutput):
            self.session.forget_output()
        self.unread.release()


@dataclass(slots=True)
class _Call:
    """A call that goes on."""

    door: str
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    ended: anyio.Event = field(default_factory=anyio.Event)


class NodeSessions:
    """The sessions.

    Args:
        open_session: Opens one.
        snapshots: Gives what keeps their files.
    """

    def __init__(self, open_session: Opener, snapshots: Callable[[], SnapshotStore]) -> None:
        self._open_session = open_session
        self._snapshots = NodeSnapshots(snapshots)
        self._kept: dict[str, _Kept] = {}
        self._ended: OrderedDict[str, AsyncSession] = OrderedDict()
        self._calls: dict[str, _Call] = {}
        self._cancelled: OrderedDict[str, None] = OrderedDict()
        self._feeds: dict[str, Feed] = {}
        self._uploads: dict[str, Upload[Any]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._claims = NodeClaims()
        self._unread = MemoryBudget(UNREAD_OUTPUT)
        self._ending = ""

    @property
    def count(self) -> int:
        """How many are open. Safe from any thread."""
        return len(self._kept)

    async def ask(self, door: str, name: str, data: bytes) -> bytes:
        """Do what a front door asks for.

        Args:
            door: The front door.
            name: Of this call.
            data: What is asked.
        """
        if self._is_ending():
            return pack_answer(SessionReply("refused"))
        call = await aside(len(data), lambda: unpack_call(data))
        if name in self._cancelled:
            del self._cancelled[name]
            return pack_answer(SessionReply("cancelled"))
        running = self._calls[name] = _Call(door)
        reply = SessionReply("cancelled")
        try:
            with running.scope:
                value = await self._do(door, call)
                reply = SessionReply("done", value, self._state(call.session))
        except DryboxError as error:
            # Its end, and that of all its sessions, are the same thing to a front door.
            if self._is_ending():
                return pack_answer(SessionReply("ending"))
            return pack_answer(error=error)
        finally:
            del self._calls[name]
            running.ended.set()
        if reply.kind == "cancelled" and self._is_ending():
            reply = SessionReply("ending")
        return await aside(weight(reply.value), lambda: pack_answer(reply))

    async def cancel(self, name: str) -> bytes:
        """End a call, and return when it has ended. It may come before the call."""
        call = self._calls.get(name)
        if call is None:
            self._cancelled[name] = None
            if len(self._cancelled) > REMEMBERED_CALLS:
                self._cancelled.popitem(last=False)
            return b""
        call.scope.cancel()
        await call.ended.wait()
        return b""

    def forget_doors(self, gone: Callable[[str], bool]) -> None:
        """End what belongs to front doors that have gone."""
        self._claims.forget_doors(gone)
        for call in self._calls.values():
            if gone(call.door):
                call.scope.cancel()
        for name, feed in list(self._feeds.items()):
            if gone(feed.door):
                del self._feeds[name]
                self._aside(feed.close())
        for name, upload in list(self._uploads.items()):
            if gone(upload.door):
                del self._uploads[name]
                self._aside(upload.close())
        for id, kept in list(self._kept.items()):
            if kept.session.state == "closed":
                self._forget(id)
            elif kept.door and gone(kept.door):
                self._aside(self._close(id))

    def _is_ending(self) -> bool:
        return bool(self._ending)

    async def settle(self) -> None:
        """Wait until what belonged to front doors that have gone has ended."""
        while self._closing:
            await asyncio.wait(set(self._closing))

    async def close(self, reason: str) -> None:
        """The node ends, and all of them with it."""
        self._ending = reason
        for call in list(self._calls.values()):
            call.scope.cancel()
        for feed in list(self._feeds.values()):
            await feed.close()
        for upload in list(self._uploads.values()):
            await upload.close()

    def _aside(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _close(self, id: str) -> None:
        session = self._forget(id)
        if session is not None:
            await session.close()

    def _forget(self, id: str) -> AsyncSession | None:
        """It is open no more; whoever asks for it is told why, for a while."""
        kept = self._kept.pop(id, None)
        if kept is None:
            return None
        kept.end()
        self._ended[id] = kept.session
        if len(self._ended) > REMEMBERED_SESSIONS:
            self._ended.popitem(last=False)
        return kept.session

    def _state(self, id: str) -> dict[str, Any] | None:
        kept = self._kept.get(id)
        return None if kept is None else state_of(kept.session)

    # --- what may be asked ----------------------------------------------------------------------

    async def _do(self, door: str, call: SessionCall) -> Any:
        given = dict(call.given)
        if call.what in OF_CLAIMS:
            return self._claims.do(door, call.what, given)
        if call.what in OF_SNAPSHOTS:
            return await self._snapshots.do(call.what, given)
        if call.what == "snapshot.read":
            return self._feed(self._snapshots.read(door, given))
        if call.what == "snapshot.write":
            return self._upload(self._snapshots.write(door, given))
        if call.what == "open":
            return await self._open(door, call.session, given)
        if call.what == "list":
            open_yet = (id for id, kept in self._kept.items() if kept.session.state != "closed")
            return [self._document(id) for id in list(open_yet)]
        if call.what in _OF_DOORS:
            return await _OF_DOORS[call.what](self, given)
        if call.what == "close":
            return await self._close(call.session)
        session = self._find(call.session)
        if call.what == "describe":
            return self._document(call.session)
        if call.what in OF_SESSIONS:
            return await OF_SESSIONS[call.what](session, given)
        if call.what == "follow":
            return self._follow(door, call.session, session.stream(**given), EVENTS_AHEAD)
        if call.what == "read":
            pieces = session.files.read_pieces(given["path"])
            return self._feed(Feed(door, call.session, pieces, len, EVENTS_AHEAD))
        if call.what == "write":
            write = partial(session.files.write, **given)
            return self._upload(Upload(door, lambda pieces: write(data=pieces)))
        process = await find_process(session, given.pop("pid"))
        if call.what == "process.events":
            # One at a time: what was taken of a process, nobody gets a second time.
            return self._follow(door, call.session, process.events, 1)
        return await OF_PROCESSES[call.what](process, given)

    def _find(self, id: str) -> AsyncSession:
        kept = self._kept.get(id)
        session = kept.session if kept is not None else self._ended.get(id)
        if session is None:
            raise SessionClosed(
                "closed", f"there is no session {id[:100]!r} any more.", hint="Open another one."
            )
        return session

    async def _open(self, door: str, id: str, given: dict[str, Any]) -> Any:
        if id in self._kept:
            raise Unavailable("there is a session of this name.", hint="Open it once more.")
        owner, request = given["owner"], request_of(given["request"])
        OWNER.set(owner)  # as where the server and the sandbox are on one machine
        session = await self._open_session(id, request)
        unread = self._unread.reserve(owner, yields=True)
        if isinstance(session, KeepsOutput):
            session.count_output(unread)
        ends_with = door if given["ends_with_door"] else ""
        self._kept[id] = _Kept(session, owner, request, ends_with, unread)
        return self._document(id)

    def _document(self, id: str) -> dict[str, Any]:
        """What is known of a session."""
        kept = self._kept.get(id)
        if kept is None or kept.session.state == "closed":
            raise SessionClosed("closed", "the session is closed.", hint="Open another one.")
        session = kept.session
        return {
            "id": id,
            "owner": kept.owner,
            "request": kept.request,
            "language": session.language,
            "version": session.version,
            "environment": session.environment,
            "isolation": session.isolation,
            "backend": session.backend,
            "weakened": session.weakened,
            "created_at": session.created_at.timestamp(),
            **state_of(session),
        }

    def _follow(self, door: str, session: str, events: Any, ahead: int) -> str:
        return self._feed(Feed(door, session, events, weight, ahead))

    def _feed(self, feed: Feed) -> str:
        name = f"{feed.session}/{id(feed):x}"
        self._feeds[name] = feed
        return name

    async def _next(self, given: dict[str, Any]) -> Any:
        feed = self._feeds.get(given["feed"])
        if feed is None:  # not the end: what is left of it would seem to be all of it
            raise SandboxLost(
                "the node let go of this, as it no longer heard of the front door.",
                hint="Ask for it again; the session may go on.",
            )
        try:
            items, is_last = await feed.next()
        except Exception:
            self._feeds.pop(given["feed"], None)
            raise
        if is_last:
            self._feeds.pop(given["feed"], None)
        return [item if isinstance(item, bytes) else plain_event(item) for item in items], is_last

    async def _answer(self, given: dict[str, Any]) -> None:
        feed = self._feeds.get(given["feed"])
        if feed is None:
            raise InvalidRequest("answer", "no code asks for a line", hint="Wait for one.")
        source: Any = feed.source
        await source.answer(given["line"])

    async def _let_go(self, given: dict[str, Any]) -> None:
        feed = self._feeds.pop(given["feed"], None)
        if feed is not None:
            await feed.close()

    def _upload(self, upload: Upload[Any]) -> str:
        name = f"{id(upload):x}"
        self._uploads[name] = upload
        return name

    async def _give(self, given: dict[str, Any]) -> bool:
        upload = self._uploads.get(given["upload"])
        return upload is not None and await upload.give(given["data"])

    async def _written(self, given: dict[str, Any]) -> Any:
        upload = self._uploads.get(given["upload"])
        if upload is None:
            raise SessionFileError("failed", "nobody writes it any more", hint="Write it again.")
        try:
            return await upload.result()
        finally:
            self._uploads.pop(given["upload"], None)

    async def _drop(self, given: dict[str, Any]) -> None:
        upload = self._uploads.pop(given["upload"], None)
        if upload is not None:
            await upload.close()


_OF_DOORS: dict[str, Callable[[NodeSessions, dict[str, Any]], Awaitable[Any]]] = {
    "next": NodeSessions._next,
    "answer": NodeSessions._answer,
    "let_go": NodeSessions._let_go,
    "write.give": NodeSessions._give,
    "write.end": NodeSessions._written,
    "write.drop": NodeSessions._drop,
}
