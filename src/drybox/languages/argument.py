"""File names as arguments."""

from __future__ import annotations


def as_argument(path: str) -> str:
    """The path of a file, so that no program takes it for an option or an argument file."""
    return f"./{path}" if path.startswith(("-", "@")) else path
