"""What ends a run from outside: Ctrl-C, and a reader that leaves.

The first Ctrl-C stops the run cleanly, the second one ends drybox at once.
"""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable
from functools import partial
from types import FrameType
from typing import Generic, NoReturn, TypeVar

T = TypeVar("T")


class ReaderGone(Exception):
    """Whoever reads the program's output has left. Not an OSError: click would end with 1."""


def take_interrupts() -> None:
    """Hear ``SIGINT`` from now on, unless whoever started drybox had it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


def leave_interrupts() -> None:
    """The work is done: from now on an interrupt ends drybox where it stands."""
    if signal.getsignal(signal.SIGINT) is _interrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def run_until_interrupted(main: Callable[[], Awaitable[T]]) -> T:
    """Run ``main`` in an event loop of its own; an interrupt cancels it.

    As an exception the interrupt would come up in whatever the loop does at that moment:
    in another task, in a half-made sandbox, or in the loop itself.

    Returns:
        What ``main`` returns.

    Raises:
        KeyboardInterrupt: It was interrupted, and all that it began has ended.
    """
    import anyio

    interruptible = _Interruptible(main)
    before = signal.getsignal(signal.SIGINT)
    if before is _interrupt:
        signal.signal(signal.SIGINT, interruptible.interrupt)
    try:
        return anyio.run(interruptible.run)
    finally:
        if before is _interrupt:
            signal.signal(signal.SIGINT, before)
        if interruptible.interrupted:  # whatever came of it; asked once nothing else notes it
            _interrupt(signal.SIGINT, None)


class _Interruptible(Generic[T]):
    def __init__(self, main: Callable[[], Awaitable[T]]) -> None:
        self._main = main
        self._cancel: Callable[[], object] | None = None
        self.interrupted = False

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        """Comes between any two instructions of the main thread, so it only leaves word."""
        _end_at_the_next(number)
        self.interrupted = True
        if self._cancel is not None:
            self._cancel()

    async def run(self) -> T:
        import asyncio

        import anyio

        loop = asyncio.get_running_loop()
        with anyio.CancelScope() as scope:
            self._cancel = partial(loop.call_soon_threadsafe, scope.cancel)
            try:
                if self.interrupted:
                    scope.cancel()
                return await self._main()
            finally:
                self._cancel = None
        raise KeyboardInterrupt


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    _end_at_the_next(number)
    raise KeyboardInterrupt


def _end_at_the_next(number: int) -> None:
    """Whatever is open then is cleared up from outside.

    So nobody has to sit through our clearing up, and no second interrupt breaks into it.
    """
    signal.signal(number, signal.SIG_DFL)
