"""Reads the files of a session into a snapshot. Nothing that the sandbox says is trusted."""

from __future__ import annotations

import errno
import stat
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

import anyio.lowlevel
import anyio.to_thread

from drybox.errors import SnapshotError
from drybox.guest.file_transfer import FILES_IN_A_ROW, Listing, shown
from drybox.guest.frames import GuestGone
from drybox.guest.session_files import (
    MOST_AT_ONCE,
    SMALL,
    FileReplies,
    GuestFile,
    GuestOSError,
)
from drybox.sessions.snapshots.content import CHUNK, PLACES, Entry, is_below_a_place
from drybox.sessions.snapshots.place import Draft

MOST_FILES = 10_000
"""Files and folders of a snapshot: each is described and named one by one."""

TOGETHER = 512 * 1024
"""Bytes of paths and content that are asked for at once, as the files were listed."""

MOST_DEPTH = 200
"""Levels of folders that are looked into; the sandbox goes no deeper."""

LONG_PATH = 3800
"""Bytes of a folder's path below which names may be too long to be listed."""

_LINK, _OTHER = "a symbolic link, which is not followed", "no file"
_KINDS = {
    stat.S_IFLNK: _LINK,
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class Taking:
    """One snapshot that is being taken.

    Args:
        files: The session's files.
        draft: Keeps what is read.
        most_bytes: Bytes of all files together.
    """

    def __init__(self, files: FileReplies, draft: Draft, most_bytes: int) -> None:
        self._files = files
        self._draft = draft
        self._most_bytes = most_bytes
        self._left = most_bytes
        self._listing = Listing({}, [], [])
        self._modes: dict[bytes, int] = {}
        self._folders: list[Entry] = []

    async def take(self) -> tuple[list[Entry], list[str]]:
        """Read all there is.

        Returns:
            What was read, and what was left out with its reason.

        Raises:
            SnapshotError: There is too much of it.
            GuestGone: The sandbox is gone, or says what cannot be.
            OSError: It cannot be kept.
        """
        for place in PLACES:
            await self._look(place.encode())
        entries, paths = await anyio.to_thread.run_sync(self._settle)
        for some in self._together(paths):
            entries += await self._read_all(some)
        return entries, self._listing.reasons()

    def _together(self, paths: list[bytes]) -> Iterator[list[bytes]]:
        """Files that are asked for at once: small ones, or one."""
        sizes, some, room = self._listing.sizes, list[bytes](), TOGETHER
        for path in paths:
            size = sizes[path] + len(path)
            if sizes[path] > SMALL:
                yield [path]
                continue
            if len(some) == MOST_AT_ONCE or size > room:
                yield some
                some, room = [], TOGETHER
            room -= size
            some.append(path)
        if some:
            yield some

    async def _read_all(self, paths: list[bytes]) -> list[Entry]:
        """Keep some files: what is small comes at once, whatever it was when it was listed."""
        found: list[bytes | None] = [None]
        if self._listing.sizes[paths[0]] <= SMALL:
            found = await self._files.read_small(paths)
        entries, kept = list[Entry](), list[tuple[bytes, bytes]]()
        for path, data in zip(paths, found, strict=True):
            if data is None:
                entry = await self._read(path)
                entries += [entry] if entry is not None else []
            elif len(data) > self._left:
                self._lacks(path)
            else:
                self._left -= len(data)
                kept.append((path, data))
        return entries + await anyio.to_thread.run_sync(self._keep, kept)

    def _keep(self, files: list[tuple[bytes, bytes]]) -> list[Entry]:
        """Keep the content of small files."""
        return [
            Entry(path, self._modes[path], len(data), (self._draft.add(data),) if data else ())
            for path, data in files
        ]

    def _lacks(self, path: bytes) -> None:
        self._listing.leave_out(f"{shown(path)} could not be read whole")

    async def _look(self, place: bytes) -> None:
        """Note what is in a place."""
        try:
            found = await self._files.list(place, MOST_DEPTH)
        except GuestOSError as error:
            if error.number == errno.E2BIG:
                raise _too_many() from None
            self._listing.leave_out(f"{shown(place)} could not be looked into")
            return
        for count, item in enumerate(found):
            if count % FILES_IN_A_ROW == 0:
                await anyio.lowlevel.checkpoint()
            self._note(place + b"/" + item.path, item)
            if len(self._listing.sizes) + len(self._folders) > MOST_FILES:
                raise _too_many()

    def _settle(self) -> tuple[list[Entry], list[bytes]]:
        """Those folders, and files to be read, that belong together.

        What is looked at changes meanwhile: a folder may have been a file a moment before.
        """
        sizes = self._listing.sizes
        known: dict[bytes, bool] = {}  # folders, and whether one on the way to it is a file

        def is_below_file(path: bytes) -> bool:
            way = []
            while (path := path.rpartition(b"/")[0]) and path not in known:
                way.append(path)
            below = known.get(path, False)
            for folder in reversed(way):
                below = known[folder] = below or folder in sizes
            return below

        folders = [entry for entry in self._folders if not is_below_file(entry.path)]
        for path in [path for path in sizes if is_below_file(path)]:
            del sizes[path]
            self._leave_out(path, "in a folder that was changed meanwhile")
        return folders, self._listing.fit_into(self._most_bytes, MOST_FILES)

    def _note(self, path: bytes, item: GuestFile) -> None:
        if not is_below_a_place(path):
            raise GuestGone("a name that no file can have")
        if path in self._modes:
            return  # a kernel may list a name again whose file was replaced meanwhile
        mode, kind = item.mode & 0o777, stat.S_IFMT(item.mode)
        self._modes[path] = mode
        if kind == stat.S_IFDIR:
            self._folders.append(Entry(path, mode))
            if mode & 0o500 != 0o500:
                self._leave_out(path, "a folder without permission to read it")
            elif item.path.count(b"/") + 1 >= MOST_DEPTH or len(path) > LONG_PATH:
                self._leave_out(path, "a folder that is too deep to be looked into")
        elif kind != stat.S_IFREG:
            self._leave_out(path, _KINDS.get(kind, _OTHER))
        elif not mode & 0o400:
            self._leave_out(path, "a file without permission to read it")
        else:
            self._listing.sizes[path] = item.size

    def _leave_out(self, path: bytes, what: str) -> None:
        self._listing.leave_out(f"{shown(path)} is {what}")

    async def _read(self, path: bytes) -> Entry | None:
        """Keep the content of a file: as much as there is room for, however much it has become."""
        size, chunks = 0, list[str]()
        try:
            async with aclosing(_chunks(self._files.read(path, follow=False))) as found:
                async for data in found:
                    size += len(data)
                    if size > self._left:
                        break
                    chunks.append(await anyio.to_thread.run_sync(self._draft.add, data))
        except GuestOSError:
            size = self._left + 1
        if size > self._left:
            self._lacks(path)
            return None
        self._left -= size
        return Entry(path, self._modes[path], size, tuple(chunks))


async def _chunks(pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The same bytes, in pieces of a snapshot's size."""
    waiting = bytearray()
    async with aclosing(pieces):
        async for piece in pieces:
            waiting += piece
            while len(waiting) >= CHUNK:
                yield bytes(waiting[:CHUNK])
                del waiting[:CHUNK]
    if waiting:
        yield bytes(waiting)


def _too_many() -> SnapshotError:
    return SnapshotError(
        "too_large",
        f"the session has more than {MOST_FILES:,} files and folders",
        hint="Remove some, or put them into an archive.",
    )
