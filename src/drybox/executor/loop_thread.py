"""An event loop in a thread of its own, for callers that are not async."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError, Future
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Generic, TypeVar, cast

import anyio

from drybox.host.time_slice import request_short_time_slice, yield_cpu

T = TypeVar("T")

_log = logging.getLogger("drybox.executor")


class LoopThread:
    """Runs coroutines for other threads, within an async context that it keeps open.

    Args:
        context: Entered before the first call and left after the last.
    """

    def __init__(self, context: AbstractAsyncContextManager[object]) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._closed = False
        self._waiting: set[_Call[Any]] = set()
        self._running: dict[_Call[Any], asyncio.Task[None]] = {}
        self._loop: asyncio.AbstractEventLoop
        self._last_call: anyio.Event
        ready: Future[None] = Future()
        # A daemon, so that a loop nobody closed does not keep Python from ending.
        self._thread = threading.Thread(
            target=self._work, args=(ready,), name="drybox", daemon=True
        )
        self._thread.start()
        ready.result()

    def call(self, function: Callable[..., Awaitable[T]], *arguments: object) -> T:
        """Run a coroutine function on the loop and wait for what it returns.

        Whoever is interrupted while waiting, by Ctrl-C for instance, has it cancelled.

        Raises:
            CancelledError: The thread was closed before it ended.
        """
        call = _Call(function, arguments)
        if threading.current_thread() is self._thread:
            # A generator that nobody holds any more is closed by whichever thread collects it. This
            # one cannot wait for itself, and nobody awaits what it returns.
            self._waiting.add(call)
            self._begin(call)
            return cast(T, None)
        try:
            # In order: whatever came before the request to close is begun, and then cancelled.
            with self._lock:
                if self._closed:
                    raise CancelledError
                self._waiting.add(call)
                self._loop.call_soon_threadsafe(self._begin, call)
            return call.result()
        except BaseException:
            if not call.has_ended:
                with suppress(RuntimeError):  # the loop has ended, and all with it
                    self._loop.call_soon_threadsafe(call.give_up)
            raise

    def close(self) -> None:
        """Cancel what still runs, leave the context and wait for the end. Idempotent."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._loop.call_soon_threadsafe(self._last_call.set)
        self._thread.join()

    def _begin(self, call: _Call[Any]) -> None:
        self._waiting.discard(call)
        # No task of a group's: to enter one there takes longer than much else of a short run.
        task = self._running[call] = self._loop.create_task(call.run())
        task.add_done_callback(lambda _: self._leave(call))

    def _leave(self, call: _Call[Any]) -> None:
        del self._running[call]
        if not call.has_ended:  # it was cancelled before it began
            call.end()

    def _work(self, ready: Future[None]) -> None:
        request_short_time_slice()
        try:
            anyio.run(self._serve, ready)
        except BaseException as error:
            if not ready.done():
                ready.set_exception(error)
                return
            trace = error if _log.isEnabledFor(logging.DEBUG) else None
            words = "The executor's event loop broke down (%s); make a new executor."
            _log.error(words, type(error).__name__, exc_info=trace)
        finally:
            # Where the loop itself has broken down, nobody may wait for it.
            with self._lock:
                self._closed = True
            for call in self._waiting:
                call.end()

    async def _serve(self, ready: Future[None]) -> None:
        async with self._context:
            self._loop, self._last_call = asyncio.get_running_loop(), anyio.Event()
            ready.set_result(None)
            await self._last_call.wait()
            for call in self._running:
                call.give_up()
            if self._running:
                await asyncio.wait(self._running.values())


class _Call(Generic[T]):
    """One call on its way: made by one thread, run by the loop's.

    A lock says that it has ended: a future would have both threads take time slices twice.
    """

    __slots__ = (
        *("_arguments", "_ended", "_error", "_function", "_given_up", "_scope", "_value"),
        "has_ended",
    )

    def __init__(
        self, function: Callable[..., Awaitable[T]], arguments: tuple[object, ...]
    ) -> None:
        self._function = function
        self._arguments = arguments
        self.has_ended = False
        self._ended = threading.Lock()
        self._ended.acquire()
        self._given_up = False
        self._scope: anyio.CancelScope | None = None
        self._value: T | None = None
        self._error: BaseException | None = CancelledError()

    def result(self) -> T:
        """Wait for its end."""
        self._ended.acquire()
        if self._error is not None:
            raise self._error
        return cast(T, self._value)

    def give_up(self) -> None:
        """Nobody waits any more."""
        self._given_up = True
        if self._scope is not None:
            self._scope.cancel()

    def end(self) -> None:
        """Wake whoever waits. It may hold the lock from then on, which so tells nothing."""
        self.has_ended = True
        self._ended.release()

    async def run(self) -> None:
        """Do it, in the loop."""
        try:
            with anyio.CancelScope() as self._scope:
                if not self._given_up:
                    self._value = await self._function(*self._arguments)
                    self._error = None
        except Exception as error:
            self._error = error
        except anyio.get_cancelled_exc_class():
            raise
        except BaseException as error:
            self._error = error
            raise
        finally:
            self.end()
            yield_cpu()
