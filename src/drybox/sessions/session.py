"""An open session on this host; see :class:`drybox.sessions.base.AsyncSession`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from functools import partial

import anyio
from anyio.abc import TaskGroup

from drybox.errors import InvalidRequest
from drybox.execution.phases import OperatorLimits
from drybox.execution.texts import check_env, check_stdin
from drybox.execution.validation import check_timeout
from drybox.guest.frames import GuestExecError
from drybox.job import Job
from drybox.languages.base import Language
from drybox.monitoring.session_observers import Act
from drybox.sessions.base import TERMINAL_SIZE, SessionState
from drybox.sessions.files import SessionFiles
from drybox.sessions.life import SessionLife, Terms, check_metadata
from drybox.sessions.programs.commands import (
    RunningCommand,
    check_place,
    command_line,
    hint_of,
    without_bash,
    words_of,
)
from drybox.sessions.programs.inside import Inside
from drybox.sessions.programs.kernel_process import KernelProcess
from drybox.sessions.programs.kernel_run import Ask, Follow
from drybox.sessions.programs.languages import EVERYWHERE, SessionLanguages
from drybox.sessions.programs.process import SessionProcess, check_size, remember, share_of
from drybox.sessions.programs.run_stream import RunStream
from drybox.sessions.programs.unread_output import KeptOutput, OutputRoom
from drybox.sessions.results import CommandResult, Completions, RunResult, Snapshot

Hooked = Callable[[Act, Job, "list[RunResult | CommandResult]"], AbstractAsyncContextManager[None]]
"""Waits for the right to run something, asks the hooks, and tells them and the observers what
became of it."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What is known of a session as it opens, and stays."""

    id: str
    language: Language
    version: str
    environment: str | None
    isolation: str
    backend: str
    weakened: tuple[str, ...]
    created_at: datetime = field(default_factory=lambda: datetime.now(timezone.utc))


class OpenSession:
    """A session of this host. ``drybox.sessions.store`` opens it and ends it.

    Args:
        opened: What is known of it.
        terms: How long it lives.
        inside: Its sandbox.
        tasks: Where what it follows runs.
        make_job: Checks code of a language.
        operator: Limits of compilers.
        hooked: Asks and tells the hooks.
        keep: Takes a snapshot of it.
        kernel: The kernel of its language, started already; None for none.
    """

    def __init__(
        self,
        opened: Opened,
        terms: Terms,
        inside: Inside,
        tasks: TaskGroup,
        make_job: Callable[[str, str], tuple[Language, Job]],
        operator: OperatorLimits,
        hooked: Hooked,
        keep: Callable[[Inside], Awaitable[Snapshot]],
        kernel: KernelProcess | None,
    ) -> None:
        self._opened = opened
        self._terms = terms
        self._inside = inside
        self._tasks = tasks
        self._make_job = make_job
        self._hooked = hooked
        self._keep = keep
        own = opened.language, opened.version
        self._languages = SessionLanguages(inside, *own, operator, kernel)
        self._processes: list[SessionProcess] = []
        self._kept = KeptOutput()
        self.life = SessionLife(opened.id, inside, terms)
        self.files = SessionFiles(inside, self.life.activity)

    # --- what is known of it -----------------------------------------------------------------

    @property
    def id(self) -> str:
        """Its unique name."""
        return self._opened.id

    @property
    def language(self) -> str:
        """Canonical name of the language of code that names none."""
        return self._opened.language.name

    @property
    def version(self) -> str:
        """Version of that language's toolchain."""
        return self._opened.version

    @property
    def environment(self) -> str | None:
        """Name and digest of its environment; None for none."""
        return self._opened.environment

    @property
    def isolation(self) -> str:
        """What it runs under."""
        return self._opened.isolation

    @property
    def backend(self) -> str:
        """What made its sandbox."""
        return self._opened.backend

    @property
    def weakened(self) -> tuple[str, ...]:
        """Guarantees given up on the caller's request."""
        return self._opened.weakened

    @property
    def created_at(self) -> datetime:
        """When it was opened."""
        return self._opened.created_at

    @property
    def expires_at(self) -> datetime:
        """When it is closed unless something is asked of it."""
        return datetime.now(timezone.utc) + timedelta(seconds=self.life.seconds_left())

    @property
    def idle_timeout(self) -> float:
        """Seconds of idleness after which it is closed."""
        return self._terms.idle_timeout

    @property
    def state(self) -> SessionState:
        """``running``, ``paused`` or ``closed``."""
        return self.life.state

    @property
    def metadata(self) -> Mapping[str, str]:
        """The owner's own words about it."""
        return dict(self._terms.metadata)

    # --- its life ----------------------------------------------------------------------------

    async def update(
        self,
        *,
        idle_timeout: float | None = None,
        expires_in: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Change what was asked for when it was opened."""
        known = None if metadata is None else check_metadata(metadata)
        seconds = None if idle_timeout is None else check_timeout(idle_timeout, "idle_timeout")
        left = None if expires_in is None else check_timeout(expires_in, "expires_in")
        await self.life.enter()
        if seconds is not None:
            self._terms.idle_timeout = seconds
        if left is not None:
            self.life.expire_in(left)
        if known is not None:
            self._terms.metadata = known
        self.life.changed()

    async def extend(self, seconds: float) -> None:
        """Let it live for so many seconds from now on, or for as long as it would have."""
        await self.life.extend(check_timeout(seconds, "seconds"))

    async def pause(self) -> None:
        """Stop everything in it until :meth:`resume`."""
        await self.life.pause()

    async def resume(self) -> None:
        """Go on."""
        await self.life.resume()

    async def close(self) -> None:
        """End everything in it and take it away."""
        self.life.end("closed")
        with anyio.CancelScope(shield=True):
            await self.life.ended.wait()

    async def take_cpu_time(self) -> float | None:
        """CPU seconds of all that ran in it since this was last asked."""
        return await self.life.take_cpu_time()

    async def snapshot(self) -> Snapshot:
        """Keep a copy of its files, which other sessions may begin with."""
        async with self.life.activity():
            return await self._keep(self._inside)

    # --- code --------------------------------------------------------------------------------

    async def run(
        self,
        code: str,
        *,
        language: str | None = None,
        timeout: float | None = None,
        stdin: bytes | str | None = None,
    ) -> RunResult:
        """Run code, with what earlier code of its language left."""
        return await self._run(code, language, timeout, stdin, lambda event: None, None)

    def stream(
        self,
        code: str,
        *,
        language: str | None = None,
        timeout: float | None = None,
        stdin: bytes | str | None = None,
        interactive: bool = False,
    ) -> RunStream:
        """Run code and follow it."""
        wanted = self._languages.find(language)

        async def run(follow: Follow, ask: Ask) -> RunResult:
            asks = ask if interactive else None
            return await self._run(code, language, timeout, stdin, follow, asks)

        def answer(line: str) -> None:
            kernel = self._languages.started(wanted)
            if kernel is None:
                raise InvalidRequest("answer", "no code asks for a line", hint="Wait for one.")
            kernel.answer(line)

        return RunStream(self._tasks, run, answer)

    async def _run(
        self,
        code: str,
        language: str | None,
        timeout: float | None,
        stdin: bytes | str | None,
        follow: Follow,
        ask: Ask | None,
    ) -> RunResult:
        wanted = self._languages.find(language)
        seconds = self._terms.timeout if timeout is None else check_timeout(timeout)
        job = self._make_job(wanted.name, code)[1]
        if wanted.name == self.language:
            job = replace(job, environment=self.environment or "")
        given = None if stdin is None else check_stdin(stdin)
        told: list[RunResult | CommandResult] = []
        async with self.life.activity(), self._hooked("run", job, told):
            kernel = await self._languages.kernel(wanted)
            if kernel is None:
                cells = await self._languages.cells(wanted)
                result = await cells.run(job, seconds, given or b"", follow)
            else:
                text = None if given is None else given.decode("utf-8", "replace")
                result = await kernel.run(code, seconds, text, follow, ask)
            told.append(result)
        return result

    async def complete(
        self, code: str, cursor: int | None = None, *, language: str | None = None
    ) -> Completions:
        """How code may go on at a position in it, or at its end."""
        wanted = self._languages.find(language)
        async with self.life.activity():
            kernel = await self._languages.kernel(wanted)
            if kernel is None:
                return Completions()
            return await kernel.complete(code, len(code) if cursor is None else cursor)

    async def interrupt(self, *, language: str | None = None) -> None:
        """Interrupt the code that runs."""
        await self.life.enter()
        for keeper in self._languages.keepers(language):
            await keeper.interrupt()

    async def restart(self, *, language: str | None = None) -> None:
        """End what keeps a language's state."""
        async with self.life.activity():
            for keeper in self._languages.keepers(language):
                await keeper.kill()

    # --- commands ----------------------------------------------------------------------------

    async def command(
        self,
        command: str | Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes | str = b"",
        timeout: float | None = None,
    ) -> CommandResult:
        """Run a command to its end."""
        argv, place, words = command_line(command), check_place(cwd), check_env(env)
        seconds = self._terms.timeout if timeout is None else check_timeout(timeout)
        given = check_stdin(stdin)
        told: list[RunResult | CommandResult] = []
        async with self.life.activity(), self._hooked("command", self._command_job(argv), told):
            running = RunningCommand(self._inside, self._inside.limits.output)
            result = await running.run(
                argv,
                cwd=place,
                env=words,
                stdin=given,
                timeout=seconds,
                or_else=without_bash(command),
            )
            told.append(result)
        return result

    def _command_job(self, argv: tuple[str, ...]) -> Job:
        return self._make_job(EVERYWHERE, "\n".join(argv))[1]

    async def start(
        self,
        command: str | Sequence[str],
        *,
        terminal: bool = False,
        size: tuple[int, int] = TERMINAL_SIZE,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> SessionProcess:
        """Start a program that runs beside others."""
        argv, place = command_line(command), check_place(cwd)
        words = {**({"TERM": "xterm-256color"} if terminal else {}), **check_env(env)}
        seconds = None if timeout is None else check_timeout(timeout)
        columns_and_rows = check_size(size) if terminal else None
        async with self.life.activity(), self._hooked("start", self._command_job(argv), []):
            most = partial(share_of, self._processes)
            process = SessionProcess(
                *(self._inside, argv, self.life.touch, most, self._kept), terminal=terminal
            )
            try:
                await process.begin(
                    timeout=seconds,
                    cwd=place,
                    env=words,
                    terminal=columns_and_rows,
                    or_else=without_bash(command),
                )
            except GuestExecError as error:
                raise InvalidRequest(
                    "command",
                    words_of(error, process.command[0], cwd),
                    hint=hint_of(error),
                ) from error
        for old in remember(self._processes, process):
            if self._kept.room is not None:  # else its owner may still have it
                old.forget()
        return process

    async def processes(self) -> Sequence[SessionProcess]:
        """What :meth:`start` has started and still runs, and the last few that have ended."""
        await self.life.enter()
        return list(self._processes)

    # --- what nobody has read ----------------------------------------------------------------

    def count_output(self, room: OutputRoom) -> None:
        """Count there, from now on, what its processes write and nobody reads."""
        self._kept.room = room

    def forget_output(self) -> None:
        """Let it go: nobody will read it, and it is counted nowhere any more."""
        for process in self._processes:
            process.forget()
        self._kept.room = None
