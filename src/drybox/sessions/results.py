"""What a session gives back. No I/O."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypeVar

from drybox.model import ErrorInfo, OutputRecord, Record, Truncated, Usage
from drybox.serialization import plain

T = TypeVar("T")

RunStatus = Literal[
    "success",
    "failed",
    "compile_error",
    "timeout",
    "interrupted",
    "memory_limit",
    "output_limit",
    "sandbox_error",
]
CommandStatus = Literal[
    "success", "failed", "signaled", "timeout", "memory_limit", "output_limit", "sandbox_error"
]
FileType = Literal["file", "directory", "symlink", "other"]


MAX_METADATA = 16 * 1024
"""Bytes of memory that what code says about something it shows may take. More is let go."""

DISPLAY = 256
"""Bytes that a display takes beside what it holds, about."""


@dataclass(frozen=True, slots=True)
class Display(Record):
    """Something that code showed: the value of its last expression, a figure, a table.

    Attributes:
        data: The same thing in several forms: a MIME type each, with text or, for pictures and
            other binary types, bytes.
        is_main: Whether it is the value of the code's last expression.
        metadata: What the code says about it, for each MIME type: a width, for instance.
    """

    data: Mapping[str, str | bytes]
    is_main: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As JSON's own types; bytes are base64, as their MIME type tells."""
        data = {
            mime: b64encode(form).decode("ascii") if isinstance(form, bytes) else form
            for mime, form in self.data.items()
        }
        return {"data": data, "is_main": self.is_main, "metadata": dict(self.metadata)}


def display_size(display: Display) -> int:
    """Bytes that a display takes, at most."""
    held = sum(len(mime) + len(form) for mime, form in display.data.items())
    return DISPLAY + held + (MAX_METADATA if display.metadata else 0)


@dataclass(frozen=True, slots=True)
class CodeError(Record):
    """What code raised.

    Attributes:
        name: Kind of the error: ``ZeroDivisionError``.
        value: Its message.
        traceback: Where it came from, as the language shows it, without colours.
        coloured: The same with ANSI sequences; "" where the language has no colours.
    """

    name: str
    value: str
    traceback: str
    coloured: str = ""


def error_size(error: CodeError) -> int:
    """Bytes that an error takes, at most."""
    return DISPLAY + len(error.value) + len(error.traceback) + len(error.coloured)


@dataclass(frozen=True, slots=True)
class RunResult(OutputRecord):
    """What became of code that ran in a session.

    Attributes:
        status: How it ended, in one word. ``failed``: the code raised, or its program ended with
            another exit code than 0.
        stdout_bytes, stderr_bytes: What it wrote, up to the output limit.
        results: What it showed, in order.
        error: What it raised; None if it raised nothing.
        execution_count: Number of this run among those of its language in this session, from 1.
        execution_time: Wall seconds.
        usage: What the whole sandbox used meanwhile.
        truncated: Which stream was cut.
        restarted: Whether the language's state is lost: only killing it helped.
        exit_code: Exit code of a program that was run for it; None where the language keeps state.
        problem: Why the status is none of the code's own, and what to do; None otherwise.
    """

    status: RunStatus
    stdout_bytes: bytes
    stderr_bytes: bytes
    results: list[Display]
    error: CodeError | None
    execution_count: int
    execution_time: float
    usage: Usage
    truncated: Truncated
    restarted: bool = False
    exit_code: int | None = None
    problem: ErrorInfo | None = None

    def keys(self) -> Iterator[str]:
        """The names of the fields, text before bytes."""
        return iter(("stdout", "stderr", *(item.name for item in fields(self))))

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON's own types: output as text, binary forms as base64."""
        return _document(self)


NO_ROOM = ErrorInfo(
    "output_limit",
    "What the code showed is not in the result: answers that you have not read take all the memory"
    " that there is for yours.",
    "Read them; then show it again, or less of it.",
)


def without_shown(result: RunResult) -> RunResult:
    """A result without what its code showed: there was no room for all of it."""
    return replace(result, results=[], status="output_limit", problem=NO_ROOM)


@dataclass(frozen=True, slots=True)
class CommandResult(OutputRecord):
    """What became of a command in a session.

    Attributes:
        exit_code: Its exit code; None if a signal ended it.
        signal: Name of that signal: ``SIGKILL``.
        stdout_bytes, stderr_bytes: What it wrote, up to the output limit. A terminal has stdout
            alone.
        execution_time: Wall seconds.
        truncated: Which stream was cut.
        status: How it ended, in one word.
        usage: What it used, with every process that it has waited for.
    """

    exit_code: int | None
    signal: str | None
    stdout_bytes: bytes
    stderr_bytes: bytes
    execution_time: float
    truncated: Truncated
    status: CommandStatus
    usage: Usage = field(default_factory=Usage)

    def keys(self) -> Iterator[str]:
        """The names of the fields, text before bytes."""
        return iter(("stdout", "stderr", *(item.name for item in fields(self))))

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON's own types: output as text."""
        return _document(self)


@dataclass(frozen=True, slots=True)
class SessionEvent(Record):
    """Something that happened while code or a process ran.

    Attributes:
        type: ``stdout``, ``stderr``; of code also ``display``, ``error``, ``input`` and
            ``result``, which is last; of a process ``exit``, which is last.
        data: Text of output, where characters are never split; of ``input`` the prompt.
        data_bytes: The bytes of that output, exactly as they came.
        display: What was shown, on ``display``.
        error: What was raised, on ``error``.
        result: The whole result, on ``result`` and ``exit``.
    """

    type: Literal["stdout", "stderr", "display", "error", "input", "result", "exit"]
    data: str = ""
    data_bytes: bytes = b""
    display: Display | None = None
    error: CodeError | None = None
    result: RunResult | CommandResult | None = None

    def to_dict(self) -> dict[str, Any]:
        """The event as JSON's own types, with the fields that its type has."""
        document: dict[str, Any] = {"type": self.type}
        if self.type in ("stdout", "stderr", "input"):
            document["data"] = self.data
        for name in ("display", "error", "result"):
            value = getattr(self, name)
            if value is not None:
                document[name] = value.to_dict()
        return document


def joined_output(parts: Sequence[SessionEvent]) -> SessionEvent:
    """Output of one stream as one event."""
    if len(parts) == 1:
        return parts[0]
    text, data = "".join(part.data for part in parts), b"".join(part.data_bytes for part in parts)
    return SessionEvent(parts[0].type, text, data)


@dataclass(frozen=True, slots=True)
class Completions(Record):
    """How code may go on at a cursor.

    Attributes:
        matches: What may stand between start and end.
        start, end: Positions in the code, in characters.
    """

    matches: tuple[str, ...] = ()
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class FileInfo(Record):
    """A file of a session.

    Attributes:
        path: Its absolute path. Bytes that are not UTF-8 are surrogates, as Python has them.
        name: Its last part.
        type: ``file``, ``directory``, ``symlink`` or ``other``.
        size: Bytes of content.
        mode: Permission bits.
        modified_at: Seconds since 1970.
        target: Where a symbolic link leads; None for others.
    """

    path: str
    name: str
    type: FileType
    size: int
    mode: int
    modified_at: float
    target: str | None = None


class Copied(list[T]):
    """What was copied between this host and a session.

    Attributes:
        left_out: Why something was not copied, by its path below the folder.
    """

    def __init__(self, copied: Iterable[T] = (), left_out: Mapping[str, str] | None = None) -> None:
        super().__init__(copied)
        self.left_out: Mapping[str, str] = left_out or {}


@dataclass(frozen=True, slots=True)
class FileChange(Record):
    """A change below a folder that is watched.

    Attributes:
        type: What happened.
        path: Absolute path of the file.
    """

    type: Literal["created", "modified", "removed"]
    path: str


@dataclass(frozen=True, slots=True)
class Snapshot(Record):
    """The files of a session, on this host.

    Attributes:
        id: Its name, which follows from the content: ``sha256:`` and 64 hexadecimal digits.
        size: Bytes of the files together.
        files: How many files and folders it has.
        created_at: Seconds since 1970.
        left_out: What is not in it, each with its reason.
    """

    id: str
    size: int
    files: int
    created_at: float
    left_out: tuple[str, ...] = ()


def result_size(result: RunResult | CommandResult) -> int:
    """Bytes that a result holds, at most."""
    size = len(result.stdout_bytes) + len(result.stderr_bytes)
    if isinstance(result, RunResult):
        size += sum(map(display_size, result.results))
        error = result.error
        size += 0 if error is None else len(error.value) + len(error.traceback)
    return size


def _document(result: RunResult | CommandResult) -> dict[str, Any]:
    document: dict[str, Any] = {
        "status": result.status,
        "stdout": result.stdout,
        "stderr": result.stderr,
    }
    for item in fields(result):
        if item.name not in ("status", "stdout_bytes", "stderr_bytes"):
            document[item.name] = plain(getattr(result, item.name))
    return document
