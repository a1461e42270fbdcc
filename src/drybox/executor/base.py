"""What an executor is, wherever its programs run: on this host, on a server, on a fleet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, overload

from anyio import CancelScope

from drybox.errors import Unsupported
from drybox.execution.cpu_meter import CpuMeter
from drybox.execution.phases import OperatorLimits
from drybox.executor.many import Done
from drybox.executor.request_fields import request_of, streamed_request
from drybox.job import UNCAPPED, ExecutionCaps, Source
from drybox.model import (
    Event,
    ExecutionRequest,
    ExecutionResult,
    LanguageInfo,
    PoolCount,
    PreparationProgress,
    ResourceLimits,
)

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from drybox.environments.info import EnvironmentInfo
    from drybox.executor.request_fields import RequestFields, StreamFields
    from drybox.monitoring.observers import Observer
    from drybox.sessions.base import AsyncSession
    from drybox.sessions.request import SessionFields, SessionRequest
    from drybox.sessions.results import Snapshot


class Events(Protocol):
    """The events of one execution, the ``result`` event last; letting go of them ends it."""

    def __aiter__(self) -> Self:
        """Themselves."""

    async def __anext__(self) -> Event:
        """The next one; the first begins the execution."""

    async def kill(self) -> None:
        """End the program; the events go on to the result."""

    async def aclose(self) -> None:
        """End the execution. Idempotent."""

    async def __aenter__(self) -> Self:
        """Themselves."""

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the execution."""


@dataclass(frozen=True, slots=True)
class SharedSession:
    """A session that every front door of a fleet may use.

    Attributes:
        owner: Name of the key that opened it; "" where there are none.
        session: The session.
        request: What it was opened with.
    """

    owner: str
    session: AsyncSession
    request: SessionRequest


@dataclass(frozen=True, slots=True)
class SessionClaim:
    """A session that a front door of a fleet is about to open.

    Attributes:
        owner: Name of the key whose it will be.
        memory: Bytes that its sandbox may take.
    """

    owner: str
    memory: int


class Executor(Protocol):
    """Runs programs.

    Each kind of executor inherits how it is called, and implements ``prepare`` and ``_stream``.
    """

    async def open(self) -> Self:
        """Get ready. Idempotent."""

    async def aclose(self) -> None:
        """End what still runs and take everything away. Idempotent."""

    async def __aenter__(self) -> Self:
        """What :meth:`open` does."""
        return await self.open()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """What :meth:`aclose` does."""
        await self.aclose()

    def prepare(
        self, request: ExecutionRequest
    ) -> Callable[[], Coroutine[None, None, ExecutionResult]]:
        """Check a request; what this returns runs it."""
        raise NotImplementedError

    def _stream(
        self, request: ExecutionRequest, stdin: Source | None, caps: ExecutionCaps
    ) -> Events:
        raise NotImplementedError

    @overload
    async def execute(self, request: ExecutionRequest) -> ExecutionResult: ...

    @overload
    async def execute(
        self, request: str, code: str | None = None, **fields: Unpack[RequestFields]
    ) -> ExecutionResult: ...

    async def execute(
        self,
        request: ExecutionRequest | str,
        code: str | None = None,
        **fields: Unpack[RequestFields],
    ) -> ExecutionResult:
        """Run one program to its end: ``await executor.execute("python", "print(1)")``.

        Args:
            request: What to run, or its language: a name or alias, with an optional version.
            code: The source, where a language came.
            **fields: Further fields of :class:`drybox.ExecutionRequest`, where a language came:
                ``files``, ``entrypoint``, ``stdin``, ``args``, ``env``, ``timeout`` in seconds,
                ``limits``, ``packages``, ``artifacts``, ``isolation``, ``environment``.

        Returns:
            What became of it, whatever the program did.

        Raises:
            InvalidRequest: The request is wrong.
            Unsupported: What it asks for cannot be enforced here.
            Unavailable: No sandbox could be had, or a hook failed; nothing ran.
            Rejected: A hook said no; nothing ran.
        """
        return await self.prepare(request_of(request, code, fields))()

    @overload
    def stream(
        self,
        request: ExecutionRequest,
        *,
        stdin: Source | None = None,
        caps: ExecutionCaps = UNCAPPED,
    ) -> Events: ...

    @overload
    def stream(
        self,
        request: str,
        code: str | None = None,
        *,
        stdin: Source | bytes | str | None = None,
        caps: ExecutionCaps = UNCAPPED,
        **fields: Unpack[StreamFields],
    ) -> Events: ...

    def stream(
        self,
        request: ExecutionRequest | str,
        code: str | None = None,
        *,
        stdin: Source | bytes | str | None = None,
        caps: ExecutionCaps = UNCAPPED,
        **fields: Unpack[StreamFields],
    ) -> Events:
        """Run one program and follow it: ``async for event in executor.stream(request)``.

        Args:
            request: What to run, or its language.
            code: The source, where a language came.
            stdin: Gives the program's input piece by piece, b"" at its end; the request's
                own ``stdin`` if None. Where a language came it may be the whole input.
            caps: What it is held to beside its limits; never more than they allow.
            **fields: Further fields of :class:`drybox.ExecutionRequest`, where a language came.

        Returns:
            The events as they happen, the ``result`` event last. Closing it early ends the
            execution. Iterating raises what :meth:`execute` would.

        Raises:
            InvalidRequest: The request is wrong.
        """
        asked, source = streamed_request(request, code, stdin, fields)
        return self._stream(asked, source, caps)

    async def execute_many(
        self, requests: Sequence[ExecutionRequest], *, progress: Done | None = None
    ) -> list[ExecutionResult]:
        """Run requests side by side. What waits for its turn takes no memory but the request's own.

        Args:
            requests: What to run.
            progress: Called with how many results there are and how many requests, after each one,
                in the thread that executes: it must be quick. What it raises ends the rest.

        Returns:
            Their results, in the order of the requests. One that found no sandbox, or that a
            hook refused, has the status ``sandbox_error``: it takes no other's result along.

        Raises:
            InvalidRequest: One is wrong; none of them ran.
            Unsupported: What one asks for cannot be enforced here.
        """

    async def open_session(
        self, request: SessionRequest | str, **fields: Unpack[SessionFields]
    ) -> AsyncSession:
        """Open a session: a sandbox that is kept until it is closed, idle or old.

        Args:
            request: What to open, or its language: a name or alias, with an optional version.
            **fields: Further fields of :class:`drybox.SessionRequest`, where a language came:
                ``environment``, ``limits``, ``idle_timeout`` and ``max_lifetime`` in seconds,
                ``env``, ``isolation``, ``timeout`` in seconds, ``metadata``, ``snapshot``.

        Raises:
            InvalidRequest: The request is wrong.
            Unsupported: What it asks for cannot be enforced here.
            Unavailable: No sandbox could be had, or a hook failed.
            Rejected: A hook said no.
        """
        raise Unsupported(
            f"a {type(self).__name__} opens no sessions.", hint="Use an AsyncCodeExecutor."
        )

    @asynccontextmanager
    async def session(
        self, request: SessionRequest | str, **fields: Unpack[SessionFields]
    ) -> AsyncIterator[AsyncSession]:
        """What :meth:`open_session` does; the session is closed where the context is left."""
        session = await self.open_session(request, **fields)
        try:
            yield session
        finally:
            with CancelScope(shield=True):
                await session.close()

    async def sessions(self) -> list[AsyncSession]:
        """The sessions that are open, the oldest first."""
        return []

    async def shared_session(self, id: str) -> SharedSession | None:
        """One that any front door may have opened; None if there is none, or it is not shared.

        Raises:
            SessionClosed: This one knew it, and its node was lost.
        """
        return None

    async def shared_sessions(self) -> list[SharedSession]:
        """Those that any front door may have opened, the oldest first."""
        return []

    @asynccontextmanager
    async def claim_session(self, owner: str, memory: int) -> AsyncIterator[Sequence[SessionClaim]]:
        """Have other front doors know that a session is about to be opened.

        Until the context is left, they count it as one that is open.

        Args:
            owner: Name of the key whose it will be.
            memory: Bytes that its sandbox may take.

        Yields:
            What they are about to open; read what is open after that.

        Raises:
            Unavailable: They cannot be told.
        """
        yield ()

    async def snapshots(self) -> list[Snapshot]:
        """The snapshots that sessions can begin with, the oldest first."""
        return []

    async def remove_snapshot(self, snapshot: Snapshot | str) -> None:
        """Remove a snapshot. Sessions that began with it keep their files.

        Args:
            snapshot: The snapshot, or its id.

        Raises:
            SnapshotError: There is none of this id.
        """
        raise Unsupported(
            f"a {type(self).__name__} has no snapshots.", hint="Use an AsyncCodeExecutor."
        )

    async def languages(self) -> list[LanguageInfo]:
        """Every known language, and the version that would run."""

    async def environments(self) -> list[EnvironmentInfo]:
        """The environments that requests may name, and which of them are built."""


class ServedExecutor(Executor, Protocol):
    """An executor that a server can stand in front of: it says what holds and what it has taken."""

    @property
    def timeout(self) -> float:
        """Wall seconds of a run phase, where the request names none."""

    @property
    def limits(self) -> ResourceLimits:
        """Limits of a run phase, where the request names none."""

    @property
    def isolation(self) -> str:
        """The isolation, where the request names none."""

    @property
    def operator(self) -> OperatorLimits:
        """Limits of the phases before ``run``."""

    @property
    def installs(self) -> bool:
        """Whether a request may ask for packages."""

    @property
    def concurrency(self) -> int:
        """Sandboxes that run at once."""

    def prepare(
        self, request: ExecutionRequest, meter: CpuMeter | None = None
    ) -> Callable[[], Coroutine[None, None, ExecutionResult]]:
        """Check a request now; what this returns runs it.

        Args:
            request: What to run.
            meter: Is told what it took of the processor, however it ends.
        """

    def follow(
        self,
        request: ExecutionRequest,
        stdin: Source | None,
        caps: ExecutionCaps,
        meter: CpuMeter | None = None,
    ) -> Events:
        """What :meth:`stream` does, and tell a meter what it took of the processor."""

    async def language(self, name: str) -> LanguageInfo:
        """One of the languages, by name or alias."""

    def isolations(self) -> list[str]:
        """The words that ``isolation`` takes."""

    async def probe(self, language: str) -> None:
        """See to it that a program of this language could run, without running one."""

    async def prepare_languages(self) -> None:
        """Make what programs of each language need, before somebody asks for it."""

    def preparations(self) -> list[PreparationProgress]:
        """What is being made before programs can run, and how far it is."""

    def observe(self, observer: Observer) -> None:
        """Have one more observer follow the executions that begin from now on."""

    def pools(self) -> list[PoolCount]:
        """What the pools hold and have served so far."""
