"""Where the user's own files are."""

from __future__ import annotations

from pathlib import Path


def home() -> Path:
    """The user's home; the root folder for one that has none, as a service's user may not."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/")
