"""The sync executor: a thin facade over the async one, whose event loop runs in a thread."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from drybox.backends.base import Support
from drybox.environments.info import EnvironmentInfo
from drybox.errors import InvalidRequest, SandboxLost, SessionClosed
from drybox.executor.async_executor import AsyncCodeExecutor
from drybox.executor.base import ServedExecutor
from drybox.executor.calls import Calls
from drybox.executor.loop_thread import LoopThread
from drybox.executor.many import Done, listed
from drybox.executor.request_fields import request_of
from drybox.executor.settings import ExecutorSettings, takes_settings
from drybox.job import ExecutionCaps, Source
from drybox.model import (
    Event,
    ExecutionRequest,
    ExecutionResult,
    LanguageInfo,
    PoolCount,
)
from drybox.sessions.request import SessionRequest
from drybox.sessions.results import Snapshot
from drybox.sessions.sync import Session

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from drybox.executor.request_fields import RequestFields
    from drybox.sessions.request import SessionFields

T = TypeVar("T")


class SyncExecutor(Calls):
    """An executor for code that is not async; the async one behind it runs in a thread.

    Args:
        executor: The async one.
    """

    def __init__(self, executor: ServedExecutor) -> None:
        self._executor = executor
        self._lock = threading.Lock()
        self._thread: LoopThread | None = None
        self._pid = 0
        self._closed = False

    def open(self) -> Self:
        """Get ready, which the first execution does too. Idempotent.

        Returns:
            This executor.

        Raises:
            InvalidRequest: It has been closed.
        """
        self._open()
        return self

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _execute(self, request: ExecutionRequest) -> ExecutionResult:
        return self._call(self._executor.execute, request)

    def execute_many(
        self, requests: Sequence[ExecutionRequest], *, progress: Done | None = None
    ) -> list[ExecutionResult]:
        """Run requests side by side; see :meth:`drybox.AsyncCodeExecutor.execute_many`."""
        return self._call(partial(self._executor.execute_many, listed(requests), progress=progress))

    def _stream(
        self, request: ExecutionRequest, stdin: Source | None, caps: ExecutionCaps
    ) -> Iterator[Event]:
        async def begin() -> Any:
            return self._executor.stream(request, stdin=stdin, caps=caps)

        return self._follow(self._call(begin))

    def open_session(
        self, request: SessionRequest | str, **fields: Unpack[SessionFields]
    ) -> Session:
        """Open a session; see :meth:`drybox.AsyncCodeExecutor.open_session`."""
        opened = self._call(partial(self._executor.open_session, request, **fields))
        return Session(opened, self._call_session)

    @contextmanager
    def session(
        self, request: SessionRequest | str, **fields: Unpack[SessionFields]
    ) -> Iterator[Session]:
        """What :meth:`open_session` does; the session is closed where the context is left."""
        session = self.open_session(request, **fields)
        try:
            yield session
        finally:
            if not self._closed:
                session.close()

    def sessions(self) -> list[Session]:
        """The sessions that are open, the oldest first."""
        found = self._call(self._executor.sessions)
        return [Session(session, self._call_session) for session in found]

    def snapshots(self) -> list[Snapshot]:
        """The snapshots that sessions can begin with, the oldest first."""
        return self._call(self._executor.snapshots)

    def remove_snapshot(self, snapshot: Snapshot | str) -> None:
        """Remove a snapshot; see :meth:`drybox.AsyncCodeExecutor.remove_snapshot`."""
        self._call(self._executor.remove_snapshot, snapshot)

    def _call_session(self, function: Callable[..., Awaitable[T]], *arguments: object) -> T:
        if self._closed:
            raise SessionClosed(
                "closed", "the session is closed, as its executor is.", hint="Open another one."
            )
        try:
            return self._call(function, *arguments)
        except SandboxLost as error:
            if self._closed:
                raise SessionClosed(
                    "closed", "the session's executor was closed.", hint="Open another one."
                ) from error
            raise

    def languages(self) -> list[LanguageInfo]:
        """Every known language, and the version that the default isolation would run."""
        return self._call(self._executor.languages)

    def environments(self) -> list[EnvironmentInfo]:
        """The environments that requests may name; built is what is, for the default isolation."""
        return self._call(self._executor.environments)

    def pools(self) -> list[PoolCount]:
        """What the pools hold and have served so far, by isolation and language."""
        return self._executor.pools()

    def close(self) -> None:
        """End what still runs and take everything away. Idempotent."""
        with self._lock:
            self._closed = True
            thread, self._thread = self._thread, None
        if thread is not None and self._pid == os.getpid():
            thread.close()

    def _follow(self, events: Any) -> Iterator[Event]:
        try:
            while True:
                try:
                    yield self._call(events.__anext__)
                except StopAsyncIteration:
                    return
        finally:
            if not self._closed:  # else it has ended already
                self._call(events.aclose)

    def _call(self, function: Callable[..., Awaitable[T]], *arguments: object) -> T:
        try:
            return self._open().call(function, *arguments)
        except CancelledError:
            raise SandboxLost(
                "the executor was closed while this ran.",
                hint="Close it after the last result, or run this again.",
            ) from None

    def _open(self) -> LoopThread:
        with self._lock:
            if self._closed:
                raise InvalidRequest("executor", "it is closed", hint="Make a new one.")
            if self._thread is not None and self._pid != os.getpid():
                raise InvalidRequest(
                    "executor",
                    "it belongs to the process that this one was forked from",
                    hint="Make a new one after the fork.",
                )
            if self._thread is None:
                self._pid = os.getpid()
                self._thread = LoopThread(self._executor)
            return self._thread


class CodeExecutor(SyncExecutor):
    """Runs code in sandboxes. Use it in ``with``, or call :meth:`open` and :meth:`close`.

    Safe to share between threads. The arguments are the fields of
    :class:`drybox.executor.settings.ExecutorSettings`.

    Raises:
        InvalidRequest: One of these is wrong.
    """

    @takes_settings(ExecutorSettings)
    def __init__(self, settings: ExecutorSettings) -> None:
        self._here = AsyncCodeExecutor.from_settings(settings)
        super().__init__(self._here)

    def check(self) -> list[Support]:
        """What each isolation can guarantee on this host, in the order of their words."""
        return self._call(self._here.check)

    def build_environment(
        self,
        name: str,
        *,
        isolation: str | None = None,
        lock: str | os.PathLike[str] | None = None,
        progress: Callable[[str, int, int], None] = lambda what, done, total: None,
    ) -> EnvironmentInfo:
        """Build one now; see :meth:`drybox.AsyncCodeExecutor.build_environment`."""
        build = self._here.build_environment
        return self._call(partial(build, name, isolation=isolation, lock=lock, progress=progress))

    def lock_environment(
        self,
        name: str,
        *,
        isolation: str | None = None,
        progress: Callable[[str, int, int], None] = lambda what, done, total: None,
    ) -> str:
        """Find out anew what is in one; see :meth:`drybox.AsyncCodeExecutor.lock_environment`."""
        lock = self._here.lock_environment
        return self._call(partial(lock, name, isolation=isolation, progress=progress))


_shared: CodeExecutor | None = None
_shared_lock = threading.Lock()


def execute(
    language: str, code: str | None = None, **fields: Unpack[RequestFields]
) -> ExecutionResult:
    """Run one program: ``execute("python", "print('Hello')")``.

    The first call makes an executor with default settings, which later calls share and
    which is closed as Python ends.

    Args:
        language: Name or alias, with an optional version.
        code: The source.
        **fields: Further fields of :class:`drybox.ExecutionRequest`: ``files``, ``entrypoint``,
            ``stdin``, ``args``, ``env``, ``timeout`` in seconds, ``limits``, ``packages``,
            ``artifacts``, ``isolation``, ``environment``.

    Raises:
        InvalidRequest: The request is wrong.
        Unsupported: What it asks for cannot be enforced here.
        Unavailable: No sandbox could be had; nothing ran.
    """
    global _shared
    request = request_of(language, code, fields)
    with _shared_lock:
        if _shared is None:
            _shared = CodeExecutor()
            atexit.register(_shared.close)
    return _shared.execute(request)


def _forget_shared() -> None:
    """A forked child has none of the parent's threads, and must not end its sandboxes."""
    global _shared, _shared_lock
    if _shared is not None:
        atexit.unregister(_shared.close)
    _shared, _shared_lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_shared)
