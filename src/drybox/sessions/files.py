"""The files of a session; see :class:`drybox.sessions.files_base.AsyncFiles`."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from pathlib import PurePosixPath

import anyio
import anyio.to_thread

from drybox.errors import DryboxError, InvalidRequest, SessionFileError
from drybox.execution.texts import show
from drybox.guest.frames import GuestGone
from drybox.guest.session_files import GuestFile, GuestOSError
from drybox.job import WORK_DIR
from drybox.sessions.copying import MOST_DEPTH, CopiedFiles
from drybox.sessions.programs.inside import Inside
from drybox.sessions.programs.waiting import one_piece
from drybox.sessions.results import FileInfo, FileType

MANY_FILES = 1000
"""Files that are described while everybody else waits; of more a thread is asked."""

_BYTES = (bytes, bytearray, memoryview)

_FULL = ("no_space", "the sandbox's disk is full", "Remove files, or ask for a larger limits.disk.")
_REASONS = {
    errno.ENOENT: ("not_found", "there is no such file", "List the folder to see what is there."),
    errno.EISDIR: ("is_directory", "it is a folder", "Name a file."),
    errno.ENOTDIR: ("not_directory", "a part of the path is no folder", "Name a folder."),
    errno.EEXIST: ("exists", "there is something of that name", "Remove it, or take another name."),
    errno.ENOTEMPTY: ("not_empty", "the folder is not empty", "Remove what is in it."),
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.ENOMEM: ("no_space", "the sandbox's memory is full", "Ask for a larger limits.memory."),
    errno.EACCES: ("not_permitted", "the sandbox's user may not do that", "Use /sandbox or /tmp."),
    errno.EPERM: ("not_permitted", "the sandbox's user may not do that", "Use /sandbox or /tmp."),
    errno.EROFS: ("not_permitted", "that place is read-only", "Use /sandbox or /tmp."),
    errno.EXDEV: ("not_permitted", "it cannot be moved to there", "Write a copy and remove it."),
    errno.E2BIG: ("too_large", "there are too many names", "List a folder below it."),
    errno.ENXIO: ("not_a_file", "it is no regular file", "Read it by a command."),
    errno.ENAMETOOLONG: ("name_too_long", "the name is too long", "Take a shorter one."),
}  # fmt: skip


def file_error(error: GuestOSError, path: str) -> SessionFileError:
    """What the owner is told of a refusal of the sandbox's kernel."""
    usual = ("failed", os.strerror(error.number).lower(), "Look at it by a command.")
    reason, words, hint = _REASONS.get(error.number, usual)
    shown = path.encode("utf-8", "replace").decode()[:200]
    return SessionFileError(reason, f"{shown!r}: {words}", hint=hint)


def check_path(path: object) -> bytes:
    """A path as the sandbox's kernel takes it.

    Raises:
        InvalidRequest: It is none.
    """
    if not isinstance(path, str) or not path or "\0" in path:
        raise InvalidRequest("path", "it is no path", hint="Pass a path, such as 'data.csv'.")
    encoded = os.fsencode(path)
    if len(encoded) > 4000:
        raise SessionFileError("name_too_long", "the path is too long", hint="Take a shorter one.")
    return encoded


def check_mode(mode: object) -> None:
    """Make sure of the permission bits of a file that is written.

    Raises:
        InvalidRequest: They are none.
    """
    if mode is None:
        return
    if isinstance(mode, bool) or not isinstance(mode, int) or not 0 <= mode <= 0o777:
        what = f"{show(mode)} is no set of permission bits"
        raise InvalidRequest("mode", what, hint="Pass such as 0o644, or 0o755 for a program.")


def _absolute(path: bytes) -> str:
    return os.path.normpath(f"{WORK_DIR}/".encode() + path if path[:1] != b"/" else path).decode(
        "utf-8", "surrogateescape"
    )


def _described(folder: bytes, found: Sequence[GuestFile]) -> list[FileInfo]:
    """What is in a folder, by path."""
    above = _absolute(folder).rstrip("/")
    named = [(f"{above}/{os.fsdecode(item.path)}", item) for item in found]
    return [_info(item, name) for name, item in sorted(named, key=lambda pair: pair[0])]


def _type(mode: int) -> FileType:
    if stat.S_ISDIR(mode):
        return "directory"
    if stat.S_ISLNK(mode):
        return "symlink"
    return "file" if stat.S_ISREG(mode) else "other"


def _info(found: GuestFile, path: str) -> FileInfo:
    target = os.fsdecode(found.target) if stat.S_ISLNK(found.mode) else None
    return FileInfo(
        path=path,
        name=PurePosixPath(path).name,
        type=_type(found.mode),
        size=found.size,
        mode=stat.S_IMODE(found.mode),
        modified_at=found.modified / 1e9,
        target=target,
    )


class SessionFiles(CopiedFiles):
    """The files of one session.

    Args:
        inside: Where.
        activity: Is entered for each use: the session is open, and neither idle nor paused.
    """

    def __init__(
        self, inside: Inside, activity: Callable[[], AbstractAsyncContextManager[None]]
    ) -> None:
        self._inside = inside
        self._guest = inside.programs.files
        self._activity = activity

    def _told(self, error: GuestOSError | GuestGone, path: str) -> DryboxError:
        if isinstance(error, GuestGone):
            return self._inside.lost(error)
        return file_error(error, path)

    async def read(self, path: str, *, max_bytes: int | None = None) -> bytes:
        """Content of a file."""
        most = self._inside.limits.disk if max_bytes is None else max_bytes
        return await joined(self.read_pieces(path), path, most)

    async def read_pieces(self, path: str) -> AsyncGenerator[bytes, None]:
        """Content of a file, piece by piece."""
        known = check_path(path)
        async with self._activity(), aclosing(self._guest.read(known)) as pieces:
            try:
                async for piece in pieces:
                    yield piece
            except (GuestOSError, GuestGone) as error:
                raise self._told(error, path) from error

    async def write(
        self,
        path: str,
        data: bytes | str | AsyncIterator[bytes],
        *,
        mode: int | None = None,
    ) -> FileInfo:
        """Write a file, and the folders above it."""
        known = check_path(path)
        check_mode(mode)
        pieces = pieces_of(data)
        async with self._activity():
            try:
                await self._guest.write(known, pieces, mode)
                return _info(await self._guest.stat(known), _absolute(known))
            except (GuestOSError, GuestGone) as error:
                raise self._told(error, path) from error

    async def list(self, path: str = ".", *, depth: int = 1) -> Sequence[FileInfo]:
        """What is in a folder, by path."""
        known = check_path(path)
        if isinstance(depth, bool) or not isinstance(depth, int) or not 0 < depth <= MOST_DEPTH:
            raise InvalidRequest("depth", f"{depth!r} is no depth", hint=f"1 to {MOST_DEPTH}.")
        async with self._activity():
            try:
                found = await self._guest.list(known, depth)
            except (GuestOSError, GuestGone) as error:
                raise self._told(error, path) from error
        if len(found) <= MANY_FILES:
            return _described(known, found)
        return await anyio.to_thread.run_sync(_described, known, found)

    async def stat(self, path: str, *, follow_links: bool = False) -> FileInfo:
        """What is known of a file, a folder or a link itself."""
        known = check_path(path)
        async with self._activity():
            try:
                found = await self._guest.stat(known, follow=follow_links)
                return _info(found, _absolute(known))
            except (GuestOSError, GuestGone) as error:
                raise self._told(error, path) from error

    async def make_dir(self, path: str) -> FileInfo:
        """Make a folder, and those above it."""
        known = check_path(path)
        async with self._activity():
            try:
                await self._guest.make_dir(known)
                return _info(await self._guest.stat(known), _absolute(known))
            except (GuestOSError, GuestGone) as error:
                raise self._told(error, path) from error

    async def rename(self, path: str, to: str) -> FileInfo:
        """Move a file or folder."""
        known, other = check_path(path), check_path(to)
        async with self._activity():
            try:
                await self._guest.rename(known, other)
                return _info(await self._guest.stat(other), _absolute(other))
            except (GuestOSError, GuestGone) as error:
                raise self._told(error, path) from error

    async def remove(self, path: str) -> None:
        """Remove a file, a link, or a folder with all that is in it."""
        known = check_path(path)
        if f"{WORK_DIR}/".startswith(f"/{_absolute(known).strip('/')}/".replace("//", "/")):
            # Else all that may be removed would go before the kernel refuses the rest.
            raise SessionFileError(
                "not_permitted",
                f"{path[:200]!r} is the working directory, or holds it",
                hint="Remove what is in it, by name.",
            )
        async with self._activity():
            try:
                await self._guest.remove(known)
            except (GuestOSError, GuestGone) as error:
                raise self._told(error, path) from error


async def joined(pieces: AsyncGenerator[bytes, None], path: str, most: int) -> bytes:
    """All pieces of a file.

    Args:
        pieces: They.
        path: The file's, for the error.
        most: Bytes that it may have.

    Raises:
        SessionFileError: It has more.
    """
    content = bytearray()
    async with aclosing(pieces):
        async for piece in pieces:
            content += piece
            if len(content) > most:
                raise SessionFileError(
                    "too_large",
                    f"{path[:200]!r} has more than {most:,} bytes",
                    hint="Read it in pieces, or raise max_bytes.",
                )
    return bytes(content)


def pieces_of(data: object) -> AsyncIterator[bytes]:
    """What is to be in a file, piece by piece.

    Raises:
        InvalidRequest: It is nothing that a file can have; of pieces that is known as they come.
    """
    if isinstance(data, str):
        try:
            data = data.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError as error:
            raise InvalidRequest(
                "data",
                f"position {error.start} holds half a character (a lone surrogate)",
                hint="Pass well-formed text, or bytes.",
            ) from error
    if isinstance(data, _BYTES):
        return one_piece(bytes(data))
    if not isinstance(data, AsyncIterable):
        raise _no_content(data)
    return _each(data)


async def _each(pieces: AsyncIterable[object]) -> AsyncIterator[bytes]:
    async for piece in pieces:
        if not isinstance(piece, _BYTES):
            raise _no_content(piece)
        yield bytes(piece)


def _no_content(data: object) -> InvalidRequest:
    what = f"{show(data)} is neither text nor bytes"
    return InvalidRequest("data", what, hint="Pass either, or an iterator of bytes.")
