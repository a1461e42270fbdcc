"""The seam of warmth: what is started in an idle sandbox before its request is known.

A language offers a runner, a sandbox keeps it waiting; either may do without.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Protocol, runtime_checkable

from drybox.model import MIB, Command, File, ResourceLimits
from drybox.protocols import WORK_DIR


@dataclass(frozen=True, slots=True)
class Runner:
    """A program that starts in an idle sandbox and waits there to become a request's own.

    It says that it waits by writing ``W`` to the socket that it finds as descriptor 3, and
    reads its job from there: 32-bit little-endian length of the rest, number of arguments and
    number of variables, then each of them with a NUL. By then it has removed its own files.
    It closes the socket and goes on as if it had been started with the job's command line.

    Or it has a door: what it runs is named by its last argument, and it waits to read that. It
    then can become just the command that it was started as.

    Attributes:
        argv: Its command line; it can become commands that begin alike.
        files: Files in the working directory that it starts from.
        env: Variables that it needs beside the sandbox's own.
        fixed: Patterns of variables that take effect while a program starts, so that they
            cannot change any more.
        fixed_files: Patterns of paths of which the same is true.
        has_door: It needs no code of its own to wait: its last argument is a named pipe until
            the program comes.
        size: Bytes of memory that it takes while it waits, about.
    """

    argv: tuple[str, ...]
    files: tuple[File, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    fixed: tuple[str, ...] = ()
    fixed_files: tuple[str, ...] = ()
    has_door: bool = False
    size: int = 16 * MIB

    def fits(self, command: Command, paths: Iterable[str]) -> bool:
        """Whether it can become this command so that the program does not notice.

        Args:
            command: The command.
            paths: Files placed since it waits.
        """
        if self.has_door and (command.argv != self.argv or command.env):
            return False
        return (
            command.argv[: len(self.argv)] == self.argv
            and command.cwd in (None, WORK_DIR)
            and not _match(command.env, self.fixed)
            and not _match(paths, self.fixed_files)
        )


def _match(names: Iterable[str], patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


@runtime_checkable
class WarmLanguage(Protocol):
    """A language whose programs can be started before they are known."""

    def runner(self, version: str) -> Runner | None:
        """What waits in an idle sandbox, for a full version of its toolchain; None if nothing."""


@runtime_checkable
class WarmSandbox(Protocol):
    """A sandbox that can be kept idle until a request comes."""

    async def warm(self, runner: Runner, limits: ResourceLimits) -> None:
        """Start a runner and wait until it waits. Before any user data comes in.

        The next command that fits it is then served by it; any other ends it first.

        Raises:
            Unavailable: It does not start here.
        """

    def is_alive(self) -> bool:
        """Whether an idle sandbox can still be used, as far as it is known without asking it."""
