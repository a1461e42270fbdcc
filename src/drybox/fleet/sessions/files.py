"""The files of a session that is on a node of a fleet."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence

import anyio

from drybox.fleet.sessions.calls import SessionCalls
from drybox.fleet.sessions.messages import file_info
from drybox.sessions.copying import CopiedFiles
from drybox.sessions.files import joined, pieces_of
from drybox.sessions.results import FileInfo

PIECE = 256 << 10
"""Bytes that travel at once."""


class FleetFiles(CopiedFiles):
    """What copies and watches is the same as where the sandbox is here.

    Args:
        calls: Asks the session's node.
        most: Most bytes of a file that is read at once, where nobody says how many.
    """

    def __init__(self, calls: SessionCalls, most: int) -> None:
        self._calls = calls
        self._most = most

    async def read(self, path: str, *, max_bytes: int | None = None) -> bytes:
        """Content of a file."""
        most = self._most if max_bytes is None else max_bytes
        return await joined(self.read_pieces(path), path, most)

    async def read_pieces(self, path: str) -> AsyncGenerator[bytes, None]:
        """Content of a file, piece by piece."""
        feed = await self._calls.begin("read", path=path)
        is_last = False
        try:
            while not is_last:
                items, is_last = await self._calls.ask("next", feed=feed)
                for item in items:
                    yield item
        finally:
            if not is_last and self._calls.lost is None:
                with anyio.CancelScope(shield=True):
                    await self._calls.ask("let_go", feed=feed)

    async def write(
        self,
        path: str,
        data: bytes | str | AsyncIterator[bytes],
        *,
        mode: int | None = None,
    ) -> FileInfo:
        """Write a file, and the folders above it."""
        pieces, ask = pieces_of(data), self._calls.ask
        upload = await self._calls.begin("write", path=path, mode=mode)
        try:
            async for piece in _cut(pieces):
                if not await ask("write.give", upload=upload, data=piece):
                    break
            await ask("write.give", upload=upload, data=b"")
            return file_info(await ask("write.end", upload=upload))
        except BaseException:
            if self._calls.lost is None:
                with anyio.CancelScope(shield=True):
                    await ask("write.drop", upload=upload)
            raise

    async def list(self, path: str = ".", *, depth: int = 1) -> Sequence[FileInfo]:
        """What is in a folder, by path."""
        found = await self._calls.ask("files", do="list", path=path, depth=depth)
        return [file_info(item) for item in found]

    async def stat(self, path: str, *, follow_links: bool = False) -> FileInfo:
        """What is known of a file, a folder or a link itself."""
        given = {"path": path, "follow_links": follow_links}
        return file_info(await self._calls.ask("files", do="stat", **given))

    async def make_dir(self, path: str) -> FileInfo:
        """Make a folder, and those above it."""
        return file_info(await self._calls.ask("files", do="make_dir", path=path))

    async def rename(self, path: str, to: str) -> FileInfo:
        """Move a file or folder."""
        return file_info(await self._calls.ask("files", do="rename", path=path, to=to))

    async def remove(self, path: str) -> None:
        """Remove a file, a link, or a folder with all that is in it."""
        await self._calls.ask("files", do="remove", path=path)


async def _cut(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """In pieces that hold nobody up on their way, whatever those of the caller are."""
    async for data in pieces:
        for start in range(0, len(data), PIECE):
            yield data[start : start + PIECE]
