"""What a language starts in an idle sandbox before a request is known.

A language may offer a prestarted process, and a sandbox may keep it waiting.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import IntEnum
from fnmatch import translate
from functools import lru_cache
from typing import Protocol, runtime_checkable

from drybox.job import WORK_DIR, Command, File
from drybox.model import MIB, ResourceLimits


class Handoff(IntEnum):
    """How a prestarted process waits; init has the same numbers.

    Attributes:
        SOCKET: It says that it waits by writing ``W`` to the socket that it finds as descriptor
            100, and reads its job from there: 32-bit little-endian length of the rest, number of
            arguments and number of variables, then each of them with a NUL. By then it has removed
            its own files. It closes the socket and goes on as if it had been started with the job's
            command line.
        FIFO: It needs no code of its own. What it runs is a named pipe until the
            program comes. It waits to open that, for it may look at the program's size as
            soon as the pipe opens. It is not known when it has come that far; if it has not
            when the program is there, that is started cold.
    """

    SOCKET = 0
    FIFO = 1


PRELOADER = "_drybox_preload"
"""The module of a template that imports others ahead; a file of text beside it lists them."""

PRELOAD_FILES = (".*", "*rc", "*.cfg", "*.ini", "*.conf", "*.toml")
"""Paths of which a module may make something while it is imported: those of settings."""


@dataclass(frozen=True, slots=True)
class PrestartedProcess:
    """A program that starts in an idle sandbox and waits there to become a request's own.

    It waits as one process: others of its end with the first phase.

    Attributes:
        argv: Its command line.
        command_prefix: How the commands begin that it can become; its own command line if empty.
            One with a FIFO can become just the command that it was started as.
        open_files: How many files the command may open.
        handoff: How it waits.
        fifo: The file that it waits to read, if that is its way.
        cwd: Where it starts; None for the working directory, "" for a folder that is gone by
            then, so that it cannot look at what is in the program's before that is there.
        files: Files in the working directory that it starts from.
        env: Variables that it needs beside the sandbox's own.
        startup_env: Patterns of variables that take effect while a program starts, so that they
            cannot change any more.
        startup_files: Patterns of paths of which the same is true.
        size: Bytes of memory that it takes while it waits, about.
        module_folder: Where it looks for the module that makes a template of it; "" where it
            cannot be one.
        preloader: What a template of it has in that folder to import modules ahead, as
            :data:`PRELOADER`; None where it cannot.
        preload: Modules that were imported ahead in what it is forked from.
    """

    argv: tuple[str, ...]
    command_prefix: tuple[str, ...] = ()
    open_files: int = ResourceLimits().open_files
    handoff: Handoff = Handoff.SOCKET
    fifo: str = ""
    cwd: str | None = None
    files: tuple[File, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    startup_env: tuple[str, ...] = ()
    startup_files: tuple[str, ...] = ()
    size: int = 16 * MIB
    module_folder: str = ""
    preloader: bytes | None = None
    preload: tuple[str, ...] = ()

    def fits(self, command: Command, paths: Iterable[str] = ()) -> bool:
        """Whether it can become this command so that the program does not notice.

        Args:
            command: The command.
            paths: Files placed since it waits.
        """
        if self.fifo and (command.argv != self.argv or command.env):
            return False
        beginning = self.command_prefix or self.argv
        return (
            command.argv[: len(beginning)] == beginning
            and command.cwd in (None, WORK_DIR)
            and command.limits.open_files == self.open_files
            and not _match(command.env, ("*",) if self.preload else self.startup_env)
            and not _match(paths, (*self.startup_files, *(PRELOAD_FILES if self.preload else ())))
        )

    def preloading(self, modules: tuple[str, ...]) -> PrestartedProcess:
        """It, forked from a template that has imported modules ahead."""
        return self if self.preloader is None else replace(self, preload=modules)

    def as_template(self, module: File) -> PrestartedProcess:
        """It, as what others are forked from.

        Args:
            module: What makes a template of it; of its path the last part counts.
        """
        place = self.module_folder
        files = [*self.files, replace(module, path=f"{place}/{module.path}")]
        if self.preload and self.preloader is not None:
            files.append(File(f"{place}/{PRELOADER}.py", self.preloader))
            files.append(File(f"{place}/{PRELOADER}.txt", "\n".join(self.preload).encode()))
        return replace(self, files=tuple(files))

    def start(self, limits: ResourceLimits, timeout: float) -> Command:
        """What starts it in a sandbox that may use so much, and so many seconds until it waits."""
        own = replace(limits, open_files=self.open_files)
        return Command(self.argv, own, timeout, cwd=self.cwd)


def widest(limits: Sequence[ResourceLimits]) -> ResourceLimits:
    """Limits that leave room for each of these."""
    return ResourceLimits(
        **{
            item.name: max(getattr(each, item.name) for each in limits)
            for item in fields(ResourceLimits)
        }
    )


def _match(names: Iterable[str], patterns: tuple[str, ...]) -> bool:
    return any(map(_matcher(patterns), names))


@lru_cache(maxsize=64)
def _matcher(patterns: tuple[str, ...]) -> Callable[[str], object]:
    """All of them as one: a request may have thousands of names."""
    return re.compile("|".join(map(translate, patterns)) or "(?!)").match


@runtime_checkable
class WarmLanguage(Protocol):
    """A language whose programs can be started before they are known."""

    def prestarts(
        self, version: str, compile_limits: ResourceLimits, limits: ResourceLimits
    ) -> tuple[PrestartedProcess, ...]:
        """What waits in an idle sandbox.

        Args:
            version: Full version of the toolchain.
            compile_limits: The operator's limits of a compiler.
            limits: The operator's limits of a program.

        Returns:
            Prestarted processes in the order of the phases that they are for. At the end of a phase
            those for later ones go on waiting: no code of a request's own may run before the last
            phase. Requests with other limits may come.
        """
