"""A session for code that is not async; see ``base.py``, which says what each method does."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from drybox.sessions.base import TERMINAL_SIZE, SessionState
from drybox.sessions.results import (
    CommandResult,
    Completions,
    FileChange,
    FileInfo,
    RunResult,
    SessionEvent,
    Snapshot,
)

if TYPE_CHECKING:
    from typing_extensions import Self


class Stdin(Protocol):
    """The input of a process."""

    def write(self, data: bytes | str) -> None:
        """Write; waits while the process has much that it has not read."""

    def close(self) -> None:
        """End it. Idempotent."""


class Process(Protocol):
    """A program that runs beside others in a session; see :class:`AsyncProcess`."""

    @property
    def pid(self) -> int:
        """Its number in this session."""

    @property
    def command(self) -> tuple[str, ...]:
        """Its arguments."""

    @property
    def terminal(self) -> bool:
        """Whether it has a terminal."""

    @property
    def started_at(self) -> datetime:
        """When it was started."""

    @property
    def result(self) -> CommandResult | None:
        """What became of it; None while it runs."""

    @property
    def stdin(self) -> Stdin:
        """Its input."""

    @property
    def events(self) -> Iterator[SessionEvent]:
        """What it writes; ``exit`` is last."""

    def signal(self, number: int | str) -> None:
        """Send a signal to the process and its group."""

    def kill(self) -> None:
        """End it, with everything that descends from it. Idempotent."""

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of its terminal."""

    def wait(self) -> CommandResult:
        """Wait for its end."""


class Files(Protocol):
    """The files of a session; see :class:`AsyncFiles`."""

    def read(self, path: str, *, max_bytes: int | None = None) -> bytes:
        """Content of a file."""

    def read_pieces(self, path: str) -> Iterator[bytes]:
        """Content of a file, piece by piece."""

    def write(self, path: str, data: bytes | str | Iterator[bytes]) -> FileInfo:
        """Write a file, and the folders above it."""

    def list(self, path: str = ".", *, depth: int = 1) -> Sequence[FileInfo]:
        """What is in a folder."""

    def stat(self, path: str) -> FileInfo:
        """What is known of a file, a folder or a link itself."""

    def exists(self, path: str) -> bool:
        """Whether there is something of that name."""

    def make_dir(self, path: str) -> FileInfo:
        """Make a folder, and those above it."""

    def rename(self, path: str, to: str) -> FileInfo:
        """Move a file or folder."""

    def remove(self, path: str) -> None:
        """Remove a file, a link, or a folder with all that is in it."""

    def upload(self, source: str | os.PathLike[str], to: str = ".") -> Sequence[FileInfo]:
        """Copy a file or a folder of this host into the session."""

    def download(self, path: str, to: str | os.PathLike[str]) -> Sequence[str]:
        """Copy a file or a folder of the session into a folder of this host."""

    def watch(self, path: str = ".") -> Iterator[FileChange]:
        """Changes below a folder from now on."""


class Session(Protocol):
    """A sandbox that its owner keeps; see :class:`AsyncSession`."""

    @property
    def id(self) -> str:
        """Its unique name, which nobody can guess."""

    @property
    def language(self) -> str:
        """Canonical name of the language of code that names none."""

    @property
    def version(self) -> str:
        """Version of that language's toolchain."""

    @property
    def environment(self) -> str | None:
        """Name and digest of its environment; None for none."""

    @property
    def isolation(self) -> str:
        """What it runs under."""

    @property
    def backend(self) -> str:
        """What made its sandbox."""

    @property
    def weakened(self) -> tuple[str, ...]:
        """Guarantees given up on the caller's request."""

    @property
    def created_at(self) -> datetime:
        """When it was opened, with a time zone."""

    @property
    def expires_at(self) -> datetime:
        """When it is closed unless something is asked of it."""

    @property
    def idle_timeout(self) -> float:
        """Seconds of idleness after which it is closed."""

    @property
    def state(self) -> SessionState:
        """``running``, ``paused`` or ``closed``."""

    @property
    def metadata(self) -> Mapping[str, str]:
        """The owner's own words about it."""

    @property
    def files(self) -> Files:
        """Its files."""

    def run(
        self,
        code: str,
        *,
        language: str | None = None,
        timeout: float | None = None,
        stdin: bytes | str | None = None,
    ) -> RunResult:
        """Run code, with what earlier code of its language left."""

    def stream(
        self,
        code: str,
        *,
        language: str | None = None,
        timeout: float | None = None,
        stdin: bytes | str | None = None,
    ) -> Iterator[SessionEvent]:
        """Run code and follow it; leaving the loop early interrupts it."""

    def complete(
        self, code: str, cursor: int | None = None, *, language: str | None = None
    ) -> Completions:
        """How code may go on at a position in it, or at its end."""

    def command(
        self,
        command: str | Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes | str = b"",
        timeout: float | None = None,
    ) -> CommandResult:
        """Run a command to its end: a line for ``bash -lc``, or a program with its arguments."""

    def start(
        self,
        command: str | Sequence[str],
        *,
        terminal: bool = False,
        size: tuple[int, int] = TERMINAL_SIZE,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Process:
        """Start a program that runs beside others."""

    def processes(self) -> Sequence[Process]:
        """What :meth:`start` has started and still runs, and the last few that have ended."""

    def interrupt(self, *, language: str | None = None) -> None:
        """Interrupt the code that runs."""

    def restart(self, *, language: str | None = None) -> None:
        """End what keeps a language's state."""

    def pause(self) -> None:
        """Stop everything in it until :meth:`resume`."""

    def resume(self) -> None:
        """Go on."""

    def update(
        self, *, idle_timeout: float | None = None, metadata: Mapping[str, str] | None = None
    ) -> None:
        """Change what was asked for when it was opened; what is None stays.

        Args:
            idle_timeout: Seconds of idleness after which it is closed.
            metadata: The owner's own words about it.
        """

    def extend(self, seconds: float) -> None:
        """Let it live for so many seconds from now on."""

    def snapshot(self) -> Snapshot:
        """Keep a copy of its files, which other sessions may begin with."""

    def close(self) -> None:
        """End everything in it and take it away. Idempotent."""

    def __enter__(self) -> Self:
        """Itself."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
