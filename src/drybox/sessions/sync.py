"""A session for code that is not async: its calls run in the executor's event loop.

It is made of any :class:`AsyncSession`; ``base.py`` says what each method does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Any

from drybox.sessions.base import (
    TERMINAL_SIZE,
    AsyncProcess,
    AsyncSession,
    AsyncStdin,
    SessionState,
)
from drybox.sessions.results import (
    CommandResult,
    Completions,
    RunResult,
    SessionEvent,
    Snapshot,
)
from drybox.sessions.sync_calls import Call, iterate
from drybox.sessions.sync_files import Files


class Stdin:
    """The input of a process."""

    def __init__(self, stdin: AsyncStdin, call: Call) -> None:
        self._stdin = stdin
        self._call = call

    def write(self, data: bytes | str) -> None:
        """Write; waits while the process has much that it has not read."""
        self._call(self._stdin.write, data)

    def close(self) -> None:
        """End it. Idempotent."""
        self._call(self._stdin.close)


class Process:
    """A program that runs beside others in a session."""

    def __init__(self, process: AsyncProcess, call: Call) -> None:
        self._process = process
        self._call = call
        self.stdin = Stdin(process.stdin, call)

    @property
    def pid(self) -> int:
        """Its number in this session."""
        return self._process.pid

    @property
    def command(self) -> tuple[str, ...]:
        """Its arguments."""
        return self._process.command

    @property
    def terminal(self) -> bool:
        """Whether it has a terminal."""
        return self._process.terminal

    @property
    def started_at(self) -> datetime:
        """When it was started."""
        return self._process.started_at

    @property
    def result(self) -> CommandResult | None:
        """What became of it; None while it runs."""
        return self._process.result

    @property
    def events(self) -> Iterator[SessionEvent]:
        """What it writes; ``exit`` is last."""
        return iterate(self._call, lambda: self._process.events)

    def signal(self, number: int | str) -> None:
        """Send a signal to the process and its group."""
        self._call(self._process.signal, number)

    def kill(self) -> None:
        """End it, with everything that descends from it. Idempotent."""
        self._call(self._process.kill)

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of its terminal."""
        self._call(self._process.resize, columns, rows)

    def wait(self) -> CommandResult:
        """Wait for its end."""
        return self._call(self._process.wait)


class Session:
    """A sandbox that its owner keeps. Safe to share between threads.

    Args:
        session: The session.
        call: Runs its methods in its event loop.
    """

    def __init__(self, session: AsyncSession, call: Call) -> None:
        self._session = session
        self._call = call
        self.files = Files(session.files, call)

    @property
    def id(self) -> str:
        """Its unique name, which nobody can guess."""
        return self._session.id

    @property
    def language(self) -> str:
        """Canonical name of the language of code that names none."""
        return self._session.language

    @property
    def version(self) -> str:
        """Version of that language's toolchain."""
        return self._session.version

    @property
    def environment(self) -> str | None:
        """Name and digest of its environment; None for none."""
        return self._session.environment

    @property
    def isolation(self) -> str:
        """What it runs under."""
        return self._session.isolation

    @property
    def backend(self) -> str:
        """What made its sandbox."""
        return self._session.backend

    @property
    def weakened(self) -> tuple[str, ...]:
        """Guarantees given up on the caller's request."""
        return self._session.weakened

    @property
    def created_at(self) -> datetime:
        """When it was opened, with a time zone."""
        return self._session.created_at

    @property
    def expires_at(self) -> datetime:
        """When it is closed unless something is asked of it."""

        async def ask() -> datetime:
            return self._session.expires_at

        return self._call(ask)

    @property
    def idle_timeout(self) -> float:
        """Seconds of idleness after which it is closed."""
        return self._session.idle_timeout

    @property
    def state(self) -> SessionState:
        """``running``, ``paused`` or ``closed``."""
        return self._session.state

    @property
    def metadata(self) -> Mapping[str, str]:
        """The owner's own words about it."""
        return self._session.metadata

    def run(
        self,
        code: str,
        *,
        language: str | None = None,
        timeout: float | None = None,
        stdin: bytes | str | None = None,
    ) -> RunResult:
        """Run code, with what earlier code of its language left."""
        run = self._session.run
        return self._call(partial(run, code, language=language, timeout=timeout, stdin=stdin))

    def stream(
        self,
        code: str,
        *,
        language: str | None = None,
        timeout: float | None = None,
        stdin: bytes | str | None = None,
    ) -> Iterator[SessionEvent]:
        """Run code and follow it; leaving the loop early interrupts it."""
        stream = self._session.stream
        begin = partial(stream, code, language=language, timeout=timeout, stdin=stdin)
        return iterate(self._call, begin)

    def complete(
        self, code: str, cursor: int | None = None, *, language: str | None = None
    ) -> Completions:
        """How code may go on at a position in it, or at its end."""
        return self._call(partial(self._session.complete, code, cursor, language=language))

    def command(
        self,
        command: str | Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes | str = b"",
        timeout: float | None = None,
    ) -> CommandResult:
        """Run a command to its end: a line for ``bash -lc``, or a program with its arguments."""
        run = self._session.command
        return self._call(partial(run, command, cwd=cwd, env=env, stdin=stdin, timeout=timeout))

    def start(
        self,
        command: str | Sequence[str],
        *,
        terminal: bool = False,
        size: tuple[int, int] = TERMINAL_SIZE,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Process:
        """Start a program that runs beside others."""
        how: dict[str, Any] = {"terminal": terminal, "size": size, "cwd": cwd, "env": env}
        start = partial(self._session.start, command, timeout=timeout, **how)
        return Process(self._call(start), self._call)

    def processes(self) -> Sequence[Process]:
        """What :meth:`start` has started and still runs, and the last few that have ended."""
        return [Process(item, self._call) for item in self._call(self._session.processes)]

    def interrupt(self, *, language: str | None = None) -> None:
        """Interrupt the code that runs."""
        self._call(partial(self._session.interrupt, language=language))

    def restart(self, *, language: str | None = None) -> None:
        """End what keeps a language's state."""
        self._call(partial(self._session.restart, language=language))

    def pause(self) -> None:
        """Stop everything in it until :meth:`resume`."""
        self._call(self._session.pause)

    def resume(self) -> None:
        """Go on."""
        self._call(self._session.resume)

    def update(
        self,
        *,
        idle_timeout: float | None = None,
        expires_in: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Change what was asked for when it was opened; what is None stays."""
        given: dict[str, Any] = {"idle_timeout": idle_timeout, "expires_in": expires_in}
        self._call(partial(self._session.update, metadata=metadata, **given))

    def extend(self, seconds: float) -> None:
        """Let it live for so many seconds from now on, or for as long as it would have."""
        self._call(self._session.extend, seconds)

    def snapshot(self) -> Snapshot:
        """Keep a copy of its files, which other sessions may begin with."""
        return self._call(self._session.snapshot)

    def close(self) -> None:
        """End everything in it and take it away. Idempotent."""
        if self._session.state != "closed":
            self._call(self._session.close)

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
