"""The one way to an execution that every route takes: through the gate, to the executor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import anyio
from starlette.requests import HTTPConnection

from drybox.errors import Unsupported
from drybox.event_stream import EventStream
from drybox.executor import AsyncCodeExecutor
from drybox.http.admission import Caller, Gate, Ticket
from drybox.http.ceilings import check_ceilings
from drybox.http.problems import Problem, Refused
from drybox.http.readiness import Readiness
from drybox.http.sites import check_site
from drybox.model import UNBOUNDED, Bounds, Event, ExecutionRequest, ExecutionResult, ResourceLimits
from drybox.protocols import Source
from drybox.settings import ServerSettings


class Service:
    """What routes hold.

    Args:
        executor: Runs the requests; open while the service is used.
        gate: Admits them.
        settings: The server's.
    """

    def __init__(self, executor: AsyncCodeExecutor, gate: Gate, settings: ServerSettings) -> None:
        self.executor = executor
        self.gate = gate
        self.settings = settings
        self.is_draining = False
        self._readiness = Readiness(executor)
        self._running: set[anyio.CancelScope] = set()
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
            raise Refused(Problem("unavailable", problem, hint, {"Retry-After": "5"}))

    async def get_ready(self) -> None:
        """Find out whether programs can run before somebody asks; the first has much to prepare."""
        await self._readiness.problem()

    async def identify(self, connection: HTTPConnection) -> Caller:
        """Who asks.

        Raises:
            Refused: Nobody who may, or a page of another site in somebody's browser.
        """
        check_site(connection, self.settings, asks_for_keys=self.gate.asks_for_keys)
        return await self.gate.identify(connection)

    async def execute(self, caller: Caller, request: ExecutionRequest) -> ExecutionResult:
        """Run one request to its end.

        Raises:
            Refused: It may not run, or the server went down meanwhile.
            DryboxError: What :meth:`AsyncCodeExecutor.execute` raises.
        """
        run = self.executor.prepare(request)
        async with self._admitted(caller, request) as ticket:
            result = await run()
            self._hear(ticket, result)
            return result

    @asynccontextmanager
    async def follow(
        self,
        caller: Caller,
        request: ExecutionRequest,
        stdin: Source | None = None,
        bounds: Bounds = UNBOUNDED,
    ) -> AsyncIterator[Followed]:
        """Run one request and follow it; leaving the context ends it.

        Raises:
            Refused: It may not run, or the server went down meanwhile.
            DryboxError: What iterating over :meth:`AsyncCodeExecutor.stream` raises.
        """
        stream = self.executor.stream(request, stdin=stdin, bounds=bounds)
        async with self._admitted(caller, request) as ticket, stream as events:
            yield Followed(events, partial(self._hear, ticket))

    def _hear(self, ticket: Ticket, result: ExecutionResult) -> None:
        self._readiness.ran(result)
        ticket.finish(result)

    async def drain(self, seconds: float) -> None:
        """Take nothing new, wait for what runs, and end it after so many seconds."""
        self.is_draining = True
        with anyio.move_on_after(seconds):
            await self._wait_until_idle()
            return
        for scope in list(self._running):
            scope.cancel()
        await self._wait_until_idle()

    async def _wait_until_idle(self) -> None:
        while self._running:
            self._idle = anyio.Event()
            await self._idle.wait()

    @asynccontextmanager
    async def _admitted(self, caller: Caller, request: ExecutionRequest) -> AsyncIterator[Ticket]:
        if self.is_draining:
            raise Refused(_going_down("nothing of this request ran"))
        check_ceilings(request, self.settings, self.limits)
        with anyio.CancelScope() as scope:
            self._running.add(scope)
            try:
                async with self.gate.enter(caller, request) as ticket:
                    yield ticket
            except Unsupported as error:
                raise _unsupported(error, request) from error
            finally:
                self._running.discard(scope)
                if not self._running:
                    self._idle.set()
        if scope.cancelled_caught:
            raise Refused(_going_down("it ended what still ran at its deadline"))


class Followed:
    """The events of an execution.

    Args:
        events: The executor's.
        hear: Is told the result, before the follower.
    """

    def __init__(self, events: EventStream, hear: Callable[[ExecutionResult], None]) -> None:
        self._events = events
        self._hear = hear

    def __aiter__(self) -> Followed:
        return self

    async def kill(self) -> None:
        """End the program; the events go on to the result."""
        await self._events.kill()

    async def __anext__(self) -> Event:
        event = await self._events.__anext__()
        if event.result is not None:
            self._hear(event.result)
        return event


def _going_down(what: str) -> Problem:
    retry = {"Retry-After": "1", "Connection": "close"}
    return Problem(
        "draining", f"The server is shutting down; {what}.", "Ask another, or try again.", retry
    )


def _unsupported(error: Unsupported, request: ExecutionRequest) -> Exception:
    """Whose fault it is: a client that asks for what is not here, or a host that lacks it."""
    asked = request.isolation not in (None, "auto") or "@" in request.language
    return error if asked else Refused(Problem("unavailable", error.message, error.hint))
