"""The seam of warmth: what is started in an idle sandbox before its request is known.

A language offers a runner, a sandbox keeps it waiting; either may do without.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import IntEnum
from fnmatch import fnmatchcase
from typing import Protocol, runtime_checkable

from drybox.model import MIB, Command, File, ResourceLimits
from drybox.protocols import WORK_DIR, Sandbox


class Way(IntEnum):
    """How a runner waits; init has the same numbers.

    Attributes:
        ASKS: It says that it waits by writing ``W`` to the socket that it finds as descriptor 100,
            and reads its job from there: 32-bit little-endian length of the rest, number of
            arguments and number of variables, then each of them with a NUL. By then it has
            removed its own files. It closes the socket and goes on as if it had been started
            with the job's command line.
        STANDS_BEFORE_DOOR: It needs no code of its own. What it runs is a named pipe until the
            program comes. It waits to open that, for it may look at the program's size as
            soon as the pipe opens. It is not known when it has come that far; if it has not
            when the program is there, that is started cold.
    """

    ASKS = 0
    STANDS_BEFORE_DOOR = 1


@dataclass(frozen=True, slots=True)
class Runner:
    """A program that starts in an idle sandbox and waits there to become a request's own.

    It waits as one process: others of its end with the first phase.

    Attributes:
        argv: Its command line.
        becomes: How the commands begin that it can become; its own command line if empty. One
            with a door can become just the command that it was started as.
        open_files: How many files the command may open.
        way: How it waits.
        door: The file that it waits to read, if that is its way.
        files: Files in the working directory that it starts from.
        env: Variables that it needs beside the sandbox's own.
        fixed: Patterns of variables that take effect while a program starts, so that they
            cannot change any more.
        fixed_files: Patterns of paths of which the same is true.
        size: Bytes of memory that it takes while it waits, about.
    """

    argv: tuple[str, ...]
    becomes: tuple[str, ...] = ()
    open_files: int = ResourceLimits().open_files
    way: Way = Way.ASKS
    door: str = ""
    files: tuple[File, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    fixed: tuple[str, ...] = ()
    fixed_files: tuple[str, ...] = ()
    size: int = 16 * MIB

    def fits(self, command: Command, paths: Iterable[str] = ()) -> bool:
        """Whether it can become this command so that the program does not notice.

        Args:
            command: The command.
            paths: Files placed since it waits.
        """
        if self.door and (command.argv != self.argv or command.env):
            return False
        beginning = self.becomes or self.argv
        return (
            command.argv[: len(beginning)] == beginning
            and command.cwd in (None, WORK_DIR)
            and command.limits.open_files == self.open_files
            and not _match(command.env, self.fixed)
            and not _match(paths, self.fixed_files)
        )

    def limits_in(self, limits: ResourceLimits) -> ResourceLimits:
        """What it is started with in a sandbox that may use so much."""
        return replace(limits, open_files=self.open_files)


def widest(limits: Sequence[ResourceLimits]) -> ResourceLimits:
    """Limits that leave room for each of these."""
    return ResourceLimits(
        **{
            item.name: max(getattr(each, item.name) for each in limits)
            for item in fields(ResourceLimits)
        }
    )


def _match(names: Iterable[str], patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


@runtime_checkable
class WarmLanguage(Protocol):
    """A language whose programs can be started before they are known."""

    def runners(self, version: str, commands: Sequence[Command]) -> tuple[Runner, ...]:
        """What waits in an idle sandbox.

        Args:
            version: Full version of the toolchain.
            commands: What a request of the kind that is expected comes to, one for each phase.

        Returns:
            Runners in the order of the phases that they are for. At the end of a phase those
            for later ones go on waiting: no code of a request's own may run before the last
            phase. Nothing but limits of what is expected may be in them, for another request
            may come.
        """


@runtime_checkable
class WarmSandbox(Protocol):
    """A sandbox that can be kept idle until a request comes."""

    async def warm(self, runners: Sequence[Runner], limits: ResourceLimits) -> None:
        """Start runners and wait until they wait. Before any user data comes in.

        A command that fits one is then served by it, which ends those before it; a command
        that fits none ends them all.

        Args:
            runners: In the order of the phases that they are for.
            limits: What the sandbox may use until the request comes.

        Raises:
            Unavailable: It does not start here.
        """

    def is_alive(self) -> bool:
        """Whether an idle sandbox can still be used, as far as it is known without asking it."""


class IdleSandbox(Sandbox, WarmSandbox, Protocol):
    """A sandbox that waits."""
