"""A command of a session, from its start to its result."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import anyio

from drybox.errors import InvalidRequest
from drybox.execution.outcome import signal_name, status_of
from drybox.execution.output import Output
from drybox.execution.texts import check_env, check_words
from drybox.guest.frames import GuestExecError, GuestGone
from drybox.guest.programs import Grant, GuestProgram, GuestStream
from drybox.job import Exit
from drybox.model import Stream, Truncated, Usage
from drybox.sessions.programs.inside import Inside, usage_between
from drybox.sessions.results import CommandResult

END_GRACE = 5.0
"""Seconds after its deadline until a command that has not ended is given up."""

NOT_FOUND, NOT_STARTED = 127, 126
"""Exit codes of what could not be started, as shells have them."""

Told = Callable[[Stream, bytes], None]
"""Takes output that is kept."""


def command_line(command: str | Sequence[str]) -> tuple[str, ...]:
    """The arguments of a command: a line is the shell's.

    Raises:
        InvalidRequest: It is neither, or too long.
    """
    if isinstance(command, str):
        return check_words("command", ("bash", "-lc", command))
    if not isinstance(command, (list, tuple)) or not command:
        raise InvalidRequest(
            "command", "it is no command", hint="Pass a line of text, or a list of arguments."
        )
    if not all(isinstance(word, str) for word in command):
        raise InvalidRequest("command", "it has something that is no text", hint="Pass text.")
    return check_words("command", tuple(command))


def without_bash(command: str | Sequence[str]) -> tuple[str, ...]:
    """What runs where an image has no Bash: a line is for its plain shell. Nothing for others."""
    return ("sh", "-lc", command) if isinstance(command, str) else ()


def check_place(cwd: str | None) -> str | None:
    """A working directory.

    Raises:
        InvalidRequest: It is none.
    """
    if cwd is not None and (not isinstance(cwd, str) or "\0" in cwd):
        raise InvalidRequest("cwd", "it is no path", hint="Pass the path of a folder.")
    return cwd or None


class RunningCommand:
    """A program that runs to its end, and what it has written.

    Args:
        inside: Where.
        limit: Bytes kept of each stream; more end it.
        told: Is told of output as it comes.
    """

    def __init__(self, inside: Inside, limit: int, told: Told = lambda stream, data: None) -> None:
        self._inside = inside
        self.told = told
        self._overflow = anyio.Event()
        self.output = Output(limit)
        self.program: GuestProgram | None = None

    async def run(
        self,
        argv: tuple[str, ...],
        *,
        cwd: str | None,
        env: Mapping[str, str] | None,
        stdin: bytes,
        timeout: float,
        or_else: tuple[str, ...] = (),
    ) -> CommandResult:
        """Run it to its end. Cancelling kills it with its descendants.

        Args:
            argv: The program and its arguments.
            cwd: Where; below the working directory if it is relative.
            env: Its variables, beside the session's.
            stdin: Its input.
            timeout: Wall seconds until it is killed.
            or_else: What runs instead where there is no such program; nothing if empty.

        Raises:
            SandboxLost, SessionClosed: The sandbox is gone.
        """
        inside, before = self._inside, await self._inside.sandbox.used()
        began = anyio.current_time()
        try:
            program = self.program = await inside.start(
                *(argv, self._take),
                timeout=timeout,
                cwd=cwd,
                env=check_env(env),
                or_else=or_else,
                no_input=not stdin,
            )
        except GuestExecError as error:
            return _unstarted(error, argv[0], cwd)
        try:
            with anyio.move_on_after(timeout + END_GRACE) as grace:
                async with anyio.create_task_group() as tasks:
                    if stdin:
                        tasks.start_soon(self._feed, program, stdin)
                    tasks.start_soon(self._stop_overflow, program)
                    await program.ended.wait()
                    tasks.cancel_scope.cancel()
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._kill(program)
            raise
        if grace.cancelled_caught:
            await self._kill(program)
        is_gone = program.exit is None and not grace.cancelled_caught
        elapsed = anyio.current_time() - began
        after = await inside.used_at_end()
        is_short = after.oom_kills > before.oom_kills
        if is_gone and not is_short:
            raise inside.lost(GuestGone(inside.programs.problem))
        end = exit_of(program, elapsed, out_of_memory=is_short)
        if is_gone:  # the kernel has ended all of the sandbox for want of memory
            end = replace(end, timed_out=False, out_of_memory=True)
        usage = usage_between(before, after)
        return result_of(end, self.output, inside, replace(usage, memory_peak=end.memory_peak))

    def _take(self, stream: GuestStream, data: bytes) -> Grant:
        if stream != "answers" and not self._overflow.is_set():
            kept = self.output.add(stream, data)
            if kept:
                self.told(stream, kept)
            if len(kept) < len(data):
                self._overflow.set()
        return "slowly" if self._overflow.is_set() else "now"

    async def _feed(self, program: GuestProgram, stdin: bytes) -> None:
        try:
            await self._inside.programs.write(program, stdin)
            await self._inside.programs.end_input(program)
        except GuestGone:
            return

    async def _stop_overflow(self, program: GuestProgram) -> None:
        await self._overflow.wait()
        await self._kill(program)

    async def _kill(self, program: GuestProgram) -> None:
        try:
            await self._inside.programs.kill(program)
        except GuestGone:
            return


def exit_of(program: GuestProgram, elapsed: float, *, out_of_memory: bool) -> Exit:
    """How a program ended; one that was given up has missed its deadline."""
    end = program.exit
    if end is None:
        return Exit(None, 9, elapsed, timed_out=True)
    return Exit(
        *(end.code, end.signal, end.wall_time, end.cpu_time, end.memory_peak, end.timed_out),
        out_of_memory=end.out_of_memory or out_of_memory,
    )


def result_of(end: Exit, output: Output, inside: Inside, usage: Usage) -> CommandResult:
    """A command's result from its end."""
    status = status_of(end, output, inside.limits, None)
    by_drybox = status in ("timeout", "output_limit")
    assert status != "compile_error"
    assert status != "install_error"
    return CommandResult(
        exit_code=None if by_drybox else end.code,
        signal=signal_name(end.signal) if end.signal and not by_drybox else None,
        stdout_bytes=output.bytes("stdout"),
        stderr_bytes=output.bytes("stderr"),
        execution_time=end.wall_time,
        truncated=Truncated(**output.truncated),
        status=status,
        usage=usage,
    )


def words_of(error: GuestExecError, program: str, cwd: str | None) -> str:
    """What a shell would say of what could not be started; the folder may be what is missing."""
    what = f"{program}, in {cwd}" if cwd else program
    return f"{what}: {os.strerror(error.number)}"


def hint_of(error: GuestExecError) -> str:
    """What to do where a program could not be started."""
    if error.number in (errno.EAGAIN, errno.ENOMEM):
        return (
            "The session has no room for one more: end others, or open it with more pids or memory."
        )
    return "Look whether the program and its folder are in the sandbox."


def _unstarted(error: GuestExecError, program: str, cwd: str | None) -> CommandResult:
    words = f"{words_of(error, program, cwd)}\n"
    code = NOT_FOUND if error.number == errno.ENOENT else NOT_STARTED
    return CommandResult(code, None, b"", words.encode(), 0.0, Truncated(), "failed")
