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


class Interruption:
    """What an interrupt does in the place of cancelling everything.

    Attributes:
        end: Has what runs end, so that the work comes to its result; None while nothing runs.
        came: Whether it was called.
    """

    def __init__(self) -> None:
        self.end: Callable[[], Awaitable[None]] | None = None
        self.came = False


def run_until_interrupted(
    main: Callable[[], Awaitable[T]], interruption: Interruption | None = None
) -> T:
    """Run ``main`` in an event loop of its own; an interrupt cancels it.

    As an exception the interrupt would come up in whatever the loop does at that moment:
    in another task, in a half-made sandbox, or in the loop itself.

    Args:
        main: The work.
        interruption: What else an interrupt does, once that says how.

    Returns:
        What ``main`` returns.

    Raises:
        KeyboardInterrupt: It was interrupted, and all that it began has ended.
    """
    import anyio

    interruptible = _Interruptible(main, interruption or Interruption())
    before = signal.getsignal(signal.SIGINT)
    if before is _interrupt:
        signal.signal(signal.SIGINT, interruptible.interrupt)
    try:
        return anyio.run(interruptible.run)
    finally:
        if before is _interrupt:
            signal.signal(signal.SIGINT, before)
        if not interruptible.has_result and interruptible.interrupted:
            _interrupt(signal.SIGINT, None)  # asked once nothing else notes it


class _Interruptible(Generic[T]):
    def __init__(self, main: Callable[[], Awaitable[T]], interruption: Interruption) -> None:
        self._main = main
        self._interruption = interruption
        self._ending: Awaitable[None] | None = None
        self.has_result = False
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

            def end() -> None:
                if self._interruption.end is None:
                    scope.cancel()
                else:
                    self._interruption.came = True
                    self._ending = asyncio.ensure_future(self._interruption.end())

            self._cancel = partial(loop.call_soon_threadsafe, end)
            try:
                if self.interrupted:
                    scope.cancel()
                result = await self._main()
                self.has_result = self._interruption.came
                return result
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
