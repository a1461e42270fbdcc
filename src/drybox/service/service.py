"""The service: takes every route's requests through admission to the executor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

import anyio
import anyio.lowlevel

from drybox.errors import InvalidRequest, Unsupported
from drybox.execution.cpu_meter import CpuMeter
from drybox.execution.phases import MAX_ARTIFACTS
from drybox.executor.base import Events, ServedExecutor
from drybox.job import OWNER, QUEUE_TIMEOUT, UNCAPPED, ExecutionCaps, Source
from drybox.model import (
    Event,
    ExecutionRequest,
    ExecutionResult,
    PreparationProgress,
    ResourceLimits,
)
from drybox.service.admission import Admission, AdmissionController, Caller
from drybox.service.event_buffer import EventBuffer
from drybox.service.json_pieces import size_of
from drybox.service.memory_budget import (
    MARGIN,
    MEMORY,
    MEMORY_EACH,
    PARSED,
    UNCOUNTED,
    MemoryBudget,
    Reservation,
)
from drybox.service.readiness import Readiness
from drybox.service.refusals import Problem, Refused, without_places
from drybox.service.request_limits import check_request_limits
from drybox.settings import ServerSettings

COPIES = 2
"""How often output may be there at once: as it comes, and as a result."""

LAST_WORDS = 2.0
"""Seconds for clients to be told, once nothing runs any more."""

LARGE = 32 << 20
"""Bytes of an answer that have to be free before its request has a slot."""


LARGE_REQUEST = 500
"""Characters, files, arguments and variables together from which on a request is a large one."""


class Service:
    """What routes hold.

    Args:
        executor: Runs the requests; open while the service is used.
        controller: Admits them.
        settings: The server's.
    """

    def __init__(
        self, executor: ServedExecutor, controller: AdmissionController, settings: ServerSettings
    ) -> None:
        self.executor = executor
        self.admission = controller
        self.settings = settings
        self.memory = MemoryBudget(_memory(settings, executor.limits, executor.concurrency))
        self.parsing = anyio.CapacityLimiter(1)
        self.is_draining = False
        self._readiness = Readiness(executor)
        self._running: set[anyio.CancelScope] = set()
        self._answering = 0
        self._idle = anyio.Event()

    @property
    def limits(self) -> ResourceLimits:
        """The limits that hold where a request names none."""
        return self.executor.limits

    async def check_ready(self) -> None:
        """See to it that programs can run.

        Raises:
            Refused: They cannot.
        """
        if self.is_draining:
            raise Refused(_going_down("it takes nothing new"))
        problem = await self._readiness.problem()
        if problem:
            hint = "Run 'drybox doctor' where the server runs."
            raise Refused(Problem("unavailable", problem, hint, retry_after=5))

    async def get_ready(self) -> None:
        """Find out whether programs can run, and prepare every language, before somebody asks."""
        await self._readiness.problem()
        await self.executor.prepare_languages()

    def preparations(self, language: str = "") -> list[PreparationProgress]:
        """What is being made before programs can run, without the host's paths.

        Args:
            language: Name of the language that it is for; all of them if "".
        """
        return [
            replace(item, label=without_places(item.label))
            for item in self.executor.preparations()
            if language in ("", item.language)
        ]

    async def identify(self, token: str | None, *, begins: bool = True) -> Caller:
        """Who asks.

        Args:
            token: The key that was shown; None for none.
            begins: Whether an execution is to begin.

        Raises:
            Refused: Nobody who may.
        """
        return await self.admission.identify(token, begins=begins)

    async def execute(
        self, caller: Caller, request: ExecutionRequest, room: Reservation
    ) -> ExecutionResult:
        """Run one request to its end.

        Args:
            caller: Who asks.
            request: The program.
            room: What the request holds of the server's memory; its result will, too.

        Raises:
            Refused: It may not run, or the server went down meanwhile.
            DryboxError: What :meth:`Executor.execute` raises.
        """
        meter = CpuMeter()
        await _let_others_go_first(request)
        run = self.executor.prepare(request, meter)
        await _let_others_go_first(request)
        held = room.size
        need = _answer_size(request.limits or self.limits, bool(request.artifacts))
        async with self.admitted(caller, request, meter, room, need) as admission:
            result = await run()
            self._hear(admission, result)
        room.try_resize(held + size_of(result))
        return result

    @asynccontextmanager
    async def stream(
        self,
        caller: Caller,
        request: ExecutionRequest,
        room: Reservation,
        stdin: Source | None = None,
        caps: ExecutionCaps = UNCAPPED,
        queue_timeout: float | None = None,
    ) -> AsyncIterator[StreamedEvents]:
        """Run one request and follow it; leaving the context ends it.

        It goes on at its own pace: a client that is slow to read holds nothing up but its own
        answer.

        Args:
            caller: Who asks.
            request: The program.
            room: What the request holds of the server's memory; its result will, too.
            stdin: Gives the program's input; the request's own if None.
            caps: What it is held to beside its limits.
            queue_timeout: Seconds that it may wait for a slot; the server's if None.

        Raises:
            Refused: It may not run, or the server went down meanwhile; on iterating.
            DryboxError: What iterating over :meth:`Executor.stream` raises.
        """
        meter = CpuMeter()
        await _let_others_go_first(request)
        stream = self.executor.follow(request, stdin, caps, meter)
        buffer = EventBuffer()

        async def run() -> None:
            need = _answer_size(request.limits or self.limits, bool(request.artifacts))
            timeout = self.executor.timeout if request.timeout is None else request.timeout
            deadline = 0.0  # what a compiler says is little
            try:
                async with (
                    self.admitted(caller, request, meter, room, need, queue_timeout) as admission,
                    stream as events,
                ):
                    async for event in events:
                        if event.result is not None:
                            self._hear(admission, event.result)
                        if event.type == "phase" and event.phase == "run" and deadline == 0.0:
                            deadline = anyio.current_time() + timeout
                        await buffer.put(event, deadline)
            except Exception as error:  # the follower's, after the events
                buffer.end(error)
            else:
                buffer.end()

        failed: Exception | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            try:
                yield StreamedEvents(buffer, stream)
            except Exception as error:  # raised below: a task group would wrap it
                failed = error
            tasks.cancel_scope.cancel()
        if failed is not None:
            raise failed

    def _hear(self, admission: Admission, result: ExecutionResult) -> None:
        self._readiness.ran(result)
        admission.finish(result)

    async def drain(self, seconds: float) -> None:
        """Take nothing new, wait for what runs, and end it after so many seconds."""
        self.is_draining = True
        with anyio.move_on_after(seconds):
            await self._wait_until_idle()
            return
        for scope in list(self._running):
            scope.cancel()
        await self._wait_until_idle()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """While a client is told what became of its request; going down waits for that, a while."""
        self._answering += 1
        try:
            yield
        finally:
            self._answering -= 1
            self._idle.set()

    async def _wait_until_idle(self) -> None:
        while self._running:
            self._idle = anyio.Event()
            await self._idle.wait()
        with anyio.move_on_after(LAST_WORDS):
            while self._answering:
                self._idle = anyio.Event()
                await self._idle.wait()

    @asynccontextmanager
    async def admitted(
        self,
        caller: Caller,
        request: ExecutionRequest,
        meter: CpuMeter,
        room: Reservation,
        need: int,
        queue_timeout: float | None = None,
    ) -> AsyncIterator[Admission]:
        """Wait for the right to run something; it lasts until the context is left.

        Args:
            caller: Who asks.
            request: What is to run.
            meter: What that has taken of the processor by the time that the context is left.
            room: What the request holds of the server's memory.
            need: Bytes that its answer may come to take.
            queue_timeout: Seconds that it may wait for a slot; the server's if None.

        Raises:
            Refused: It may not run, or the server went down meanwhile.
        """
        if self.is_draining:
            raise Refused(_going_down("nothing of this request ran"))
        check_request_limits(request, self.settings, self.limits)
        timeout = self.settings.queue_timeout if queue_timeout is None else queue_timeout
        OWNER.set(caller.name)
        QUEUE_TIMEOUT.set(timeout)
        size = room.size + need
        if need > LARGE:
            # It waits here: a slot is not for waiting in.
            await room.resize(size, timeout)
        async with self.until_the_end():
            try:
                async with self.admission.admit(caller, request, meter, queue_timeout) as admission:
                    await room.resize(size, 0.0)
                    yield admission
            except Unsupported as error:
                raise _unsupported(error, request) from error

    @asynccontextmanager
    async def until_the_end(self) -> AsyncIterator[None]:
        """While something runs that the server's end waits for, a while, and then ends.

        Raises:
            Refused: The server's end has ended it.
        """
        with anyio.CancelScope() as scope:
            self._running.add(scope)
            try:
                yield
            finally:
                self._running.discard(scope)
                if not self._running:
                    self._idle.set()
        if scope.cancelled_caught:
            raise Refused(_going_down("it ended what still ran at its deadline"))


class StreamedEvents:
    """The events of an execution.

    Args:
        buffer: Where they are.
        stream: The executor's.
    """

    def __init__(self, buffer: EventBuffer, stream: Events) -> None:
        self._buffer = buffer
        self._stream = stream

    def __aiter__(self) -> StreamedEvents:
        return self

    async def kill(self) -> None:
        """End the program; the events go on to the result."""
        await self._stream.kill()

    async def __anext__(self) -> Event:
        return await self._buffer.get()


def _answer_size(limits: ResourceLimits, with_artifacts: bool) -> int:
    """Bytes that an answer may come to take."""
    output = 2 * limits.output * COPIES
    return output + (min(limits.disk, MAX_ARTIFACTS) if with_artifacts else 0)


def _memory(settings: ServerSettings, limits: ResourceLimits, concurrency: int) -> int:
    """What there is to share: some is set aside for what is not counted one by one."""
    aside = settings.connections * UNCOUNTED + PARSED * settings.max_body
    one = max(_answer_size(most, True) for most in (settings.max_limits, limits))
    least = aside + 2 * (one + 2 * settings.max_body) + MARGIN
    memory = settings.memory_budget
    if memory is None:
        memory = max(MEMORY + concurrency * MEMORY_EACH, least)
    if memory < least:
        raise InvalidRequest(
            "server.memory_budget",
            f"{memory:,} bytes are too few for the largest request that this server takes",
            hint=f"Give it at least {least:,}, or lower server.connections, server.max_body or"
            " max_limits.output.",
        )
    return memory - aside


async def _let_others_go_first(request: ExecutionRequest) -> None:
    """After each step that reads all of a large request."""
    texts = len(request.code or "") + len(request.stdin)
    if (
        texts + sum(map(len, (request.files or (), request.args, request.env or ())))
        > LARGE_REQUEST
    ):
        await anyio.lowlevel.checkpoint()


def _going_down(what: str) -> Problem:
    detail = f"The server is shutting down; {what}."
    return Problem("draining", detail, "Ask another, or try again.", retry_after=1)


def _unsupported(error: Unsupported, request: ExecutionRequest) -> Exception:
    """Whose fault it is: a client that asks for what is not here, or a host that lacks it."""
    asked = request.isolation not in (None, "auto") or "@" in request.language
    return error if asked else Refused(Problem("unavailable", error.message, error.hint))
