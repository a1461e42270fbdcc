"""The events of one execution, for whoever follows it."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from types import TracebackType

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from drybox.execution.kill_switch import KillSwitch
from drybox.execution.phases import Emit
from drybox.model import Event

EVENTS_AHEAD = 16
"""Events held for a slow reader; after that the program's output waits for it."""


class EventStream:
    """Async iterator over events; the execution starts with the first step.

    Closing it ends the execution, and so does letting go of it: leaving the loop early
    or being cancelled in it.

    Args:
        tasks: Where the execution runs.
        run: The execution, given what takes its events.
        switch: Ends what runs in it.
    """

    def __init__(
        self,
        tasks: TaskGroup,
        run: Callable[[Emit], Awaitable[None]],
        switch: KillSwitch | None = None,
    ) -> None:
        self._tasks = tasks
        self._switch = switch or KillSwitch()
        self._execution = _Execution(run)
        self._receive: MemoryObjectReceiveStream[Event] | None = None
        self._closed = False

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> Event:
        if self._closed:
            raise StopAsyncIteration
        if self._receive is None:
            send, receive = anyio.create_memory_object_stream[Event](EVENTS_AHEAD)
            try:
                self._tasks.start_soon(self._execution.work, send)
            except BaseException:
                send.close()
                receive.close()
                raise
            self._receive = receive
        try:
            return await self._receive.receive()
        except anyio.EndOfStream:
            await self.aclose()
            if self._execution.error is not None:
                error, self._execution.error = self._execution.error, None
                raise error from None
            raise StopAsyncIteration from None
        except anyio.ClosedResourceError:
            raise StopAsyncIteration from None
        except anyio.get_cancelled_exc_class():
            self._let_go()  # as a generator that is cancelled comes to its end
            raise

    async def kill(self) -> None:
        """End the program with ``SIGKILL``, or the compiler or installer before it.

        The events go on to the result, whose status is ``signaled`` unless the program has
        ended already. Before anything runs, nothing will.
        """
        await self._switch.throw()

    async def __aenter__(self) -> EventStream:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the execution if it still runs, and wait until its sandbox is given up."""
        self._closed = True
        if self._receive is not None:
            self._let_go()
            with anyio.CancelScope(shield=True):
                await self._execution.done.wait()

    def __del__(self) -> None:
        # The task holds the execution, not this: so this goes when its follower lets go.
        if self._receive is not None and not self._closed:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and the task with it
                self._let_go()

    def _let_go(self) -> None:
        if self._receive is not None:
            self._receive.close()
            self._execution.scope.cancel()


class _Execution:
    """What goes on in the task; knows nothing of its follower."""

    def __init__(self, run: Callable[[Emit], Awaitable[None]]) -> None:
        self._run = run
        self.scope = anyio.CancelScope()
        self.done = anyio.Event()
        self.error: Exception | None = None

    async def work(self, send: MemoryObjectSendStream[Event]) -> None:
        try:
            with self.scope, send:
                try:
                    await self._run(send.send)
                except anyio.BrokenResourceError:
                    return  # the follower has left
                except Exception as error:  # it is the follower's, who gets it after the events
                    self.error = error
        finally:
            self.done.set()
