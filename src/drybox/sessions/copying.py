"""Copies files of a session to this host and back, and watches them, whatever reaches them."""

from __future__ import annotations

import os
import stat
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path, PurePosixPath

import anyio
import anyio.to_thread

from drybox.errors import InvalidRequest, SessionFileError
from drybox.sessions.host_files import (
    NEW_FILE,
    NEW_PROGRAM,
    NOT_A_FILE,
    NOT_COPIED,
    host_files,
    host_path,
    keep_may_run,
    make_beneath,
    open_beneath,
)
from drybox.sessions.results import Copied, FileChange, FileInfo

UPLOAD_PIECE = 256 * 1024
"""Bytes that are read of a file of the host at once."""

WATCH_STEP = 0.25
"""Seconds between looks at a folder that is watched."""

WATCH_PAUSE = 4
"""Times as long as a look took until the next one: a fifth of a CPU is the most it takes."""

MOST_DEPTH = 200
"""Levels of folders that a listing goes down; the sandbox goes no deeper."""


class CopiedFiles(ABC):
    """Files of a session: what can be done with them by other verbs of theirs."""

    @abstractmethod
    def read_pieces(self, path: str) -> AsyncGenerator[bytes, None]:
        """Content of a file, piece by piece."""

    @abstractmethod
    async def write(
        self,
        path: str,
        data: bytes | str | AsyncIterator[bytes],
        *,
        mode: int | None = None,
    ) -> FileInfo:
        """Write a file, and the folders above it."""

    @abstractmethod
    async def list(self, path: str = ".", *, depth: int = 1) -> Sequence[FileInfo]:
        """What is in a folder, by path."""

    @abstractmethod
    async def stat(self, path: str, *, follow_links: bool = False) -> FileInfo:
        """What is known of a file, a folder or a link itself."""

    @abstractmethod
    async def make_dir(self, path: str) -> FileInfo:
        """Make a folder, and those above it."""

    async def exists(self, path: str) -> bool:
        """Whether there is something of that name."""
        try:
            await self.stat(path)
        except SessionFileError as error:
            if error.reason in ("not_found", "not_directory"):
                return False
            raise
        return True

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
        await self.make_dir(to)
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

            may_run = os.fstat(file.wrapped.fileno()).st_mode & stat.S_IXUSR
            return await self.write(to, pieces(), mode=NEW_PROGRAM if may_run else NEW_FILE)

    async def download(self, path: str, to: str | os.PathLike[str]) -> Copied[str]:
        """Copy a file or a folder of the session into a folder of this host."""
        target = host_path(to, "to")
        info = await self.stat(path, follow_links=True)
        if info.type == "file":
            return Copied([await self._download_one(info, target, info.name)])
        written, left_out = [], {}
        await anyio.to_thread.run_sync(make_beneath, target, ())
        for item in await self.list(path, depth=MOST_DEPTH):
            below = item.path[len(info.path.rstrip("/")) + 1 :]
            if item.type == "file":
                written.append(await self._download_one(item, target, below))
            elif item.type == "directory":
                await anyio.to_thread.run_sync(make_beneath, target, _parts(below))
            else:
                left_out[below] = NOT_COPIED.get(item.type, NOT_A_FILE)
        return Copied(written, left_out)

    async def _download_one(self, found: FileInfo, folder: Path, below: str) -> str:
        """Write a file below a folder of the host; names from the sandbox lead nowhere else."""
        parts = _parts(below)
        made = folder.joinpath(*parts)
        opened = await anyio.to_thread.run_sync(open_beneath, folder, parts)
        async with anyio.wrap_file(os.fdopen(opened, "wb")) as file:
            keep_may_run(file.wrapped.fileno(), found.mode)
            async with aclosing(self.read_pieces(found.path)) as pieces:
                async for piece in pieces:
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
