"""The files of a session, for code that is not async."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from drybox.sessions.files_base import AsyncFiles
from drybox.sessions.results import Copied, FileChange, FileInfo
from drybox.sessions.sync_calls import Call, in_steps, iterate


class Files:
    """The files of a session."""

    def __init__(self, files: AsyncFiles, call: Call) -> None:
        self._files = files
        self._call = call

    def read(self, path: str, *, max_bytes: int | None = None) -> bytes:
        """Content of a file."""
        return self._call(partial(self._files.read, path, max_bytes=max_bytes))

    def read_pieces(self, path: str) -> Iterator[bytes]:
        """Content of a file, piece by piece."""
        return iterate(self._call, lambda: self._files.read_pieces(path))

    def write(
        self, path: str, data: bytes | str | Iterator[bytes], *, mode: int | None = None
    ) -> FileInfo:
        """Write a file, and the folders above it."""
        given: Any = data
        if isinstance(data, Iterable) and not isinstance(data, (bytes, bytearray, memoryview, str)):
            given = in_steps(iter(data))
        return self._call(partial(self._files.write, path, given, mode=mode))

    def list(self, path: str = ".", *, depth: int = 1) -> Sequence[FileInfo]:
        """What is in a folder."""
        return self._call(partial(self._files.list, path, depth=depth))

    def stat(self, path: str, *, follow_links: bool = False) -> FileInfo:
        """What is known of a file, a folder or a link itself."""
        return self._call(partial(self._files.stat, path, follow_links=follow_links))

    def exists(self, path: str) -> bool:
        """Whether there is something of that name."""
        return self._call(self._files.exists, path)

    def make_dir(self, path: str) -> FileInfo:
        """Make a folder, and those above it."""
        return self._call(self._files.make_dir, path)

    def rename(self, path: str, to: str) -> FileInfo:
        """Move a file or folder."""
        return self._call(self._files.rename, path, to)

    def remove(self, path: str) -> None:
        """Remove a file, a link, or a folder with all that is in it."""
        self._call(self._files.remove, path)

    def upload(self, source: str | os.PathLike[str], to: str = ".") -> Copied[FileInfo]:
        """Copy a file or a folder of this host into the session."""
        return self._call(self._files.upload, source, to)

    def download(self, path: str, to: str | os.PathLike[str]) -> Copied[str]:
        """Copy a file or a folder of the session into a folder of this host."""
        return self._call(self._files.download, path, to)

    def watch(self, path: str = ".") -> Iterator[FileChange]:
        """Changes below a folder from now on."""
        return iterate(self._call, lambda: self._files.watch(path))
