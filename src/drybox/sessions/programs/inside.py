"""The sandbox of an open session, as the parts of the session use it."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from drybox.backends.base import SandboxUse, SessionSandbox
from drybox.errors import DryboxError, SandboxLost
from drybox.guest.frames import GuestExecError, GuestGone
from drybox.guest.programs import GuestProgram, Programs, Taker
from drybox.job import WORK_DIR, Command
from drybox.model import ResourceLimits, Usage

ALREADY_GONE = "the session's sandbox ended from outside"


@dataclass(slots=True)
class Inside:
    """What runs in the sandbox is started through this.

    Attributes:
        sandbox: The sandbox.
        programs: Its programs and files.
        limits: Those of the whole sandbox.
        env: Variables of everything that the owner runs in it.
        why_closed: What to raise once the session is closed; None while it is open.
    """

    sandbox: SessionSandbox
    programs: Programs
    limits: ResourceLimits
    env: Mapping[str, str] = field(default_factory=dict)
    why_closed: Callable[[], DryboxError | None] = lambda: None

    def lost(self, error: GuestGone) -> DryboxError:
        """What the owner is told where the sandbox is gone."""
        return self.why_closed() or SandboxLost(
            f"{ALREADY_GONE} ({error}).",
            hint="Its files and state are lost; open another session.",
        )

    async def used_at_end(self) -> SandboxUse:
        """What the sandbox has used, at the end of a program.

        Raises:
            SessionClosed: That was the session's end.
        """
        if self.programs.gone.is_set():
            closed = self.why_closed()
            if closed is not None:
                raise closed
        return await self.sandbox.used()

    async def start(
        self,
        argv: tuple[str, ...],
        take: Taker,
        *,
        timeout: float | None,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        is_kernel: bool = False,
        terminal: tuple[int, int] | None = None,
        or_else: tuple[str, ...] = (),
        no_input: bool = False,
    ) -> GuestProgram:
        """Start a program.

        Args:
            argv: The program and its arguments.
            take: Takes its output.
            timeout: Wall seconds until it is killed with its descendants; None for never.
            cwd: Where; below the working directory if it is relative.
            env: Its variables, beside the session's.
            is_kernel: It gets pipes for requests and answers.
            terminal: Columns and rows of a terminal in place of pipes.
            or_else: What is started where there is no such program; nothing if empty.
            no_input: Its standard input ends at once.

        Raises:
            GuestExecError: It could not be started.
            SandboxLost, SessionClosed: The sandbox is gone.
        """

        async def begin(argv: tuple[str, ...]) -> GuestProgram:
            command = Command(argv, self.limits, 1.0, {**self.env, **(env or {})}, where)
            known, variables = self.sandbox.in_sandbox(command)
            return await self.programs.start(
                *(known, variables, take),
                timeout=timeout,
                is_kernel=is_kernel,
                terminal=terminal,
                no_input=no_input,
            )

        where = WORK_DIR if cwd is None else f"{WORK_DIR}/{cwd}" if cwd[:1] != "/" else cwd
        try:
            try:
                return await begin(argv)
            except GuestExecError as error:
                if not or_else or error.number != errno.ENOENT:
                    raise
                return await begin(or_else)
        except GuestGone as error:
            raise self.lost(error) from error


def usage_between(before: SandboxUse, after: SandboxUse) -> Usage:
    """What was used between two looks. The peak is that of the whole sandbox so far."""
    cpu = None
    if before.cpu_time is not None and after.cpu_time is not None:
        cpu = max(0.0, after.cpu_time - before.cpu_time)
    return Usage(cpu, after.memory_peak)
