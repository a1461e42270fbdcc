"""What the files of a session are, wherever its sandbox is."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Protocol

from drybox.sessions.results import Copied, FileChange, FileInfo


class AsyncFiles(Protocol):
    """The files of a session. A relative path is below the working directory, ``/sandbox``.

    Every method raises :class:`drybox.SessionFileError` where the sandbox's own permissions, or its
    files, stand in the way; its ``reason`` says how: ``not_found``, ``is_directory``,
    ``not_directory``, ``exists``, ``not_empty``, ``no_space``, ``not_permitted``, ``not_a_file``,
    ``name_too_long``, ``failed``.
    """

    async def read(self, path: str, *, max_bytes: int | None = None) -> bytes:
        """Content of a file.

        Args:
            path: Which one.
            max_bytes: Most bytes; a larger file is refused. None for as many as the session may
                write.
        """

    def read_pieces(self, path: str) -> AsyncGenerator[bytes, None]:
        """Content of a file, piece by piece: a large one in little memory."""

    async def write(
        self,
        path: str,
        data: bytes | str | AsyncIterator[bytes],
        *,
        mode: int | None = None,
    ) -> FileInfo:
        """Write a file, and the folders above it; what was there is replaced.

        Args:
            path: Which one.
            data: All of it, or pieces of it as they come.
            mode: Permission bits, ``0o755`` for a program; None for 0o644, or for those of the
                file that was there.
        """

    async def list(self, path: str = ".", *, depth: int = 1) -> Sequence[FileInfo]:
        """What is in a folder, by path; with a larger depth what is in its folders, too."""

    async def stat(self, path: str, *, follow_links: bool = False) -> FileInfo:
        """What is known of a file, a folder or a link itself.

        Args:
            path: Which one.
            follow_links: Tell of what a link leads to, in place of the link.
        """

    async def exists(self, path: str) -> bool:
        """Whether there is something of that name."""

    async def make_dir(self, path: str) -> FileInfo:
        """Make a folder, and those above it. One that is there is left as it is."""

    async def rename(self, path: str, to: str) -> FileInfo:
        """Move a file or folder; a file of the new name is replaced."""

    async def remove(self, path: str) -> None:
        """Remove a file, a link, or a folder with all that is in it."""

    async def upload(self, source: str | os.PathLike[str], to: str = ".") -> Copied[FileInfo]:
        """Copy a file or a folder of this host into the session.

        Who may run a file here may run it there.

        Args:
            source: The file or folder; links in it that lead to what is in it are followed.
            to: The folder that it is copied into, or for a file its new path.
        """

    async def download(self, path: str, to: str | os.PathLike[str]) -> Copied[str]:
        """Copy a file or a folder of the session into a folder of this host.

        Folders and regular files: no link in a folder is followed or made. What may be run there
        may be run here.

        Returns:
            Paths of the files that were written.
        """

    def watch(self, path: str = ".") -> AsyncIterator[FileChange]:
        """Changes below a folder from now on."""
