"""One machine of a fleet: an ordinary executor, and who has it run what. Knows nothing of Ray."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace

import anyio

from drybox.errors import DryboxError, SandboxLost
from drybox.execution.cpu_meter import CpuMeter
from drybox.execution.kill_switch import KillSwitch
from drybox.execution.phases import Emit
from drybox.execution.validation import check_caps, make_job
from drybox.executor.async_executor import AsyncCodeExecutor
from drybox.executor.settings import ExecutorSettings
from drybox.fleet.exchange.answers import Answers
from drybox.fleet.messages import (
    Load,
    Reply,
    aside,
    pack,
    pack_answer,
    pack_load,
    pack_reply,
    size_of,
    unpack,
    unpack_run,
)
from drybox.fleet.node_run import NodeRun
from drybox.fleet.sessions.messages import SessionReply
from drybox.fleet.sessions.node import NodeSessions
from drybox.fleet.slots.held import HeldSlots
from drybox.job import OWNER, ExecutionCaps, Source
from drybox.model import ExecutionRequest, ExecutionResult, PoolCount
from drybox.monitoring.stages import StageRecorder
from drybox.sessions.base import AsyncSession
from drybox.sessions.request import SessionRequest
from drybox.sessions.snapshots.store import SnapshotStore

DOOR_TIMEOUT = 8.0
"""Seconds after which a front door that says nothing has gone, and what it runs is ended."""

EMPTY_TIMEOUT = 15.0
"""Seconds after which a node without any front door ends itself."""

CALLS_AT_ONCE = 4096
"""Calls that a node takes at once; there are up to three for an execution."""

REMEMBERED_RUNS = 100_000
"""Names of executions that a node knows again."""


_log = logging.getLogger("drybox.fleet")


class NodeExecutor(AsyncCodeExecutor):
    """An executor whose caller names the executions."""

    async def run(
        self,
        id: str,
        request: ExecutionRequest,
        caps: ExecutionCaps,
        emit: Emit | None,
        stdin: Source | None,
        switch: KillSwitch,
        meter: CpuMeter,
    ) -> ExecutionResult:
        """Run one request under a name that is given."""
        language, job = make_job(request, self._defaults)
        job = replace(job, caps=check_caps(caps))
        return await self._execute(id, language, job, emit, stdin, switch, meter)

    def snapshot_store(self) -> SnapshotStore:
        """What keeps the files of sessions."""
        return self._snapshots

    async def open_named(self, id: str, request: SessionRequest) -> AsyncSession:
        """Open a session under a name that is given."""
        from drybox.sessions.opening import make_session
        from drybox.sessions.store import Wanted

        self._open_tasks()
        language, job, terms, snapshot = make_session(request, {}, self._defaults)
        pool = await self._selector.choose(job.isolation, language, job.version)
        job, environment = await self._environments.find(job, pool)
        return await self._session_store().open(
            Wanted(id, language, job, pool, environment, terms, snapshot)
        )


class Node:
    """What a replica does.

    Everything but :meth:`report` and :meth:`expire` is called in one event loop.

    Args:
        settings: The executor's.
        version: Of this drybox.
        clock: Seconds that only go forward.
    """

    def __init__(
        self,
        settings: ExecutorSettings,
        version: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._executor = NodeExecutor.from_settings(settings)
        self._version = version
        self._clock = clock
        self._lock = threading.Lock()
        self._doors: dict[str, float] = {}
        self._last_door = clock()
        self._runs: dict[str, NodeRun] = {}
        self._taken = 0
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._sessions = NodeSessions(self._executor.open_named, self._executor.snapshot_store)
        self._slots = HeldSlots(
            *(lambda: self._executor.concurrency, lambda: self._taken, self._owners, clock)
        )
        self._running: set[asyncio.Task[None]] = set()
        self._answers: dict[str, Answers] = {}
        self._stages: StageRecorder | None = None
        self._opened: anyio.Event | None = None
        self._ticked = clock()
        self._closed = ""

    async def exchange(self, door: str, data: bytes) -> bytes:
        """Begin executions that nobody follows, and return answers of some that have ended."""
        answers = self._answers.setdefault(door, Answers())
        for id, message in unpack(data):
            run = self._admit(door, id, message)
            if isinstance(run, Reply):
                answers.put(id, pack_reply(run))
            else:
                task = asyncio.get_running_loop().create_task(self._answered(run, answers))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
        return pack(await answers.next())

    async def _answered(self, run: NodeRun, answers: Answers) -> None:
        """Run it, and have its front door told."""
        try:
            reply = await self._run(run, None)
        except Exception:
            _log.exception("an execution failed")
            reply = self._lost("something in drybox went wrong; its log has it")
        answers.put(run.id, await aside(size_of(reply), lambda: pack_reply(reply)))

    async def start(self, door: str, id: str, data: bytes) -> bytes:
        """Begin one execution that somebody follows with :meth:`events`."""
        run = self._admit(door, id, data)
        if isinstance(run, Reply):
            return pack_reply(run)
        run.begin(self._run(run, run.emit))
        return pack_reply(Reply("accepted"))

    async def events(self, id: str) -> bytes:
        """What has happened since the last call, as soon as there is something."""
        run = self._runs.get(id)
        if run is None:
            return pack_reply(self._lost())
        reply = await run.next()
        if reply.kind != "accepted":
            self._runs.pop(id, None)
        return await aside(size_of(reply), lambda: pack_reply(reply))

    async def give(self, id: str, data: bytes) -> bytes:
        """A piece of a program's input, b"" at its end; returns once it is taken."""
        run = self._runs.get(id)
        return b"" if run is None else await run.give(data)

    async def kill(self, id: str) -> bytes:
        """End the program; its execution goes on to its result."""
        run = self._runs.get(id)
        if run is not None:
            await run.switch.throw()
        return b""

    async def cancel(self, id: str) -> bytes:
        """End the execution, and return when its sandbox is given up. It may come before it."""
        run = self._runs.get(id)
        if run is None:
            self._remember(id)
            return b""
        run.cancel()
        await run.ended.wait()
        self._runs.pop(id, None)
        return b""

    async def want(self, door: str, owner: str) -> bytes:
        """Have the next slot held for a front door; b"1" once it is, b"" if it will not be."""
        if self._closed or not self._knows(door):
            return b""
        return b"1" if await self._slots.want(door, owner) else b""

    async def give_back(self, door: str) -> bytes:
        """A front door has no use for slots that it wants or that are held for it."""
        self._slots.give_back(door)
        return b""

    def _owners(self) -> Iterator[str]:
        return (run.message.owner for run in self._runs.values() if not run.ended.is_set())

    async def session(self, door: str, name: str, data: bytes) -> bytes:
        """See :meth:`NodeSessions.ask`."""
        if not self._knows(door):
            return pack_answer(SessionReply("refused"))
        await self.open()
        return await self._sessions.ask(door, name, data)

    async def cancel_session(self, name: str) -> bytes:
        """See :meth:`NodeSessions.cancel`."""
        return await self._sessions.cancel(name)

    async def ask(self, what: str, argument: str = "") -> bytes:
        """What the executor knows: ``languages``, ``environments``, or whether it can run one."""
        await self.open()
        try:
            if what == "probe":
                await self._executor.probe(argument)
                return pack_answer()
            if what == "prepare":
                await self._executor.prepare_languages()
                return pack_answer()
            if what == "environments":
                return pack_answer(await self._executor.environments())
            return pack_answer(await self._executor.languages())
        except DryboxError as error:
            return pack_answer(error=error)

    async def tick(self) -> None:
        """Say that the event loop turns, and end what belongs to front doors that have gone."""
        self._ticked = now = self._clock()
        with self._lock:
            gone = {door for door, heard in self._doors.items() if now - heard > DOOR_TIMEOUT}
            for door in gone:
                del self._doors[door]
        for run in list(self._runs.values()):
            if run.door in gone:
                run.cancel()
        for door in [door for door in self._answers if self._has_gone(door)]:
            self._answers.pop(door).release()
        for id in [id for id, run in self._runs.items() if run.ended.is_set()]:
            if self._runs[id].door not in self._doors:
                del self._runs[id]
        self._sessions.forget_doors(self._has_gone)
        self._slots.forget_doors(self._has_gone)

    def _has_gone(self, door: str) -> bool:
        return door not in self._doors

    async def leave(self, door: str) -> bool:
        """A front door says goodbye: end what it runs.

        Returns:
            Whether it was the last one.
        """
        with self._lock:
            self._doors.pop(door, None)
        for id, run in list(self._runs.items()):
            if run.door == door:
                await self.cancel(id)
        self._slots.forget_doors(self._has_gone)
        self._sessions.forget_doors(self._has_gone)
        await self._sessions.settle()
        return not self._doors

    async def close(self, reason: str) -> None:
        """End everything; whoever waits is told that it is lost, and why."""
        self._closed = reason
        self._slots.forget_doors(lambda _: True)
        for run in list(self._runs.values()):
            run.cancel()
        await self._sessions.close(reason)
        await self._executor.aclose()

    def report(self, door: str) -> bytes:
        """What there is to know of the node; the front door is there. Safe from any thread."""
        now = self._clock()
        with self._lock:
            if door:
                self._doors[door] = self._last_door = now
            return pack_load(
                Load(
                    self._version,
                    self._executor.concurrency,
                    self._taken,
                    self._pools(),
                    bool(self._closed),
                    os.getpid(),
                    max(0.0, now - self._ticked),
                    self._sessions.count,
                )
            )

    def is_abandoned(self) -> bool:
        """Whether no front door has been there for long. Safe from any thread."""
        with self._lock:
            return self._clock() - self._last_door > EMPTY_TIMEOUT

    def _pools(self) -> tuple[PoolCount, ...]:
        if self._opened is None or not self._opened.is_set():
            return ()
        return tuple(self._executor.pools())

    def _admit(self, door: str, id: str, data: bytes) -> NodeRun | Reply:
        if self._closed:
            return Reply("refused", reason="ending")
        if id in self._seen:
            return self._lost("it has begun there already")
        if not self._knows(door):
            return Reply("refused", reason="unknown")
        if not self._slots.take(door):
            return Reply("refused", reason="full")
        self._remember(id)
        run = self._runs[id] = NodeRun(door, id, unpack_run(data))
        self._taken += 1
        run.switch.is_thrown = run.message.killed
        return run

    def _knows(self, door: str) -> bool:
        """Whether a front door is there.

        What was sent before this node stood still comes when its front door has given it up, under
        that name: nobody would wait for it or end it.
        """
        with self._lock:
            return door in self._doors

    def _remember(self, id: str) -> None:
        self._seen[id] = None
        if len(self._seen) > REMEMBERED_RUNS:
            self._seen.popitem(last=False)

    async def _run(self, run: NodeRun, emit: Emit | None) -> Reply:
        message = run.message
        stdin = run.take if message.streamed else None
        reply = Reply("cancelled")
        meter = CpuMeter()
        if message.traced:
            self._record(run.id)
        OWNER.set(message.owner)  # as where the server and the sandbox are on one machine
        try:
            with run.scope:
                try:
                    await self.open()
                    result = await self._executor.run(
                        run.id, message.request, message.caps, emit, stdin, run.switch, meter
                    )
                    # Who follows has it as an event.
                    told = result if emit is None else None
                    reply = Reply("result", told, cpu_time=meter.seconds)
                except DryboxError as error:
                    reply = Reply("error", error=error, cpu_time=meter.seconds)
        finally:
            stages = self._stages.take(run.id) if self._stages is not None else ()
            run.ended.set()
            self._taken -= 1
            if emit is None:
                self._runs.pop(run.id, None)
            self._slots.offer()
        if reply.kind == "cancelled":
            reply = Reply("cancelled", cpu_time=meter.seconds)
            return self._lost() if self._closed else reply
        return replace(reply, stages=stages) if stages else reply

    def _record(self, id: str) -> None:
        """Note the stages of an execution, for the front door's traces."""
        if self._stages is None:  # nobody wanted any so far
            self._stages = StageRecorder()
            self._executor.observe(self._stages)
        self._stages.want(id)

    def _lost(self, reason: str = "") -> Reply:
        words = reason or self._closed or "it knows nothing of it"
        hint = "Whether the program ran is unknown: run it again only if that does no harm."
        return Reply("error", error=SandboxLost(f"a node of the fleet says: {words}.", hint=hint))

    async def open(self) -> None:
        """Open the executor. Idempotent."""
        if self._opened is None:
            self._opened = anyio.Event()
            try:
                await self._executor.open()
            finally:
                self._opened.set()
        await self._opened.wait()
