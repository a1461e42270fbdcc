"""How an execution ended, as one word for metrics and traces."""

from __future__ import annotations

from collections.abc import Mapping

import anyio

from drybox.errors import (
    InvalidRequest,
    Rejected,
    SandboxLost,
    SessionClosed,
    Unavailable,
    Unsupported,
)
from drybox.model import ExecutionResult

_WORDS: Mapping[type[Exception], str] = {
    Unavailable: "unavailable",
    Unsupported: "unsupported",
    Rejected: "rejected",
    InvalidRequest: "invalid",
    SandboxLost: "sandbox_error",
    SessionClosed: "closed",
    anyio.BrokenResourceError: "cancelled",  # who followed its events has left
}


def ending(result: ExecutionResult | None, error: BaseException | None) -> str:
    """The result's status, else ``unavailable``, ``unsupported``, ``rejected`` or ``invalid``.

    ``cancelled`` is what the caller gave up, ``error`` a failure that drybox has no word for.
    """
    if result is not None:
        return result.status
    for kind, word in _WORDS.items():
        if isinstance(error, kind):
            return word
    return "error" if isinstance(error, Exception) else "cancelled"
