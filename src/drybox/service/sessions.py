"""Sessions of a server's clients: whose they are, and what they may take together."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from weakref import WeakValueDictionary

import anyio

from drybox.errors import DryboxError, InvalidRequest, SessionClosed
from drybox.execution.cpu_meter import CpuMeter
from drybox.executor.base import SharedSession
from drybox.job import OWNER
from drybox.model import ExecutionRequest, ResourceLimits
from drybox.service.admission import Caller
from drybox.service.memory_budget import Reservation
from drybox.service.refusals import Problem, Refused
from drybox.service.request_limits import check_request_limits, check_session_room
from drybox.service.service import Service
from drybox.sessions.base import AsyncProcess, AsyncSession
from drybox.sessions.programs.unread_output import KeepsOutput
from drybox.sessions.request import SessionRequest
from drybox.sessions.results import RunResult, Snapshot, result_size, without_shown

COPIES = 2
"""How often output may be there at once: as it comes, and as a result."""

MOST_KNOWN = 1024
"""Sessions that a front door of a fleet remembers before it looks which of them are over."""

SNAPSHOT_MEMORY = 4 << 20
"""Bytes of pieces that are under way while a snapshot is taken."""

CHARGE_DELAY = 5.0
"""Seconds between looks at what a session has taken of the processor."""

CHARGE_TIMEOUT = 2.0
"""Seconds that such a look may take."""

ATTEMPTS, PAUSE = 8, (0.02, 0.3)
"""How often a place is tried for that other front doors are about to take, and seconds between."""


@dataclass(slots=True)
class OwnedSession:
    """An open session of a client's.

    Attributes:
        owner: Name of the key that opened it.
        session: The session.
        request: What runs in it, as admission sees that.
        limits: Its limits.
        opened_at: When it was opened, in seconds that only go forward.
        unread: What output that nobody has read holds of the server's memory.
    """

    owner: str
    session: AsyncSession
    request: ExecutionRequest
    limits: ResourceLimits
    opened_at: float = field(default_factory=time.monotonic)
    unread: Reservation | None = None

    def end(self) -> None:
        """It is closed, and nobody reads what its processes wrote."""
        if self.unread is not None and isinstance(self.session, KeepsOutput):
            self.session.forget_output()
            self.unread.release()


class ServedSessions:
    """Those that are open. A client sees and uses its own alone.

    Args:
        service: What admits clients, and has the executor that opens them.

    Attributes:
        begun: Sessions that were opened.
        runs: Runs and commands that have begun in them.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self.begun = 0
        self.runs = 0
        self._owned: dict[str, OwnedSession] = {}
        self._readers: WeakValueDictionary[tuple[str, int], anyio.Lock] = WeakValueDictionary()
        self._followers: set[asyncio.Task[None]] = set()
        self._opening: list[tuple[str, int]] = []  # whose, and how much memory

    async def open(
        self, caller: Caller, request: SessionRequest, room: Reservation
    ) -> OwnedSession:
        """Open one.

        Args:
            caller: Who asks.
            request: What is to be opened.
            room: What the request holds of the server's memory.

        Raises:
            Refused: It may not be opened, or not now.
            DryboxError: What :meth:`Executor.open_session` raises.
        """
        service, limits = self.service, request.limits or self.service.limits
        self._check_times(idle_timeout=request.idle_timeout, max_lifetime=request.max_lifetime)
        execution = _execution(request)
        check_request_limits(execution, service.settings, service.limits)
        meter = CpuMeter()
        async with (
            self._place(caller, limits),
            service.admitted(caller, execution, meter, room, 0),
        ):
            session = await service.executor.open_session(request)
            meter.add(await _used(session) or 0.0)
        self.begun += 1
        owned = self._owned[session.id] = OwnedSession(caller.name, session, execution, limits)
        if isinstance(session, KeepsOutput):
            owned.unread = service.memory.reserve(caller.name, yields=True)
            session.count_output(owned.unread)
        self._keep(asyncio.create_task(self._charge(caller, owned)))
        return owned

    async def find(self, caller: Caller, id: str) -> OwnedSession:
        """A client's own session, whichever front door of a fleet has opened it.

        Raises:
            Refused: It has none of this name that is open.
            SessionClosed: The node that it was on is lost.
        """
        owned = self._owned.get(id)
        try:
            shared = await self.service.executor.shared_session(id)
        except SessionClosed:
            if owned is not None and owned.owner == caller.name:
                raise
            shared = None
        if shared is not None:
            owned = self._take_up(shared)
        if owned is None or owned.owner != caller.name or owned.session.state == "closed":
            raise Refused(
                Problem(
                    "not-found",
                    "There is no open session of this name.",
                    "It was closed, was idle too long, or is not yours; open another.",
                )
            )
        return owned

    async def of(self, caller: Caller) -> list[OwnedSession]:
        """A client's own, the oldest first."""
        return [owned for owned in await self._everybodys() if owned.owner == caller.name]

    async def _everybodys(self) -> list[OwnedSession]:
        for shared in await self.service.executor.shared_sessions():
            self._take_up(shared)
        return self.all()

    def _take_up(self, shared: SharedSession) -> OwnedSession:
        """One that another front door may have opened."""
        now = datetime.now(timezone.utc)
        if len(self._owned) > MOST_KNOWN:
            open_yet = [item for item in self.all() if item.session.expires_at > now]
            self._owned = {item.session.id: item for item in open_yet}
        asked, session = shared.request, shared.session
        age = (now - session.created_at).total_seconds()
        owned = self._owned[session.id] = OwnedSession(
            *(shared.owner, session, _execution(asked), asked.limits or self.service.limits),
            opened_at=time.monotonic() - max(0.0, age),
        )
        return owned

    def all(self) -> list[OwnedSession]:
        """Everybody's that this server knows of, the oldest first."""
        return [item for item in tuple(self._owned.values()) if item.session.state != "closed"]

    async def update(
        self,
        owned: OwnedSession,
        idle_timeout: float | None,
        expires_in: float | None,
        metadata: dict[str, str] | None,
    ) -> None:
        """Change how long one lives, and its owner's words about it."""
        self._check_times(idle_timeout=idle_timeout, expires_in=expires_in)
        await owned.session.update(
            idle_timeout=idle_timeout, expires_in=expires_in, metadata=metadata
        )

    async def close(self, owned: OwnedSession) -> None:
        """Close one."""
        self._owned.pop(owned.session.id, None)
        await owned.session.close()
        owned.end()
        self.service.admission.charge(Caller(owned.owner), await _used(owned.session) or 0.0)

    @asynccontextmanager
    async def running(
        self,
        caller: Caller,
        owned: OwnedSession,
        room: Reservation,
        language: str | None,
        timeout: float | None,
    ) -> AsyncIterator[CpuMeter]:
        """Wait for the right to run something in a session; it lasts until the context is left.

        Args:
            caller: Whose session it is.
            owned: The session.
            room: What the request holds of the server's memory.
            language: The language of code, if it is not the session's own.
            timeout: Seconds that it may take, if not as many as the session says.

        Yields:
            What is told what it has taken of the processor. It counts where nobody counts what all
            of the session takes.

        Raises:
            Refused: It may not run, or the server went down meanwhile.
        """
        request = replace(
            owned.request,
            language=language or owned.request.language,
            timeout=owned.request.timeout if timeout is None else timeout,
        )
        meter, told = CpuMeter(), CpuMeter()
        need = 2 * COPIES * owned.limits.output
        async with self.service.admitted(caller, request, meter, room, need):
            self.runs += 1
            try:
                yield told
            finally:
                used = await _used(owned.session)
                meter.add(told.seconds if used is None else used)

    async def snapshot(self, caller: Caller, owned: OwnedSession, room: Reservation) -> Snapshot:
        """Keep the files of a session. It takes a slot while it lasts, as a run does.

        Raises:
            Refused: It may not be taken, or not now.
            DryboxError: What :meth:`AsyncSession.snapshot` raises.
        """
        async with self.service.admitted(caller, owned.request, CpuMeter(), room, SNAPSHOT_MEMORY):
            return await owned.session.snapshot()

    async def snapshots(self, caller: Caller) -> list[Snapshot]:
        """A client's own snapshots, the oldest first."""
        OWNER.set(caller.name)
        return await self.service.executor.snapshots()

    async def remove_snapshot(self, caller: Caller, id: str) -> None:
        """Remove one of them.

        Raises:
            SnapshotError: The client has none of this id.
        """
        OWNER.set(caller.name)
        await self.service.executor.remove_snapshot(id)

    def reader_of(self, owned: OwnedSession, pid: int) -> anyio.Lock:
        """What whoever reads a process's events holds: one at a time does."""
        return self._readers.setdefault((owned.session.id, pid), anyio.Lock())

    def follow(self, process: AsyncProcess, stdin: bytes, room: Reservation) -> None:
        """Look after a process that runs beside others, until its end.

        Args:
            process: The process.
            stdin: Its whole input, or what is typed first into its terminal; empty if its
                owner sends that later.
            room: What the input holds of the server's memory; released once it is read.
        """
        if not stdin:
            room.release()
        else:
            feed = asyncio.create_task(_feed(process, stdin, room))
            self._keep(feed)
            self._keep(asyncio.create_task(_end_with(process, feed)))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._followers.add(task)
        task.add_done_callback(self._followers.discard)

    async def _charge(self, caller: Caller, owned: OwnedSession) -> None:
        """Take what goes on in a session of its owner's day, also what nobody waits for.

        Once a day is used up, it stands still; whatever is asked of it resumes it for a moment.
        """
        admission, session = self.service.admission, owned.session
        while True:
            await asyncio.sleep(CHARGE_DELAY)
            is_over = session.state == "closed"
            admission.charge(caller, await _used(session) or 0.0)
            if is_over:
                self._owned.pop(session.id, None)
                owned.end()
                return
            if admission.is_spent(caller) and session.state == "running":
                with suppress(DryboxError):  # what is under way ends by itself
                    await session.pause()

    def end(self) -> None:
        """Follow nothing any more; the executor closes its sessions."""
        for task in self._followers:
            task.cancel()

    def _check_times(self, **asked: float | None) -> None:
        most = self.service.settings.max_session_lifetime
        for field_, seconds in asked.items():
            if seconds is not None and seconds > most:
                raise InvalidRequest(
                    field_,
                    f"{seconds:,.15g} is more than this server allows",
                    hint=f"Ask for at most {most:,.15g} seconds.",
                )

    @asynccontextmanager
    async def _place(self, caller: Caller, limits: ResourceLimits) -> AsyncIterator[None]:
        """Have a place for one more session until the context is left; then it is open, or not.

        Raises:
            Refused: There is none.
        """
        settings, place = self.service.settings, (caller.name, limits.memory)
        for attempt in range(ATTEMPTS):
            async with self.service.executor.claim_session(*place) as claims:
                self._owned = {item.session.id: item for item in await self._everybodys()}
                taken = [(item.owner, item.limits.memory) for item in self.all()] + self._opening
                check_session_room(settings, *place, taken)
                try:
                    others = [(item.owner, item.memory) for item in claims]
                    check_session_room(settings, *place, taken + others)
                except Refused:
                    if attempt == ATTEMPTS - 1:
                        raise
                else:
                    self._opening.append(place)
                    try:
                        yield
                        return
                    finally:
                        self._opening.remove(place)
            # Several front doors want the last one; each gives way for as long as chance says.
            await anyio.sleep(secrets.SystemRandom().uniform(*PAUSE))


async def _feed(process: AsyncProcess, stdin: bytes, room: Reservation) -> None:
    try:
        with suppress(DryboxError):  # it has ended, or its session has
            await process.stdin.write(stdin)
            if not process.terminal:
                await process.stdin.close()
    finally:
        room.release()


async def _end_with(process: AsyncProcess, task: asyncio.Task[None]) -> None:
    """End a task with a process: what that has not read it never will."""
    try:
        with suppress(DryboxError):
            await process.wait()
    finally:
        task.cancel()


async def _used(session: AsyncSession) -> float | None:
    """CPU seconds that nobody has been charged for yet; None where they are not known."""
    with anyio.move_on_after(CHARGE_TIMEOUT, shield=True), suppress(DryboxError):
        return await session.take_cpu_time()
    return None


def fitted(result: RunResult, room: Reservation) -> RunResult:
    """A result whose memory is counted; without what its code showed, where there is no room.

    Args:
        result: What code came to.
        room: What its request holds, with all the output that there may be.
    """
    if not result.results or room.try_resize(max(room.size, result_size(result))):
        return result
    return without_shown(result)


def _execution(request: SessionRequest) -> ExecutionRequest:
    """What runs in a session, as admission sees that."""
    limits, isolation, timeout = request.limits, request.isolation, request.timeout
    return ExecutionRequest(
        request.language, "", limits=limits, isolation=isolation, timeout=timeout
    )
