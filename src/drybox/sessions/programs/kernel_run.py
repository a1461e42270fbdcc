"""What is under way in a kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import anyio

from drybox.execution.output import Output
from drybox.guest.frames import GuestExit
from drybox.model import ErrorInfo
from drybox.sessions.kernels.base import MAX_LINE
from drybox.sessions.programs.requests import InputLines
from drybox.sessions.results import (
    CodeError,
    Completions,
    Display,
    RunStatus,
    SessionEvent,
    display_size,
    error_size,
)

Follow = Callable[[SessionEvent], None]
"""Takes events as they come, at once."""

Ask = Callable[[str], None]
"""Is told that code asks for a line, with its prompt."""

MOST_SHOWN = 64 * 1024 * 1024
"""Bytes of what one run shows, in all its forms together."""

MOST_DISPLAYS = 10_000

MOST_HEARD = 96 * 1024 * 1024
"""Bytes that a kernel may answer to one run: what it shows, as base64, and some more."""

MOST_ANSWERS = 100_000
"""Lines of them, whatever they say: each takes this host's time."""

MOST_REPLIES = 10_000
"""Lines that code has asked for, and does not take."""

TOO_LARGE = ErrorInfo(
    "output_limit",
    f"Something that the code showed is not in the result: it was larger than {MAX_LINE:,} bytes, "
    "or had too many parts.",
    "Show less of it, or write it to a file of the session.",
)


@dataclass(slots=True)
class KernelRun:
    """What is under way in a kernel."""

    id: str
    output: Output
    follow: Follow
    lines: InputLines | None
    ask: Ask | None
    over: anyio.Event = field(default_factory=anyio.Event)
    stop: anyio.Event = field(default_factory=anyio.Event)
    displays: list[Display] = field(default_factory=list)
    shown: int = 0
    heard: int = 0
    lines_heard: int = 0
    has_lost: bool = False
    error: CodeError | None = None
    compiles: bool = True
    count: int | None = None
    done: bool = False
    ending: bool = False
    reason: RunStatus | None = None
    completions: Completions = field(default_factory=Completions)
    replies: list[str | None] = field(default_factory=list)
    asked: anyio.Event = field(default_factory=anyio.Event)

    def hears(self, data: bytes) -> bool:
        """Whether as much as this may come yet, too; no more is heard from then on."""
        self.heard += len(data)
        self.lines_heard += data.count(b"\n")
        return self.heard <= MOST_HEARD and self.lines_heard <= MOST_ANSWERS

    def show(self, display: Display) -> None:
        """The code shows something."""
        self.shown += display_size(display)
        if self.shown > MOST_SHOWN or len(self.displays) >= MOST_DISPLAYS:
            self.stop_showing()
            return
        self.displays.append(display)
        self.follow(SessionEvent("display", display=display))

    def fail(self, error: CodeError, *, compiles: bool) -> None:
        """The code has raised an error, or does not compile."""
        self.error, self.compiles = error, compiles
        self.shown += error_size(error)
        if self.shown > MOST_SHOWN:
            self.stop_showing()
            return
        self.follow(SessionEvent("error", error=error))

    def note_exit(self, end: GuestExit | None) -> None:
        """The code has ended its kernel by itself, as a program ends."""
        if end is not None and end.code and self.error is None:
            self.fail(CodeError("Exit", str(end.code), ""), compiles=True)

    def stop_showing(self) -> None:
        """It has shown more than it may, and is ended."""
        self.shown = MOST_SHOWN + 1
        self.stop.set()

    def asks(self, prompt: str) -> None:
        """The code asks for a line."""
        if len(self.replies) >= MOST_REPLIES:
            self.stop.set()
            return
        if self.lines:
            self.replies.append(self.lines.popleft())
            self.lines_heard -= 1  # as many as its owner has sent
        elif self.ask is not None:
            self.ask(prompt)
            return
        else:
            self.replies.append(None)
        self.asked.set()

    def status(self, interrupted: frozenset[str], *, restarted: bool) -> RunStatus:
        """How it ended, in one word.

        Args:
            interrupted: Names of errors that say that code was interrupted.
            restarted: Whether the kernel ended before it did.
        """
        status: RunStatus = "success"
        if self.output.overflowed or self.shown > MOST_SHOWN or self.has_lost:
            status = "output_limit"
        elif self.reason is not None:
            was_interrupted = self.error is not None and self.error.name in interrupted
            is_late = self.reason in ("timeout", "memory_limit")
            if is_late or was_interrupted or restarted:
                status = self.reason
            else:  # it ended by itself before the interrupt came
                status = "failed" if self.error else "success"
        elif self.error is not None or restarted:
            status = "failed" if self.compiles else "compile_error"
        return status
