"""What a backend can have ready before it is known which one serves the request."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def started_ahead() -> Iterator[None]:
    """Start what a first local sandbox waits for; what nobody takes ends again."""
    if sys.platform != "linux":
        yield
        return
    from drybox.backends.local.supervisor.process import dismiss_ahead, start_ahead

    start_ahead()
    try:
        yield
    finally:
        dismiss_ahead()
