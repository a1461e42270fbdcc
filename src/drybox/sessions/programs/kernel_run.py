"""What is under way in a kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import anyio

from drybox.execution.output import Output
from drybox.model import ErrorInfo
from drybox.sessions.kernels.base import MAX_LINE
from drybox.sessions.results import CodeError, Completions, Display, RunStatus, SessionEvent

Follow = Callable[[SessionEvent], None]
"""Takes events as they come, at once."""

Ask = Callable[[str], None]
"""Is told that code asks for a line, with its prompt."""

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
    lines: list[str] | None
    ask: Ask | None
    over: anyio.Event = field(default_factory=anyio.Event)
    stop: anyio.Event = field(default_factory=anyio.Event)
    displays: list[Display] = field(default_factory=list)
    shown: int = 0
    has_lost: bool = False
    error: CodeError | None = None
    count: int | None = None
    done: bool = False
    ending: bool = False
    reason: RunStatus | None = None
    completions: Completions = field(default_factory=Completions)
    replies: list[str | None] = field(default_factory=list)
    asked: anyio.Event = field(default_factory=anyio.Event)
