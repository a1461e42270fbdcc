"""The same for code that is not async: one event loop in a thread behind a thin facade."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from types import TracebackType
from typing import Any, TypeVar

from drybox.errors import InvalidRequest, SandboxLost
from drybox.executor import AsyncCodeExecutor
from drybox.hooks import HOOK_TIMEOUT
from drybox.loop_thread import LoopThread
from drybox.model import (
    UNBOUNDED,
    Bounds,
    Event,
    ExecutionRequest,
    ExecutionResult,
    LanguageInfo,
    ResourceLimits,
)
from drybox.observation import Observer
from drybox.pool import PoolCount
from drybox.protocols import Source, Support
from drybox.settings import COMPILE_CACHE, COMPILE_LIMITS, DockerSettings, PoolSettings

T = TypeVar("T")


class CodeExecutor:
    """Runs code in sandboxes. Use it in ``with``, or call :meth:`close`.

    Safe to share between threads. The arguments are those of
    :class:`drybox.AsyncCodeExecutor`.
    """

    def __init__(
        self,
        timeout: float = 30.0,
        limits: ResourceLimits | None = None,
        isolation: str = "auto",
        *,
        hooks: Iterable[object] = (),
        hook_timeout: float = HOOK_TIMEOUT,
        allow_weaker: Iterable[str] = (),
        concurrency: int | None = None,
        queue_timeout: float | None = None,
        compile_timeout: float = 60.0,
        compile_limits: ResourceLimits = COMPILE_LIMITS,
        package_dir: str | os.PathLike[str] | None = None,
        install_timeout: float = 120.0,
        install_limits: ResourceLimits = COMPILE_LIMITS,
        progress: Callable[[str], None] = lambda _: None,
        docker: DockerSettings | None = None,
        pool: PoolSettings | None = PoolSettings(),  # noqa: B008 - frozen
        observers: Iterable[Observer] = (),
        compile_cache: int | None = COMPILE_CACHE,
    ) -> None:
        self._executor = AsyncCodeExecutor(
            timeout,
            limits,
            isolation,
            hooks=hooks,
            hook_timeout=hook_timeout,
            allow_weaker=allow_weaker,
            concurrency=concurrency,
            queue_timeout=queue_timeout,
            compile_timeout=compile_timeout,
            compile_limits=compile_limits,
            package_dir=package_dir,
            install_timeout=install_timeout,
            install_limits=install_limits,
            progress=progress,
            docker=docker,
            pool=pool,
            observers=observers,
            compile_cache=compile_cache,
        )
        self._lock = threading.Lock()
        self._thread: LoopThread | None = None
        self._pid = 0
        self._closed = False

    def __enter__(self) -> CodeExecutor:
        self._open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def execute(self, request: ExecutionRequest) -> ExecutionResult:
        """Run one request to its end; see :meth:`drybox.AsyncCodeExecutor.execute`."""
        return self._call(self._executor.execute, request)

    def execute_many(self, requests: Sequence[ExecutionRequest]) -> list[ExecutionResult]:
        """Run requests side by side; see :meth:`drybox.AsyncCodeExecutor.execute_many`."""
        return self._call(self._executor.execute_many, requests)

    def stream(
        self,
        request: ExecutionRequest,
        *,
        stdin: Source | None = None,
        bounds: Bounds = UNBOUNDED,
    ) -> Iterator[Event]:
        """Run one request and follow it; see :meth:`drybox.AsyncCodeExecutor.stream`."""

        async def begin() -> Any:
            return self._executor.stream(request, stdin=stdin, bounds=bounds)

        return self._follow(self._call(begin))

    def check(self) -> list[Support]:
        """What each wall can guarantee on this host, in the order of their words."""
        return self._call(self._executor.check)

    def languages(self) -> list[LanguageInfo]:
        """Every known language, and the version that the default wall would run."""
        return self._call(self._executor.languages)

    def pools(self) -> list[PoolCount]:
        """What the pools hold and have served so far, by wall and language."""
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


_shared: CodeExecutor | None = None
_shared_lock = threading.Lock()


def execute(language: str, code: str, **fields: Any) -> ExecutionResult:
    """Run one program: ``execute("python", "print('Hello')")``.

    The first call makes an executor with default settings, which later calls share and
    which is closed as Python ends.

    Args:
        language: Name or alias, with an optional version.
        code: The source.
        **fields: Further fields of :class:`drybox.ExecutionRequest`.

    Raises:
        InvalidRequest: The request is wrong.
        Unsupported: What it asks for cannot be enforced here.
        Unavailable: No sandbox could be had; nothing ran.
    """
    global _shared
    try:
        request = ExecutionRequest(language, code, **fields)
    except TypeError as error:
        raise InvalidRequest(
            "fields", str(error), hint="See drybox.ExecutionRequest for what there is."
        ) from None
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
