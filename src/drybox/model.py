"""The values that requests, results and layers are made of. No behaviour, no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

Status = Literal[
    "success",
    "failed",
    "signaled",
    "compile_error",
    "install_error",
    "timeout",
    "memory_limit",
    "output_limit",
    "sandbox_error",
]
PhaseName = Literal["install", "compile", "run"]
Stream = Literal["stdout", "stderr"]

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


class Record:
    """A value whose fields can also be read as keys, as in its JSON form."""

    __slots__ = ()

    def __getitem__(self, name: str) -> Any:
        # The table is at hand; going through the keys costs more than all else of a document.
        if name in self.__dataclass_fields__ or name in self.keys():  # type: ignore[attr-defined]
            return getattr(self, name)
        raise KeyError(name)

    def keys(self) -> Iterator[str]:
        """The field names, so that ``dict(record)`` works."""
        return (item.name for item in fields(self))  # type: ignore[arg-type]


class OutputRecord(Record):
    """A value with output, which is made text when somebody asks for it."""

    __slots__ = ()

    stdout_bytes: bytes
    stderr_bytes: bytes

    @property
    def stdout(self) -> str:
        """Stdout as text; bytes that are no UTF-8 become U+FFFD."""
        return self.stdout_bytes.decode("utf-8", "replace")

    @property
    def stderr(self) -> str:
        """Stderr as text; bytes that are no UTF-8 become U+FFFD."""
        return self.stderr_bytes.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class ResourceLimits:
    """What one phase may use at most.

    Attributes:
        memory: Bytes of memory, swap included; files of the sandbox count too, since
            they live in memory.
        cpus: CPU time per wall time; 0.5 is half a core.
        pids: Processes and threads that exist at once.
        disk: Bytes in the sandbox's writable places together.
        output: Bytes kept of stdout and of stderr, each; more ends the program.
        open_files: File descriptors a process may hold.
    """

    memory: int = 256 * MIB
    cpus: float = 1.0
    pids: int = 64
    disk: int = 64 * MIB
    output: int = 1 * MIB
    open_files: int = 256


@dataclass(frozen=True, slots=True)
class ExecutionRequest:
    """One program to run, once.

    Attributes:
        language: Name or alias, with an optional version: ``python``, ``js``, ``python@3.11``.
        code: Source of the entry file.
        files: Further files by relative path; text is stored as UTF-8.
        entrypoint: Path of the entry file; by default the language's usual name.
        stdin: What the program reads on standard input.
        args: Arguments of the program.
        env: Environment variables added to the sandbox's own.
        timeout: Wall seconds the run phase may take; the executor's default if None.
        limits: Limits of the run phase; the executor's default if None.
        packages: Packages to install before anything else.
        artifacts: Globs of files to bring back, relative to the working directory.
        isolation: The wall; the executor's default if None.
    """

    language: str
    code: str | None = None
    files: Mapping[str, bytes | str] | None = field(default=None, kw_only=True)
    entrypoint: str | None = field(default=None, kw_only=True)
    stdin: bytes | str = field(default=b"", kw_only=True)
    args: Sequence[str] = field(default=(), kw_only=True)
    env: Mapping[str, str] | None = field(default=None, kw_only=True)
    timeout: float | None = field(default=None, kw_only=True)
    limits: ResourceLimits | None = field(default=None, kw_only=True)
    packages: Sequence[str] = field(default=(), kw_only=True)
    artifacts: Sequence[str] = field(default=(), kw_only=True)
    isolation: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Usage(Record):
    """What was used: CPU seconds and peak bytes of memory; None where not measured."""

    cpu_time: float | None = None
    memory_peak: int | None = None


@dataclass(frozen=True, slots=True)
class Truncated(Record):
    """Which stream was cut at the output limit."""

    stdout: bool = False
    stderr: bool = False


@dataclass(frozen=True, slots=True)
class ErrorInfo(Record):
    """Why a result is not a success, and what to do about it."""

    type: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class PhaseResult(OutputRecord):
    """The outcome of one phase. Times are seconds, ``memory_peak`` is bytes."""

    name: PhaseName
    status: Status
    stdout_bytes: bytes
    stderr_bytes: bytes
    exit_code: int | None
    signal: str | None
    execution_time: float
    cpu_time: float | None
    memory_peak: int | None

    def keys(self) -> Iterator[str]:
        """The names of the contract's fields, which has the text alone."""
        return (item.name.removesuffix("_bytes") for item in fields(self))


@dataclass(frozen=True, slots=True)
class ExecutionResult(OutputRecord):
    """The complete outcome of one execution; the same from every front door.

    Attributes:
        status: How it ended, in one word.
        stdout_bytes: What the program wrote to stdout, up to the output limit.
        stderr_bytes: The same for stderr. After a failed compile or install, what that
            phase wrote.
        exit_code: The program's own exit code; None if a signal or drybox ended it.
        signal: Name of the signal it died of, for instance ``SIGSEGV``.
        execution_time: Wall seconds of the run phase; 0.0 if it was not reached.
        error: None, or why this is no success.
        phases: The phases that ran, in order.
        usage: Use over the whole sandbox.
        truncated: Which stream was cut.
        artifacts: The files that were asked for, by path.
        id: Unique name of this execution.
        language: Canonical name of the language.
        version: Version of the toolchain that ran.
        isolation: The wall that ran it.
        weakened: Guarantees given up on the caller's request.
    """

    status: Status
    stdout_bytes: bytes
    stderr_bytes: bytes
    exit_code: int | None
    signal: str | None
    execution_time: float
    error: ErrorInfo | None
    phases: list[PhaseResult]
    usage: Usage
    truncated: Truncated
    artifacts: Mapping[str, bytes]
    id: str
    language: str
    version: str
    isolation: str
    weakened: tuple[str, ...] = ()

    def keys(self) -> Iterator[str]:
        """The names of the contract's fields, text before bytes."""
        return iter(("stdout", "stderr", *(item.name for item in fields(self))))


@dataclass(frozen=True, slots=True)
class Event(Record):
    """Something that happened during an execution.

    Attributes:
        type: ``start``, ``phase``, ``stdout``, ``stderr`` or ``result`` (always last).
        phase: The phase it belongs to; None for ``start`` and ``result``.
        data: Text of a ``stdout`` or ``stderr`` event; characters are never split.
        data_bytes: The bytes of that event, exactly as they came.
        id: The execution's name.
        result: The whole result, on the ``result`` event.
        outcome: The phase's outcome, on a ``phase`` event that ends it; None where it begins.
    """

    type: Literal["start", "phase", "stdout", "stderr", "result"]
    id: str
    phase: PhaseName | None = None
    data: str = ""
    data_bytes: bytes = b""
    outcome: PhaseResult | None = None
    result: ExecutionResult | None = None


@dataclass(frozen=True, slots=True)
class LanguageInfo(Record):
    """A language and what of it is here.

    Attributes:
        name: Canonical name.
        aliases: Other names.
        suffixes: Suffixes of source files.
        version: Version that would run; None if there is no toolchain.
        hint: How to get a toolchain, where there is none.
    """

    name: str
    aliases: tuple[str, ...]
    suffixes: tuple[str, ...]
    version: str | None
    hint: str


# --- what the layers below the executor exchange ---------------------------------------


@dataclass(frozen=True, slots=True)
class Bounds:
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


UNBOUNDED = Bounds()


@dataclass(frozen=True, slots=True)
class File:
    """A file to place in the sandbox, by path relative to the working directory."""

    path: str
    content: bytes
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Command:
    """One program for :meth:`drybox.protocols.Sandbox.exec`.

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
