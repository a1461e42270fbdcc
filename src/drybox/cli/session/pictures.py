"""Saves the pictures that code shows, and names them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

SUFFIXES = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/svg+xml": "svg",
    "application/pdf": "pdf",
}
"""Forms that are saved, the first that there is, and the suffix of each file."""

MOST_SAVED = 100
"""Pictures of one run: code must not fill the disk of whoever looks at it."""


class Pictures:
    """Pictures in a folder. Nothing that is there is overwritten.

    Args:
        folder: Where; made when the first one comes.
    """

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._last = 0
        self._saved = 0

    def begin_run(self) -> None:
        """Count anew."""
        self._saved = 0

    def save(self, data: Mapping[str, str | bytes]) -> str | None:
        """Save a display's picture.

        Returns:
            Where it is; None if the display has none, or there were too many.

        Raises:
            OSError: It cannot be written.
        """
        form = next((mime for mime in SUFFIXES if mime in data), None)
        if form is None or self._saved >= MOST_SAVED:
            return None
        self._saved += 1
        content = data[form]
        if isinstance(content, str):
            content = content.encode("utf-8", "replace")
        self._folder.mkdir(parents=True, exist_ok=True)
        while True:
            self._last += 1
            path = self._folder / f"picture-{self._last}.{SUFFIXES[form]}"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            try:
                opened = os.open(path, flags, 0o644)
            except FileExistsError:
                continue
            with open(opened, "wb") as file:
                file.write(content)
            return os.fspath(path)
