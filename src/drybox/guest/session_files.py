"""Files of a session, as init answers for them (``init/session/file_requests.c``)."""

from __future__ import annotations

import errno
import os
import struct
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import anyio

from drybox.guest.frames import GuestGone, frame

AHEAD = 8
"""Pieces of a file that are under way at once."""

PIECE = 128 * 1024
"""Bytes of a piece that is written; init reads in smaller ones."""

USUAL_MODE = 0o644
"""Permission bits of a file that is written."""

SMALL = 30_000
"""Bytes of a file that init surely sends in one answer."""

MOST_AT_ONCE = 128
"""Small files that are asked for at once, and those that are written before an answer came."""

MOST_LISTED = 100_000
"""Names of one listing, as in ``init/``; more end it."""

MOST_LISTED_BYTES = 16 * 1024 * 1024
"""Bytes of those names and of where links lead."""

T = TypeVar("T")

_READS, _WRITES, _READS_NO_LINK, _WRITES_WITH_MODE = 0, 1, 2, 3

_RECORD = struct.Struct("<IQqH")


class GuestOSError(Exception):
    """The sandbox's kernel refused.

    Args:
        number: Its ``errno``.
    """

    def __init__(self, number: int) -> None:
        super().__init__(os.strerror(number))
        self.number = number


@dataclass(frozen=True, slots=True)
class GuestFile:
    """What is known of a file: mode as ``stat`` has it, bytes, nanoseconds, a link's target."""

    path: bytes
    mode: int
    size: int
    modified: int
    target: bytes


@dataclass(slots=True)
class _Request:
    done: anyio.Event = field(default_factory=anyio.Event)
    data: bytes = b""
    problem: int = 0
    listed: list[GuestFile] = field(default_factory=list)
    count: int = 0
    size: int = 0


def _parse(data: bytes, path: bytes | None) -> GuestFile:
    if len(data) < _RECORD.size:
        raise GuestGone("a malformed file record")
    mode, size, modified, length = _RECORD.unpack_from(data)
    rest = data[_RECORD.size :]
    target, name = rest[:length], rest[length:]
    return GuestFile(name if path is None else path, mode, size, modified, target)


def _word(path: bytes) -> bytes:
    return path + b"\0"


async def _each(items: Iterable[T]) -> AsyncIterator[T]:
    for item in items:
        yield item


class FileReplies:
    """Asks init about files. Safe for several tasks.

    Args:
        send: Sends a frame.
    """

    def __init__(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        self._send = send
        self._requests: dict[int, _Request] = {}
        self._last = 0
        self._gone = False

    def take(self, kind: bytes, data: bytes) -> None:
        """An answer has come.

        Raises:
            GuestGone: It is none.
        """
        request = self._requests.get(int.from_bytes(data[:4], "little"))
        if len(data) < 4 or request is None:
            raise GuestGone("an answer that nobody has asked for")
        if kind == b"l":
            request.count += 1
            request.size += len(data)
            if request.count > MOST_LISTED:
                raise GuestGone("a listing without end")
            if request.size <= MOST_LISTED_BYTES:
                request.listed.append(_parse(data[4:], None))
            else:
                request.listed.clear()
            return
        if len(data) < 8:
            raise GuestGone("a malformed answer about a file")
        request.problem = int.from_bytes(data[4:8], "little")
        request.data = data[8:]
        del self._requests[int.from_bytes(data[:4], "little")]
        request.done.set()

    def end(self) -> None:
        """No answer comes any more."""
        self._gone = True
        for request in self._requests.values():
            request.done.set()
        self._requests.clear()

    async def _begin(self, what: bytes, arguments: bytes) -> _Request:
        self._last = self._last % (2**32 - 1) + 1
        request = self._requests[self._last] = _Request()
        await self._send(frame(b"f", struct.pack("<I", self._last) + what + arguments))
        return request

    async def _finish(self, request: _Request) -> bytes:
        await request.done.wait()
        if self._gone:
            raise GuestGone("the sandbox is gone")
        if request.problem:
            raise GuestOSError(request.problem)
        return request.data

    async def _ask(self, what: bytes, arguments: bytes) -> bytes:
        return await self._finish(await self._begin(what, arguments))

    @asynccontextmanager
    async def _opened(self, path: bytes, how: int, mode: int) -> AsyncIterator[bytes]:
        arguments = struct.pack("<BI", how, mode) + _word(path)
        with anyio.CancelScope(shield=True):  # what is opened must be known, to be closed
            opened = await self._ask(b"o", arguments)
        if len(opened) != 16:
            raise GuestGone("a malformed answer about a file")
        try:
            yield opened[:4]
        except GuestGone:
            raise
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._ask(b"c", opened[:4])
            raise
        await self._ask(b"c", opened[:4])

    async def read(self, path: bytes, *, follow: bool = True) -> AsyncGenerator[bytes, None]:
        """Content of a file, in pieces.

        Args:
            path: The file; an absolute path if no link is followed.
            follow: Whether links are followed, on the way to it too.

        Raises:
            GuestOSError: It cannot be read.
            GuestGone: The sandbox is gone.
        """
        async with self._opened(path, _READS if follow else _READS_NO_LINK, 0) as handle:
            waiting = [await self._begin(b"r", handle)]
            try:
                while waiting:
                    piece = await self._finish(waiting.pop(0))
                    if not piece:
                        break
                    while len(waiting) < AHEAD:
                        waiting.append(await self._begin(b"r", handle))
                    yield piece
            finally:
                with anyio.CancelScope(shield=True):
                    for request in waiting:
                        await request.done.wait()

    async def write(
        self, path: bytes, pieces: AsyncIterator[bytes], mode: int | None = None
    ) -> None:
        """Write a file, and the folders above it. Of one that cannot be nothing stays.

        Args:
            path: The file.
            pieces: What is to be in it.
            mode: Permission bits; None for 0o644, or for those of the file that was there.

        Raises:
            GuestOSError: It cannot be written.
            GuestGone: The sandbox is gone.
        """
        how, bits = (_WRITES, USUAL_MODE) if mode is None else (_WRITES_WITH_MODE, mode)
        async with self._opened(path, how, bits) as handle:
            waiting: list[_Request] = []
            try:
                async for piece in pieces:
                    for start in range(0, len(piece), PIECE):
                        data = handle + piece[start : start + PIECE]
                        waiting.append(await self._begin(b"w", data))
                        if len(waiting) >= AHEAD:
                            await self._finish(waiting.pop(0))
                while waiting:
                    await self._finish(waiting.pop(0))
            except BaseException:
                with anyio.CancelScope(shield=True):
                    await self._drop(path)
                raise
            finally:
                with anyio.CancelScope(shield=True):
                    for request in waiting:
                        await request.done.wait()

    async def read_small(self, paths: Sequence[bytes]) -> list[bytes | None]:
        """Content of small files, which one request asks for. No link is followed.

        Args:
            paths: Absolute ones, at most :data:`MOST_AT_ONCE`.

        Returns:
            Each one's content; None for one that cannot be had so: it has become large, or cannot
            be read.

        Raises:
            GuestGone: The sandbox is gone.
        """
        if self._last > 2**32 - 2 - len(paths):
            self._last = 0
        first = self._last + 1
        self._last += len(paths)
        requests = [_Request() for _ in paths]
        self._requests.update(enumerate(requests, first))
        words = b"".join(map(_word, paths))
        await self._send(frame(b"f", struct.pack("<I", first) + b"b" + words))
        found: list[bytes | None] = []
        for request in requests:
            try:
                found.append(await self._finish(request))
            except GuestOSError:
                found.append(None)
        return found

    async def write_small(self, files: AsyncIterator[tuple[bytes, int, bytes]]) -> None:
        """Write small files, and the folders above them, without waiting for each.

        Args:
            files: Path, permission bits and content of each.

        Raises:
            GuestOSError: One cannot be written.
            GuestGone: The sandbox is gone.
        """

        async def requests() -> AsyncIterator[tuple[bytes, bytes]]:
            async for path, mode, data in files:
                yield b"W", struct.pack("<BI", _WRITES_WITH_MODE, mode) + _word(path) + data

        await self._ask_all(requests())

    async def make_dirs(self, paths: Sequence[bytes]) -> None:
        """Make folders, as :meth:`make_dir` does, without waiting for each."""
        await self._ask_all(_each([(b"d", _word(path)) for path in paths]))

    async def set_modes(self, modes: Sequence[tuple[bytes, int]]) -> None:
        """Set permission bits, without waiting for each."""
        words = [(b"p", struct.pack("<I", mode) + _word(path)) for path, mode in modes]
        await self._ask_all(_each(words))

    async def _ask_all(self, asked: AsyncIterator[tuple[bytes, bytes]]) -> None:
        """Ask for all of that, one after another; the first that is refused ends it."""
        waiting: deque[_Request] = deque()
        try:
            async for what, arguments in asked:
                waiting.append(await self._begin(what, arguments))
                if len(waiting) >= MOST_AT_ONCE:
                    await self._finish(waiting.popleft())
            while waiting:
                await self._finish(waiting.popleft())
        finally:
            with anyio.CancelScope(shield=True):
                for request in waiting:
                    await request.done.wait()

    async def _drop(self, path: bytes) -> None:
        try:
            await self.remove(path)
        except (GuestOSError, GuestGone):  # what the writer is told says more
            return

    async def stat(self, path: bytes, *, follow: bool = False) -> GuestFile:
        """What is known of a file, or of a link itself unless it is followed."""
        return _parse(await self._ask(b"S" if follow else b"s", _word(path)), path)

    async def list(self, path: bytes, depth: int) -> list[GuestFile]:
        """What is in a folder and so many levels below, by its path from there."""
        request = await self._begin(b"l", bytes([min(depth, 255)]) + _word(path))
        await self._finish(request)
        if request.size > MOST_LISTED_BYTES:
            raise GuestOSError(errno.E2BIG)
        return request.listed

    async def make_dir(self, path: bytes) -> None:
        """Make a folder, and those above it."""
        await self._ask(b"d", _word(path))

    async def remove(self, path: bytes) -> None:
        """Remove a file, or a folder with all that is in it."""
        await self._ask(b"u", _word(path))

    async def rename(self, path: bytes, to: bytes) -> None:
        """Give a file another name."""
        await self._ask(b"m", _word(path) + _word(to))

    async def link(self, target: bytes, path: bytes) -> None:
        """Make a symbolic link."""
        await self._ask(b"k", _word(target) + _word(path))
