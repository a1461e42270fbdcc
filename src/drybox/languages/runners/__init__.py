"""What waits in idle sandboxes: sources that never run in drybox itself."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path


@lru_cache
def source(name: str) -> bytes:
    """The source of a runner, by the name of its file."""
    return Path(__file__).with_name(name).read_bytes()
