"""One execution on a node, as its front door sees it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine

import anyio

from drybox.errors import DryboxError, SandboxLost
from drybox.execution.phases import Emit
from drybox.fleet.cluster import ReplicaGone
from drybox.fleet.member import Member
from drybox.fleet.messages import Reply, RunMessage, aside, pack_run, unpack_reply
from drybox.job import Source


class RemoteRun:
    """One attempt to run one request, on one node.

    Args:
        member: The node.
        id: Name of the execution.
        message: What to run.
        size: About how many bytes that is.

    Attributes:
        has_told: An event of it has been passed on.
    """

    def __init__(self, member: Member, id: str, message: RunMessage, size: int) -> None:
        self._member = member
        self._id = id
        self._message = message
        self._size = size
        self._input_error: Exception | None = None
        self._is_answered = anyio.Event()
        self.has_told = False

    async def execute(self) -> Reply:
        """Run it to its end; cancelling ends it.

        Raises:
            SandboxLost: The node is lost, or its answer.
        """
        return await self._guarded(self._execute())

    async def follow(self, emit: Emit, stdin: Source | None) -> Reply:
        """Run it to its end and pass its events on; cancelling ends it.

        Raises:
            SandboxLost: The node is lost, or its answer.
        """
        return await self._guarded(self._follow(emit, stdin))

    async def kill(self) -> None:
        """End the program; the execution goes on to its result."""
        await self._is_answered.wait()  # a large request goes another way, and may come later
        with contextlib.suppress(ReplicaGone):
            await self._member.call("kill", self._id)

    async def _execute(self) -> Reply:
        data = await aside(self._size, lambda: pack_run(self._message))
        answer = await self._member.execute(self._id, data)
        if answer is None:  # it was lost before it was asked: nothing has begun
            return Reply("refused", reason="lost")
        return await _read(answer)

    async def _start(self) -> Reply:
        data = await aside(self._size, lambda: pack_run(self._message))
        if self._member.lost:  # before it was asked: nothing has begun
            return Reply("refused", reason="lost")
        return await _read(await self._member.call("start", self._member.door, self._id, data))

    async def _follow(self, emit: Emit, stdin: Source | None) -> Reply:
        try:
            reply = await self._start()
        finally:
            self._is_answered.set()
        if reply.kind != "accepted":
            return reply
        pump = asyncio.ensure_future(self._pump(stdin)) if stdin is not None else None
        try:
            while True:
                reply = await _read(await self._member.call("events", self._id))
                for event in reply.events:
                    self.has_told = True
                    await emit(event)
                if reply.kind != "accepted":
                    break
        finally:
            if pump is not None:
                pump.cancel()
                with anyio.CancelScope(shield=True):
                    await asyncio.wait({pump})
        self._check_input()
        return reply

    def _check_input(self) -> None:
        if self._input_error is not None:
            raise self._input_error

    async def _pump(self, stdin: Source) -> None:
        """Pass a program's input on."""
        try:
            while True:
                piece = await stdin()
                await self._member.call("give", self._id, piece)
                if not piece:
                    return
        except ReplicaGone:
            return
        except Exception as error:  # the caller's own
            self._input_error = error
            with contextlib.suppress(ReplicaGone):
                await self._member.call("cancel", self._id)

    async def _guarded(self, work: Coroutine[None, None, Reply]) -> Reply:
        try:
            reply = await work
        except ReplicaGone as gone:
            raise self._lost(str(gone)) from None
        except BaseException:
            with anyio.CancelScope(shield=True), contextlib.suppress(ReplicaGone):
                await self._member.call("cancel", self._id)
            raise
        if reply.kind == "cancelled":
            raise self._lost("it ended the execution, as it no longer heard of this front door")
        return reply

    def _lost(self, reason: str) -> DryboxError:
        return SandboxLost(
            f"node {self._member.info.name} of the fleet was lost while this ran: {reason}",
            hint="Whether the program ran to its end is unknown: run it again only if that does no"
            " harm.",
        )


async def _read(data: bytes) -> Reply:
    return await aside(len(data), lambda: unpack_reply(data))
