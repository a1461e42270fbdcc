"""What a session is, wherever its sandbox is: on this host, on a server, on a fleet.

``sync.py`` has the same for code that is not async.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Protocol

from drybox.sessions.files_base import AsyncFiles
from drybox.sessions.results import (
    CommandResult,
    Completions,
    RunResult,
    SessionEvent,
    Snapshot,
)

if TYPE_CHECKING:
    from typing_extensions import Self

SessionState = Literal["running", "paused", "closed"]

TERMINAL_SIZE = (80, 24)
"""Columns and rows of a terminal, where none are asked for."""


class RunEvents(Protocol):
    """The events of code that runs, the ``result`` event last; letting go of them interrupts it."""

    def __aiter__(self) -> Self:
        """Themselves."""

    async def __anext__(self) -> SessionEvent:
        """The next one; the first begins the run."""

    async def answer(self, line: str) -> None:
        """Give code a line that it asks for with an ``input`` event.

        Raises:
            InvalidRequest: It asks for none.
        """

    async def aclose(self) -> None:
        """Interrupt the code if it still runs. Idempotent."""

    async def __aenter__(self) -> Self:
        """Themselves."""

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """What :meth:`aclose` does."""


class AsyncStdin(Protocol):
    """The input of a process."""

    async def write(self, data: bytes | str) -> None:
        """Write; waits while the process has much that it has not read.

        Raises:
            InvalidRequest: It is closed.
            SessionClosed: The session is.
        """

    async def close(self) -> None:
        """End it; a terminal is told Ctrl-D. Idempotent."""


class AsyncProcess(Protocol):
    """A program that runs beside others in a session."""

    @property
    def pid(self) -> int:
        """Its number in this session; no other process of the session ever has it."""

    @property
    def command(self) -> tuple[str, ...]:
        """Its arguments."""

    @property
    def terminal(self) -> bool:
        """Whether it has a terminal."""

    @property
    def started_at(self) -> datetime:
        """When it was started."""

    @property
    def result(self) -> CommandResult | None:
        """What became of it; None while it runs. Its output is in the events, not here."""

    @property
    def stdin(self) -> AsyncStdin:
        """Its input."""

    @property
    def events(self) -> AsyncIterator[SessionEvent]:
        """What it writes from now on, and what of it nobody has taken yet; ``exit`` is last.

        While somebody iterates, the process waits for a slow reader. While nobody does, the newest
        output is kept, as much as the session's output limit, and the process never waits.
        One reader at a time.
        """

    async def signal(self, number: int | str) -> None:
        """Send a signal, ``"SIGINT"`` or its number, to the process and its group.

        Raises:
            InvalidRequest: There is no such signal.
            SessionClosed: The session is closed.
        """

    async def kill(self) -> None:
        """End it, with everything that descends from it. Idempotent."""

    async def resize(self, columns: int, rows: int) -> None:
        """Change the size of its terminal.

        Raises:
            InvalidRequest: It has none.
        """

    async def wait(self) -> CommandResult:
        """Wait for its end. Its stdout and stderr are what no reader of events has taken."""


class AsyncSession(Protocol):
    """A sandbox that its owner keeps.

    Every method raises :class:`drybox.SessionClosed` once the session is closed, idle too long or
    past its lifetime, and :class:`drybox.SandboxLost` if its sandbox has ended from outside.
    """

    @property
    def id(self) -> str:
        """Its unique name, which nobody can guess."""

    @property
    def language(self) -> str:
        """Canonical name of the language of code that names none."""

    @property
    def version(self) -> str:
        """Version of that language's toolchain."""

    @property
    def environment(self) -> str | None:
        """Name and digest of its environment; None for none."""

    @property
    def isolation(self) -> str:
        """What it runs under."""

    @property
    def backend(self) -> str:
        """What made its sandbox."""

    @property
    def weakened(self) -> tuple[str, ...]:
        """Guarantees given up on the caller's request."""

    @property
    def created_at(self) -> datetime:
        """When it was opened, with a time zone."""

    @property
    def expires_at(self) -> datetime:
        """When it is closed unless something is asked of it: idle, or past its lifetime."""

    @property
    def idle_timeout(self) -> float:
        """Seconds of idleness after which it is closed."""

    @property
    def state(self) -> SessionState:
        """``running``, ``paused`` or ``closed``."""

    @property
    def metadata(self) -> Mapping[str, str]:
        """The owner's own words about it."""

    @property
    def files(self) -> AsyncFiles:
        """Its files."""

    async def run(
        self,
        code: str,
        *,
        language: str | None = None,
        timeout: float | None = None,
        stdin: bytes | str | None = None,
    ) -> RunResult:
        """Run code, with what earlier code of its language left. Runs of a language take turns.

        Args:
            code: The code.
            language: Its language, if it is not the session's own.
            timeout: Wall seconds; the session's own if None. Then the code is interrupted, and
                killed if it goes on.
            stdin: Lines that it may ask for; without, asking is an error of the code.
        """

    def stream(
        self,
        code: str,
        *,
        language: str | None = None,
        timeout: float | None = None,
        stdin: bytes | str | None = None,
        interactive: bool = False,
    ) -> RunEvents:
        """Run code and follow it.

        Args:
            code: The code.
            language: Its language, if it is not the session's own.
            timeout: Wall seconds; the session's own if None.
            stdin: Lines that it may ask for.
            interactive: Tell of lines that it asks for beyond those with ``input`` events, which
                :meth:`RunEvents.answer` answers.
        """

    async def complete(
        self, code: str, cursor: int | None = None, *, language: str | None = None
    ) -> Completions:
        """How code may go on at a position in it, or at its end; nothing where nobody can tell."""

    async def command(
        self,
        command: str | Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes | str = b"",
        timeout: float | None = None,
    ) -> CommandResult:
        """Run a command to its end: a line for ``bash -lc``, or a program with its arguments.

        What it has started may go on afterwards, until the session ends.

        Args:
            command: The command.
            cwd: Where; below the working directory if it is relative.
            env: Further variables.
            stdin: Its input.
            timeout: Wall seconds until it is killed with its descendants; the session's if None.
        """

    async def start(
        self,
        command: str | Sequence[str],
        *,
        terminal: bool = False,
        size: tuple[int, int] = TERMINAL_SIZE,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> AsyncProcess:
        """Start a program that runs beside others.

        Args:
            command: A line for ``bash -lc``, or a program with its arguments.
            terminal: Give it a terminal in place of pipes.
            size: Columns and rows of the terminal.
            cwd: Where; below the working directory if it is relative.
            env: Further variables.
            timeout: Wall seconds until it is killed; None for as long as the session.
        """

    async def processes(self) -> Sequence[AsyncProcess]:
        """What :meth:`start` has started and still runs, and the last few that have ended."""

    async def interrupt(self, *, language: str | None = None) -> None:
        """Interrupt the code that runs, of one language or of all; nothing if none runs."""

    async def restart(self, *, language: str | None = None) -> None:
        """End what keeps a language's state, or all of them; files and processes stay."""

    async def pause(self) -> None:
        """Stop everything in it until :meth:`resume`: it takes no CPU. Idempotent.

        Raises:
            InvalidRequest: Code, a command or a file of it is under way.
        """

    async def resume(self) -> None:
        """Go on. Whatever is asked of a paused session resumes it, too. Idempotent."""

    async def update(
        self,
        *,
        idle_timeout: float | None = None,
        expires_in: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Change what was asked for when it was opened; what is None stays.

        Args:
            idle_timeout: Seconds of idleness after which it is closed.
            expires_in: Seconds from now on after which it is closed in any case, sooner or later
                than it would have been.
            metadata: The owner's own words about it.
        """

    async def extend(self, seconds: float) -> None:
        """Let it live for so many seconds from now on, as far as the operator allows.

        It never ends sooner for that: see :meth:`update` for that.
        """

    async def snapshot(self) -> Snapshot:
        """Keep a copy of its files, which other sessions may begin with."""

    async def take_cpu_time(self) -> float | None:
        """CPU seconds of all that ran in it since this was last asked, whoever waited for it.

        What had to be started for it is counted too. It may be asked once more when the session is
        closed.

        Returns:
            They; None where nobody counts them.
        """

    async def close(self) -> None:
        """End everything in it and take it away. Idempotent."""
