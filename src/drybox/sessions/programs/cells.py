"""Code of languages that keep no state: each piece is a program of its own, over the same files."""

from __future__ import annotations

from dataclasses import replace

import anyio

from drybox.execution.phases import OperatorLimits
from drybox.guest.frames import GuestGone
from drybox.guest.session_files import GuestOSError
from drybox.job import WORK_DIR, Job, Step
from drybox.languages.base import Language
from drybox.sessions.files import file_error
from drybox.sessions.programs.commands import RunningCommand
from drybox.sessions.programs.inside import Inside
from drybox.sessions.programs.kernel_run import Follow
from drybox.sessions.programs.waiting import one_piece
from drybox.sessions.results import CodeError, CommandResult, RunResult, RunStatus, SessionEvent


class Cells:
    """Runs code as programs of a language. They take turns.

    Args:
        inside: Where.
        language: The language.
        operator: Limits of compilers, of which the time holds here.
    """

    def __init__(self, inside: Inside, language: Language, operator: OperatorLimits) -> None:
        self._inside = inside
        self._language = language
        self._operator = operator
        self._turn = anyio.Lock()
        self._count = 0
        self._command: RunningCommand | None = None
        self._was_interrupted = False

    async def run(self, job: Job, timeout: float, stdin: bytes, follow: Follow) -> RunResult:
        """Compile and run a piece of code.

        Args:
            job: The code.
            timeout: Wall seconds of the program.
            stdin: Its input.
            follow: Takes the events but for the result.

        Raises:
            SessionFileError: The code cannot be written.
            SandboxLost, SessionClosed: The sandbox is gone.
        """
        async with self._turn:
            self._was_interrupted = False
            self._count += 1
            plan = self._language.plan(job, self._inside.limits)
            await self._place(job)
            if plan.compile is not None:
                time = self._operator.compile_timeout
                made = await self._take_step(plan.compile, time, b"", lambda event: None)
                if made.status != "success":
                    return self._uncompiled(made, follow)
            done = await self._take_step(plan.run, timeout, stdin, follow)
            return self._result(done, self._status(done))

    async def _place(self, job: Job) -> None:
        files = self._inside.programs.files
        for file in job.files:
            try:
                path = f"{WORK_DIR}/{file.path}".encode()
                await files.write(path, one_piece(file.content), file.mode)
            except GuestOSError as error:
                raise file_error(error, file.path) from error
            except GuestGone as error:
                raise self._inside.lost(error) from error

    async def _take_step(
        self, step: Step, timeout: float, stdin: bytes, follow: Follow
    ) -> CommandResult:
        inside = replace(self._inside, env={**step.env, **self._inside.env})
        command = self._command = RunningCommand(inside, inside.limits.output)
        command.told = lambda stream, data: follow(
            SessionEvent(stream, command.output.decode(stream, data), data)
        )
        try:
            return await command.run(
                step.argv, cwd=step.cwd, env=None, stdin=stdin, timeout=timeout
            )
        finally:
            self._command = None

    def _uncompiled(self, made: CommandResult, follow: Follow) -> RunResult:
        for stream, data in (("stdout", made.stdout_bytes), ("stderr", made.stderr_bytes)):
            if data:
                follow(SessionEvent(stream, data.decode("utf-8", "replace"), data))  # type: ignore[arg-type]
        status: RunStatus = "compile_error"
        if made.status in ("timeout", "memory_limit", "sandbox_error"):
            status = self._status(made)
        return self._result(made, status)

    def _status(self, done: CommandResult) -> RunStatus:
        if self._was_interrupted and done.signal is not None:
            return "interrupted"
        return "failed" if done.status == "signaled" else done.status

    def _result(self, done: CommandResult, status: RunStatus) -> RunResult:
        error = None
        if done.signal is not None and status == "failed":
            error = CodeError(done.signal, f"the program was ended by {done.signal}", "")
        return RunResult(
            status=status,
            stdout_bytes=done.stdout_bytes,
            stderr_bytes=done.stderr_bytes,
            results=[],
            error=error,
            execution_count=self._count,
            execution_time=done.execution_time,
            usage=done.usage,
            truncated=done.truncated,
            exit_code=done.exit_code,
        )

    async def interrupt(self) -> None:
        """Interrupt the program that runs; nothing if none does."""
        if self._command is not None and self._command.program is not None:
            self._was_interrupted = True
            try:
                await self._inside.programs.signal(self._command.program, 2)
            except GuestGone:
                return

    async def kill(self) -> None:
        """End the program that runs."""
        if self._command is not None and self._command.program is not None:
            try:
                await self._inside.programs.kill(self._command.program)
            except GuestGone:
                return
