"""Files out of a sandbox: named and sent by its init, every answer bounded and checked."""

from __future__ import annotations

import os
import struct
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from drybox.guest.frames import GuestGone
from drybox.guest.glob import matches
from drybox.model import File
from drybox.protocols import BUILD_DIR

MAX_LISTED_BYTES = 16 * 1024 * 1024
"""Bound on the names a listing may bring, whatever init's own bound is."""

Send = Callable[[bytes, bytes], Awaitable[None]]
Receive = Callable[[], Awaitable[tuple[bytes, bytes]]]


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that init takes files out of: the requests that list it and fetch from it."""

    list: bytes
    get: bytes


WORK = Folder(b"L", b"G")
BUILD = Folder(b"l", b"g")


@dataclass(frozen=True, slots=True)
class Found:
    """A file as it came.

    Attributes:
        path: Relative to its folder.
        content: Its bytes.
        whole: Whether that is all of it.
        mode: Its permissions.
    """

    path: bytes
    content: bytes
    whole: bool
    mode: int


async def fetch(
    send: Send,
    receive: Receive,
    folder: Folder,
    globs: Sequence[str],
    max_bytes: int,
    max_files: int | None = None,
) -> list[Found]:
    """Bring the regular files that match.

    Args:
        send: Sends a request.
        receive: Gives the next answer.
        folder: Where they are.
        globs: Which ones.
        max_bytes: Most bytes of all of them.
        max_files: Most files; as many as there are if None.

    Raises:
        GuestGone: An answer is none.
        ValueError: They are too large or too many.
    """
    wanted = await _list(send, receive, folder, globs, max_bytes)
    if max_files is not None and len(wanted) > max_files:
        raise ValueError(f"there are {len(wanted)} files, more than {max_files}")
    found: list[Found] = []
    left = max_bytes
    for path in wanted:
        await send(folder.get, struct.pack("<Q", left) + path)
        content = bytearray()
        while True:
            kind, data = await receive()
            if kind == b"e" and len(data) == 3:
                break
            if kind != b"d" or len(content) + len(data) > left:
                raise GuestGone(f"unexpected answer {kind!r}")
            content += data
        whole, mode = struct.unpack("<?H", data)
        if whole:
            left -= len(content)
        found.append(Found(path, bytes(content), whole, mode & 0o777))
    return found


async def _list(
    send: Send, receive: Receive, folder: Folder, globs: Sequence[str], max_bytes: int
) -> list[bytes]:
    await send(folder.list, b"")
    wanted: list[bytes] = []
    seen = total = 0
    while True:
        kind, data = await receive()
        if kind == b"f":
            break
        seen += len(data)
        if kind != b"F" or len(data) < 9 or seen > MAX_LISTED_BYTES:
            raise GuestGone(f"unexpected answer {kind!r}")
        path, size = data[8:], struct.unpack("<Q", data[:8])[0]
        name = path.decode("utf-8", "backslashreplace")
        if any(matches(glob, name) for glob in globs):
            wanted.append(path)
            total += size
    if total > max_bytes:
        raise ValueError(f"the artifacts are {total} bytes, more than {max_bytes}")
    return sorted(wanted)


def built_file(found: Found) -> File:
    """A file that a compiler left, to be put where it was found.

    Raises:
        ValueError: It is not whole, or its name leads elsewhere.
    """
    names = found.path.split(b"/")
    if not found.whole or b"\0" in found.path or {b"", b".", b".."} & set(names):
        raise ValueError(f"{found.path[:100]!r} is no file that can be kept")
    return File(f"{BUILD_DIR}/{os.fsdecode(found.path)}", found.content, found.mode)
