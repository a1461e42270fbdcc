"""What is told where an environment cannot be built, and how it is known from what a tool said."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from drybox.errors import Unavailable

SHOWN = 4000
"""Characters of the end of what a tool said that are shown."""


class BuildFailed(Unavailable):
    """An environment could not be built. What was there before is as it was.

    Args:
        message: What is wrong, in one sentence.
        hint: What to do about it.
        output: What the tool or the program said.
    """

    def __init__(self, message: str, *, hint: str, output: str = "") -> None:
        super().__init__(message, hint=hint)
        self.output = output


@dataclass(frozen=True, slots=True)
class Cause:
    """What may be wrong, known by what a tool says of it.

    Attributes:
        pattern: What it says.
        message: What is wrong; ``{0}`` is the first group of the pattern that matched, if it has
            any.
        hint: What to do about it; it may have groups, too.
    """

    pattern: re.Pattern[str]
    message: str
    hint: str


FULL_DISK = Cause(
    re.compile(r"no space left on device|disk quota exceeded|ENOSPC", re.IGNORECASE),
    "the disk is full. What was built before is as it was.",
    "Make room where environments and temporary files are kept, and the tool keeps its own.",
)
"""Every tool may meet it, wherever it writes."""


def explain(name: str, said: str, causes: Iterable[Cause], otherwise: Cause) -> BuildFailed:
    """What to tell of a tool that failed.

    Args:
        name: The environment's.
        said: What the tool said.
        causes: What may be wrong; the first that is found counts.
        otherwise: What to tell where none of these is found.
    """
    found, words = otherwise, tuple[str, ...]()
    for cause in (FULL_DISK, *causes):
        if match := cause.pattern.search(said):
            found, words = cause, tuple(group for group in match.groups() if group)
            break
    message, hint = (
        (text.format(*words) if words else text) for text in (found.message, found.hint)
    )
    return BuildFailed(
        f"environment {name!r} cannot be built: {message}",
        hint=hint,
        output=said[-SHOWN:],
    )


def tool_failed(tool: str, source: str) -> Cause:
    """What to tell where nothing is known of what is wrong.

    Args:
        tool: What it is called: ``npm``.
        source: Where it has packages from: ``registry``.
    """
    return Cause(
        re.compile(""),
        f"{tool} failed.",
        f"See that the {source} is in reach, and what {tool} says below.",
    )
