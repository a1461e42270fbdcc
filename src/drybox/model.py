"""The values that requests, results and layers are made of. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from drybox.serialization import Files, bytes_as_text, plain
from drybox.serialization import OutputRecord as OutputRecord
from drybox.serialization import Record as Record
from drybox.units import parse_size


@dataclass(frozen=True, slots=True)
class PoolCount:
    """What a pool holds of one language, and has served since it was made.

    Attributes:
        isolation: Its name.
        language: The language.
        idle: Sandboxes that wait now.
        warm: Requests that found one waiting.
        cold: Requests for which one had to be made.
        failures: Failed attempts to make one that waits.
    """

    isolation: str
    language: str
    idle: int
    warm: int
    cold: int
    failures: int


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


@dataclass(frozen=True, slots=True)
class ResourceLimits:
    """What one phase may use at most.

    Sizes are bytes; text such as ``"128m"`` or ``"1.5GiB"`` is turned into them, by powers of 1024.

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

    if TYPE_CHECKING:

        def __init__(
            self,
            memory: int | str = ...,
            cpus: float = ...,
            pids: int = ...,
            disk: int | str = ...,
            output: int | str = ...,
            open_files: int = ...,
        ) -> None:
            """Sizes may be text."""

    def __post_init__(self) -> None:
        """Turn sizes that are text into bytes.

        Raises:
            InvalidRequest: One is not a size.
        """
        for name in ("memory", "disk", "output"):
            size = getattr(self, name)
            if isinstance(size, str):
                object.__setattr__(self, name, parse_size(size, f"limits.{name}"))


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
        isolation: Its name; the executor's default if None.
        environment: Name of an environment of that language; None for none.
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
    environment: str | None = field(default=None, kw_only=True)


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


@bytes_as_text
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


@bytes_as_text
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
        error: None, or why the status is not ``success``; with ``type`` ``artifacts``, which of
            them are missing.
        phases: The phases that ran, in order.
        usage: Use over the whole sandbox.
        truncated: Which stream was cut.
        artifacts: The files that were asked for, by path.
        id: Unique name of this execution.
        language: Canonical name of the language.
        version: Version of the toolchain that ran.
        isolation: What it ran under.
        weakened: Guarantees given up on the caller's request.
        backend: What made the sandbox: ``local`` or ``docker``, or the name of one that another
            package brings.
        environment: Name and digest of the environment that it ran in; None if it was in none.
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
    backend: str = "local"
    environment: str | None = None

    def __post_init__(self) -> None:
        """Hold the artifacts in a way that JSON can be made of."""
        object.__setattr__(self, "artifacts", Files.of(self.artifacts))

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON's own types: output as text, artifacts as base64.

        It is what ``drybox run --json`` prints and ``POST /v1/execute`` answers.
        """
        return {item.name: plain(getattr(self, item.name)) for item in fields(self)}


@bytes_as_text
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

    def to_dict(self) -> dict[str, Any]:
        """The event as JSON's own types, with the fields that its type has."""
        document: dict[str, Any] = {"type": self.type, "id": self.id}
        if self.phase is not None:
            document["phase"] = self.phase
        if self.type == "phase":
            document["outcome"] = plain(self.outcome)
        elif self.result is not None:
            document["result"] = self.result.to_dict()
        elif self.type != "start":
            document["data"] = self.data
        return document


@dataclass(frozen=True, slots=True)
class LanguageInfo(Record):
    """A language, and the toolchain for it on this host.

    Attributes:
        name: Canonical name.
        aliases: Other names.
        suffixes: Suffixes of source files.
        version: Version that would run; None if there is no toolchain.
        hint: How to get a toolchain, if there is none.
        versions: Every version that a request may ask for here, the one that would run first.
    """

    name: str
    aliases: tuple[str, ...]
    suffixes: tuple[str, ...]
    version: str | None
    hint: str
    versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PreparationProgress(Record):
    """Something that is made once before programs of a language can run, and how far it is.

    Attributes:
        language: The language's canonical name.
        label: What is done, in words.
        done, total: How many of its parts are done; None where that is not known.
    """

    language: str
    label: str
    done: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Artifacts:
    """Files that came out of a sandbox, and what did not.

    Attributes:
        files: Contents by path.
        left_out: What was asked for and is not among them, each with its reason.
        unmatched: Globs that nothing matched.
    """

    files: Mapping[str, bytes]
    left_out: Sequence[str] = ()
    unmatched: Sequence[str] = ()
