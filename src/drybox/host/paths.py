"""The folders of the user's own files."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """The user's home; the root folder for one that has none, as a service's user may not."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/")


def data_dir() -> Path:
    """Where drybox keeps data: ``$XDG_DATA_HOME/drybox`` or ``~/.local/share/drybox``."""
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else home() / ".local/share") / "drybox"


def cache_dir() -> Path:
    """Where what is made once is kept: ``$XDG_CACHE_HOME/drybox`` or ``~/.cache/drybox``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else home() / ".cache") / "drybox"
