"""Reasons to refuse a request."""

from __future__ import annotations

import re
from dataclasses import dataclass

RETRY_AFTER = 1
"""Seconds after which a request that found no sandbox may come again."""

HOST_KINDS = frozenset({"unsupported", "unavailable", "sandbox-lost", "internal-error"})
"""Kinds whose words may come from the host."""

_PLACE = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,20}://[^\s'\",;]+"  # where a daemon is
    r"|(?<![\w.~/:-])(?!/(?:sandbox|build|packages)\b)/[\w.+@~-][^\s'\",;:()]*(?<!\.)"
)
"""A path or an address, but for those in a sandbox."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a request, or with answering it.

    Attributes:
        kind: What kind of problem it is; ``server/transport`` has the list.
        detail: What is wrong this time, in one sentence.
        hint: What to do about it.
        field: The field of the request that is wrong, or "".
        retry_after: Seconds after which the same request may come again; None where that is
            of no use.
        shown_key: Whether a key was shown, which nobody has.
    """

    kind: str
    detail: str
    hint: str
    field: str = ""
    retry_after: int | None = None
    shown_key: bool = False

    def __post_init__(self) -> None:
        """Leave the host's paths and addresses out: they are the operator's to know."""
        if self.kind in HOST_KINDS:
            object.__setattr__(self, "detail", without_places(self.detail))
            object.__setattr__(self, "hint", without_places(self.hint))


def without_places(text: str) -> str:
    """A text without the paths and the addresses of the host that it names."""
    return _PLACE.sub("…", text)


class Refused(Exception):
    """A request that gets a problem for an answer.

    Args:
        problem: That problem.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem
