"""What the layers below the executor exchange: a job, its plan, and the exit of a command."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol

from drybox.model import ResourceLimits, Stream

WORK_DIR = "/sandbox"
"""Working directory of every program: writable, and holds just its files."""

BUILD_DIR = "/build"
"""Where compilers write: writable, outside the working directory, on the same quota."""

PACKAGES_DIR = "/packages"
"""Where a sandbox sees the archives that installers take packages from; read-only."""

KERNEL_DIR = "/kernel"
"""Where a session's sandbox sees what a kernel consists of; read-only."""

ENVIRONMENT_DIR = "/environment"
"""Where a sandbox sees the environment that was asked for; read-only."""

NEW_ENVIRONMENT_DIR = f"{BUILD_DIR}/environment"
"""Where one is installed; it is moved to the other place afterwards."""

INSTALL_DIR = f"{BUILD_DIR}/packages"
"""Where packages are installed, out of reach of artifacts."""

OWNER: ContextVar[str] = ContextVar("owner", default="")
"""Whose request is carried out, where there are keys: what is made for it may be its alone."""

QUEUE_TIMEOUT: ContextVar[float | None] = ContextVar("queue_timeout", default=None)
"""Seconds that a request which a server has admitted may wait for a slot elsewhere; None for any
time."""


@dataclass(frozen=True, slots=True)
class ExecutionCaps:
    """What one execution is held to beside its request's limits. None is no bound.

    Attributes:
        compile_timeout: Wall seconds of its compiler; the operator's own hold as well.
        compile_memory: Bytes of memory of its compiler; the operator's own hold as well.
        compile_cpu_time: CPU seconds of its compiler.
        run_cpu_time: CPU seconds of its program.
    """

    compile_timeout: float | None = None
    compile_memory: int | None = None
    compile_cpu_time: float | None = None
    run_cpu_time: float | None = None


UNCAPPED = ExecutionCaps()


@dataclass(frozen=True, slots=True)
class File:
    """A file to place in the sandbox, by path relative to the working directory."""

    path: str
    content: bytes
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Command:
    """One program for :meth:`drybox.backends.base.Sandbox.exec`.

    Attributes:
        argv: The program, looked up on the sandbox's PATH, and its arguments.
        limits: What this phase may use.
        timeout: Wall seconds until the whole process tree is killed.
        env: Variables added to the sandbox's own environment.
        cwd: Working directory, absolute inside the sandbox.
        cpu_time: CPU seconds the whole process tree may use; None for as many as there are
            within ``timeout``. A sandbox that can tell ends the command there; where it cannot,
            more is found out at the end.
    """

    argv: tuple[str, ...]
    limits: ResourceLimits
    timeout: float
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    cpu_time: float | None = None


@dataclass(frozen=True, slots=True)
class Exit:
    """How a command ended, as the sandbox saw it.

    Attributes:
        code: Exit code, or None if a signal ended it.
        signal: Number of that signal, or None.
        wall_time: Seconds from start to end of the main process.
        cpu_time: CPU seconds of the whole process tree, or None.
        memory_peak: Peak bytes during this command, or None.
        timed_out: The deadline ended it.
        out_of_memory: The kernel killed something for the memory limit.
        memory_mapped: Bytes of the peak that may be files which were only mapped.
    """

    code: int | None
    signal: int | None
    wall_time: float
    cpu_time: float | None = None
    memory_peak: int | None = None
    timed_out: bool = False
    out_of_memory: bool = False
    memory_mapped: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """A validated request: every path is relative and clean, every default filled in.

    Attributes:
        language: The language's canonical name.
        version: The version asked for, or "".
        files: All files to place, the entry file among them.
        entry: Path of the entry file.
        stdin: Standard input of the program.
        args: Arguments of the program.
        env: Variables of the program.
        timeout: Wall seconds of the run phase.
        limits: Limits of the run phase.
        packages: Packages to install, each in its language's own form.
        artifacts: Globs to bring back.
        isolation: Its name.
        package_dir: Folder of this language's archives on the host; "" without packages.
        caps: What it is held to beside its limits.
        environment: Name of its environment, and ``NAME@DIGEST`` once it is known which one that
            is; "" for none.
    """

    language: str
    version: str
    files: tuple[File, ...]
    entry: str
    stdin: bytes
    args: tuple[str, ...]
    env: Mapping[str, str]
    timeout: float
    limits: ResourceLimits
    packages: tuple[str, ...]
    artifacts: tuple[str, ...]
    isolation: str
    package_dir: str = ""
    caps: ExecutionCaps = UNCAPPED
    environment: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """The command of one phase, before limits and deadline are put to it."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = WORK_DIR


@dataclass(frozen=True, slots=True)
class Plan:
    """What a language makes of a job: the steps to take.

    Attributes:
        run: The program.
        compile: The compiler, or None.
        install: The installer of the job's packages, or None if there are none. It reads
            archives from :data:`PACKAGES_DIR` and runs nothing of the request or of a package.
        memory_marker: Text that this language's runtime leaves on stderr when the program
            dies for want of memory inside the runtime's own bound, which mirrors the
            memory limit; None where only the kernel enforces it.
        outputs: Globs, below :data:`BUILD_DIR`, of all that ``compile`` leaves for ``run``, which
            follows from the job's files and the toolchain alone. Nothing is kept of it if empty.
    """

    run: Step
    compile: Step | None = None
    install: Step | None = None
    memory_marker: bytes | None = None
    outputs: tuple[str, ...] = ()


Sink = Callable[[Stream, bytes], Awaitable[None]]
"""Takes output as it comes; while it waits, the program's output waits too."""


class Source(Protocol):
    """Gives a program's input piece by piece: an async function without arguments."""

    def __call__(self) -> Awaitable[bytes]:
        """The next piece; b"" at the end."""
