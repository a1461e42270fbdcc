"""A program that runs beside others in a session."""

from __future__ import annotations

import signal as signals
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone

import anyio

from drybox.errors import InvalidRequest
from drybox.execution.output import STREAMS, Output
from drybox.guest.frames import GuestGone
from drybox.guest.programs import Grant, GuestProgram, GuestStream
from drybox.model import Truncated, Usage
from drybox.sessions.programs.commands import exit_of, result_of
from drybox.sessions.programs.inside import Inside
from drybox.sessions.programs.unread_output import (
    LEAST_SHARE,
    MOST_KEPT,
    KeptOutput,
    UnreadOutput,
)
from drybox.sessions.results import CommandResult, SessionEvent

END_OF_TERMINAL = b"\x04"

MOST_ENDED = 32
"""Processes of a session that have ended and are still remembered."""


def signal_number(signal: int | str) -> int:
    """The number of a signal.

    Raises:
        InvalidRequest: There is no such signal.
    """
    if isinstance(signal, str):
        name = signal.upper() if signal.upper().startswith("SIG") else f"SIG{signal.upper()}"
        found = getattr(signals.Signals, name, None)
        if found is not None:
            return int(found)
    elif isinstance(signal, int) and not isinstance(signal, bool) and 0 < signal <= 64:
        return int(signal)
    raise InvalidRequest(
        "signal", f"there is no signal {str(signal)[:40]!r}", hint="Pass 'SIGTERM', or a number."
    )


class SessionStdin:
    """The input of a process; see :class:`drybox.sessions.base.AsyncStdin`."""

    def __init__(self, process: SessionProcess) -> None:
        self._process = process
        self._lock = anyio.Lock()
        self._closed = False

    async def write(self, data: bytes | str) -> None:
        """Write; waits while the process has much that it has not read."""
        content = data.encode() if isinstance(data, str) else bytes(data)
        if self._closed:
            raise InvalidRequest("stdin", "it is closed", hint="Write before it is closed.")
        async with self._lock:
            await self._process.send(content)

    async def close(self) -> None:
        """End it; a terminal is told Ctrl-D."""
        if self._closed:
            return
        if self._process.terminal:
            await self.write(END_OF_TERMINAL)
            return
        self._closed = True
        async with self._lock:
            await self._process.end_input()


class SessionProcess:
    """Made by :meth:`OpenSession.start`; see :class:`drybox.sessions.base.AsyncProcess`.

    Args:
        inside: Where it runs.
        command: Its arguments.
        touched: Is called whenever its owner asks something of it.
        most: How many bytes of its output are kept that nobody has read.
        kept: What all processes of the session hold of such output.
        terminal: Whether it has a terminal.
    """

    def __init__(
        self,
        inside: Inside,
        command: tuple[str, ...],
        touched: Callable[[], None],
        most: Callable[[], int],
        kept: KeptOutput,
        *,
        terminal: bool,
    ) -> None:
        self._inside = inside
        self._touched = touched
        self._most = most
        self._program: GuestProgram | None = None
        self._unread = UnreadOutput(kept)
        self._news = anyio.Event()
        self._attached = self._is_forgotten = False
        self._result: CommandResult | None = None
        self.command = command
        self.terminal = terminal
        self.started_at = datetime.now(timezone.utc)
        self.stdin = SessionStdin(self)

    async def begin(
        self,
        *,
        timeout: float | None,
        cwd: str | None,
        env: Mapping[str, str],
        terminal: tuple[int, int] | None,
        or_else: tuple[str, ...] = (),
    ) -> None:
        """Start it, or something else where there is no such program.

        Raises:
            GuestExecError: It could not be started.
        """
        self._program = await self._inside.start(
            *(self.command, self._take),
            timeout=timeout,
            cwd=cwd,
            env=env,
            terminal=terminal,
            or_else=or_else,
        )

    @property
    def pid(self) -> int:
        """Its number in this session."""
        return self._running.number

    @property
    def _running(self) -> GuestProgram:
        assert self._program is not None, "it has begun"
        return self._program

    @property
    def result(self) -> CommandResult | None:
        """What became of it; None while it runs."""
        if self._result is None and self._running.exit is not None:
            end = exit_of(self._running, 0.0, out_of_memory=False)
            output, usage = self._take_output(), Usage(end.cpu_time, end.memory_peak)
            result = result_of(end, output, self._inside, usage)
            self._result = replace(result, truncated=Truncated(**self._unread.dropped))
        return self._result

    def _take_output(self) -> Output:
        """What no reader has taken; of a program that has ended."""
        output = Output(self._inside.limits.output)
        if not self._attached:
            for piece in self._unread.copied():  # whoever reads the events yet gets it, too
                output.add(piece.stream, bytes(piece.data))
        return output

    @property
    def events(self) -> AsyncIterator[SessionEvent]:
        """What it writes; ``exit`` is last."""
        return self._events()

    async def _events(self) -> AsyncIterator[SessionEvent]:
        if self._attached:
            raise InvalidRequest("events", "somebody reads them", hint="Use one reader at a time.")
        text = Output(0)
        self._attached = True
        try:
            while True:
                while self._unread:
                    piece = self._unread.take()
                    stream, data = piece.stream, bytes(piece.data)
                    if not piece.is_granted:
                        self._inside.programs.grant(self._running, len(data))
                    self._touched()
                    yield SessionEvent(stream, text.decode(stream, data), data)
                if self._running.ended.is_set():
                    break
                self._news = anyio.Event()
                await self._news_or_end()
            for stream in STREAMS:
                rest = text.finish(stream)
                if rest:
                    yield SessionEvent(stream, rest)
            yield SessionEvent("exit", result=await self.wait())
        finally:
            self._detach()

    async def _news_or_end(self) -> None:
        async with anyio.create_task_group() as tasks:

            async def wait_for_end() -> None:
                await self._running.ended.wait()
                tasks.cancel_scope.cancel()

            tasks.start_soon(wait_for_end)
            await self._news.wait()
            tasks.cancel_scope.cancel()

    def _take(self, stream: GuestStream, data: bytes) -> Grant:
        """Keep output; while nobody reads, the oldest makes room and the process goes on."""
        if stream == "answers":
            return "slowly"
        self._unread.add(stream, data, is_granted=not self._attached)
        self._news.set()
        if self._attached:
            return "later"
        self._unread.fit(self._limit)
        return "slowly"

    @property
    def _limit(self) -> int:
        """Bytes that are kept while nobody reads."""
        limit = self._inside.limits.output
        return min(limit, self._most()) if self._unread.size > min(limit, LEAST_SHARE) else limit

    def _detach(self) -> None:
        """Nobody reads any more: the process is not to wait for a reader."""
        self._attached = False
        self._inside.programs.grant(self._running, self._unread.grant())
        if self._is_forgotten:
            self._unread.clear()
        else:
            self._unread.fit(self._limit)

    def forget(self) -> None:
        """Nobody but who reads it now asks for its output any more."""
        self._is_forgotten = True
        if not self._attached:
            self._unread.clear()
        if self._result is not None:
            self._result = replace(self._result, stdout_bytes=b"", stderr_bytes=b"")

    async def send(self, data: bytes) -> None:
        """Give it input."""
        self._touched()
        try:
            await self._inside.programs.write(self._running, data)
        except GuestGone as error:
            raise self._inside.lost(error) from error

    async def end_input(self) -> None:
        """No more input comes."""
        try:
            await self._inside.programs.end_input(self._running)
        except GuestGone as error:
            raise self._inside.lost(error) from error

    async def signal(self, number: int | str) -> None:
        """Send a signal to the process and its group."""
        self._touched()
        known = signal_number(number)
        try:
            await self._inside.programs.signal(self._running, known)
        except GuestGone as error:
            raise self._inside.lost(error) from error

    async def kill(self) -> None:
        """End it, with everything that descends from it."""
        self._touched()
        if self._running.ended.is_set():
            return
        try:
            await self._inside.programs.kill(self._running)
        except GuestGone as error:
            raise self._inside.lost(error) from error

    async def resize(self, columns: int, rows: int) -> None:
        """Change the size of its terminal."""
        if not self.terminal:
            raise InvalidRequest(
                "terminal", "it has none", hint="Start the process with terminal=True."
            )
        self._touched()
        try:
            await self._inside.programs.resize(self._running, *check_size((columns, rows)))
        except GuestGone as error:
            raise self._inside.lost(error) from error

    async def wait(self) -> CommandResult:
        """Wait for its end."""
        await self._running.ended.wait()
        result = self.result
        if result is None:
            raise self._inside.lost(GuestGone(self._inside.programs.problem))
        return result


def remember(processes: list[SessionProcess], new: SessionProcess) -> list[SessionProcess]:
    """Add one, and let go of those whose end is long ago.

    Returns:
        Those.
    """
    processes.append(new)
    ended = [item for item in processes if item.result is not None]
    kept, old = 0, []
    for count, item in enumerate(reversed(ended)):
        result = item.result
        kept += 0 if result is None else len(result.stdout_bytes) + len(result.stderr_bytes)
        if count >= MOST_ENDED or (kept > MOST_KEPT and count):
            processes.remove(item)
            old.append(item)
    return old


def share_of(processes: Sequence[SessionProcess]) -> int:
    """Bytes of output that each of them may have for whoever reads it later."""
    running = sum(item.result is None for item in processes)
    return max(LEAST_SHARE, MOST_KEPT // max(1, running))


def check_size(size: tuple[int, int]) -> tuple[int, int]:
    """Columns and rows of a terminal.

    Raises:
        InvalidRequest: They are none.
    """
    numbers = [*size] if isinstance(size, (tuple, list)) else []
    if len(numbers) != 2 or any(
        isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 10_000
        for value in numbers
    ):
        raise InvalidRequest(
            "size", "it is no size of a terminal", hint="Pass (80, 24): columns and rows."
        )
    columns, rows = numbers
    return columns, rows
