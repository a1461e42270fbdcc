"""The files of a session; see :class:`drybox.sessions.base.AsyncFiles`."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from pathlib import Path, PurePosixPath

import anyio
import anyio.to_thread

from drybox.errors import DryboxError, InvalidRequest, SessionFileError
from drybox.execution.texts import show
from drybox.guest.frames import GuestGone
from drybox.guest.session_files import GuestFile, GuestOSError
from drybox.job import WORK_DIR
from drybox.sessions.host_files import (
    NOT_A_FILE,
    NOT_COPIED,
    host_files,
    host_path,
    make_beneath,
    open_beneath,
)
from drybox.sessions.programs.inside import Inside
from drybox.sessions.programs.waiting import one_piece
from drybox.sessions.results import Copied, FileChange, FileInfo, FileType

UPLOAD_PIECE = 256 * 1024
"""Bytes that are read of a file of the host at once."""

WATCH_STEP = 0.25
"""Seconds between looks at a folder that is watched."""

WATCH_PAUSE = 4
"""Times as long as a look took until the next one: a fifth of a CPU is the most it takes."""

MANY_FILES = 1000
"""Files that are described while everybody else waits; of more a thread is asked."""

MOST_DEPTH = 200
"""Levels of folders that a listing goes down; the sandbox goes no deeper."""

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


class SessionFiles:
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

    async def read_pieces(self, path: str) -> AsyncIterator[bytes]:
        """Content of a file, piece by piece."""
        known = check_path(path)
        async with self._activity(), aclosing(self._guest.read(known)) as pieces:
            try:
                async for piece in pieces:
                    yield piece
            except (GuestOSError, GuestGone) as error:
                raise self._told(error, path) from error

    async def write(self, path: str, data: bytes | str | AsyncIterator[bytes]) -> FileInfo:
        """Write a file, and the folders above it."""
        known = check_path(path)
        pieces = pieces_of(data)
        async with self._activity():
            try:
                await self._guest.write(known, pieces)
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

    async def stat(self, path: str) -> FileInfo:
        """What is known of a file, a folder or a link itself."""
        known = check_path(path)
        async with self._activity():
            try:
                return _info(await self._guest.stat(known), _absolute(known))
            except (GuestOSError, GuestGone) as error:
                raise self._told(error, path) from error

    async def exists(self, path: str) -> bool:
        """Whether there is something of that name."""
        try:
            await self.stat(path)
        except SessionFileError as error:
            if error.reason in ("not_found", "not_directory"):
                return False
            raise
        return True

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

    async def upload(self, source: str | os.PathLike[str], to: str = ".") -> Copied[FileInfo]:
        """Copy a file or a folder of this host into the session."""
        start = host_path(source, "source")
        if not start.exists():
            raise InvalidRequest(
                "source",
                f"{os.fspath(source)!r} is no file or folder of this host",
                hint="Name one that is there.",
            )
        if start.is_file():
            into_folder = to.endswith("/") or await self._is_folder(to)
            at = f"{to}/{start.name}" if into_folder else to
            return Copied([await self._upload_one(start, at)])
        tree = await anyio.to_thread.run_sync(host_files, start)
        for folder in tree.folders:
            await self.make_dir(f"{to}/{folder}")
        made = [await self._upload_one(start / name, f"{to}/{name}") for name in tree.files]
        return Copied(made, tree.left_out)

    async def _is_folder(self, path: str) -> bool:
        return await self.exists(path) and (await self.stat(path)).type == "directory"

    async def _upload_one(self, source: Path, to: str) -> FileInfo:
        async with await anyio.open_file(source, "rb") as file:

            async def pieces() -> AsyncIterator[bytes]:
                while piece := await file.read(UPLOAD_PIECE):
                    yield piece

            return await self.write(to, pieces())

    async def download(self, path: str, to: str | os.PathLike[str]) -> Copied[str]:
        """Copy a file or a folder of the session into a folder of this host."""
        target = host_path(to, "to")
        info = await self.stat(path)
        if info.type == "file":
            return Copied([await self._download_one(info.path, target, info.name)])
        written, left_out = [], {}
        await anyio.to_thread.run_sync(make_beneath, target, ())
        for item in await self.list(path, depth=MOST_DEPTH):
            below = item.path[len(info.path.rstrip("/")) + 1 :]
            if item.type == "file":
                written.append(await self._download_one(item.path, target, below))
            elif item.type == "directory":
                await anyio.to_thread.run_sync(make_beneath, target, _parts(below))
            else:
                left_out[below] = NOT_COPIED.get(item.type, NOT_A_FILE)
        return Copied(written, left_out)

    async def _download_one(self, path: str, folder: Path, below: str) -> str:
        """Write a file below a folder of the host; names from the sandbox lead nowhere else."""
        parts = _parts(below)
        made = folder.joinpath(*parts)
        opened = await anyio.to_thread.run_sync(open_beneath, folder, parts)
        async with anyio.wrap_file(os.fdopen(opened, "wb")) as file:
            async for piece in self.read_pieces(path):
                await file.write(piece)
        return str(made)

    async def watch(self, path: str = ".") -> AsyncIterator[FileChange]:
        """Changes below a folder from now on."""
        before, pause = await self.list(path, depth=MOST_DEPTH), WATCH_STEP
        while True:
            await anyio.sleep(pause)
            began = anyio.current_time()
            now = await self.list(path, depth=MOST_DEPTH)
            # A program may have made as many files as there is room for.
            pause = max(WATCH_STEP, WATCH_PAUSE * (anyio.current_time() - began))
            for change in await anyio.to_thread.run_sync(_changes, before, now):
                yield change
            before = now


def _parts(below: str) -> tuple[str, ...]:
    """The names of a path that comes from the sandbox."""
    parts = PurePosixPath(below).parts
    if not parts or ".." in parts or below.startswith("/"):
        raise SessionFileError("failed", f"{below[:200]!r} is no name", hint="Rename it.")
    return parts


def _changes(before: Sequence[FileInfo], now: Sequence[FileInfo]) -> list[FileChange]:
    """What differs between two listings, by path."""
    old, new = (
        {item.path: (item.type, item.size, item.modified_at) for item in items}
        for items in (before, now)
    )
    changes = []
    for path in sorted({*old, *new}):
        if path not in new:
            changes.append(FileChange("removed", path))
        elif path not in old:
            changes.append(FileChange("created", path))
        elif old[path] != new[path]:
            changes.append(FileChange("modified", path))
    return changes


async def joined(pieces: AsyncIterator[bytes], path: str, most: int) -> bytes:
    """All pieces of a file.

    Args:
        pieces: They.
        path: The file's, for the error.
        most: Bytes that it may have.

    Raises:
        SessionFileError: It has more.
    """
    content = bytearray()
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
