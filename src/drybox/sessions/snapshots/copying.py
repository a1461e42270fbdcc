"""Takes a snapshot from one place to another: as bytes, piece by piece.

First the length of its record and the record, as in a folder: a line about it, and its document.
Then each piece of the files once, in the order of the document.
"""

from __future__ import annotations

import json
import struct
from collections.abc import AsyncIterator, Sequence

import anyio.to_thread

from drybox.sessions.results import Snapshot
from drybox.sessions.snapshots.content import (
    CHUNK,
    MOST_RECORD,
    Entry,
    Kept,
    digest_of,
    id_of,
    read,
    snapshot_of,
    written,
)
from drybox.sessions.snapshots.place import damaged
from drybox.sessions.snapshots.restoring import GetChunks

_LENGTH = struct.Struct("!Q")

PIECE = 256 << 10
"""Bytes that travel at once."""


async def sent(kept: Kept, get: GetChunks) -> AsyncIterator[bytes]:
    """A snapshot as bytes.

    Args:
        kept: It.
        get: Gives pieces by their digests.

    Raises:
        SnapshotError: It was removed meanwhile.
    """
    record, sizes = await anyio.to_thread.run_sync(_record_of, kept)
    yield _LENGTH.pack(len(record))
    for start in range(0, len(record), PIECE):
        yield record[start : start + PIECE]
    for digest in sizes:
        [data] = await get([digest])
        for start in range(0, len(data), PIECE):
            yield data[start : start + PIECE]


class Received:
    """A snapshot that comes as bytes. Nothing of it is taken that is not what its id says.

    Args:
        pieces: They.
    """

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces
        self._waiting = bytearray()
        self._sizes: dict[str, int] = {}

    async def record(self, id: str) -> tuple[Snapshot, bytes]:
        """What it is, and its document.

        Args:
            id: Which one it has to be.

        Raises:
            SnapshotError: It is another one, or none.
        """
        (length,) = _LENGTH.unpack(await self._next(_LENGTH.size))
        if length > MOST_RECORD:
            raise damaged()
        record = await self._next(length)
        snapshot, document, self._sizes = await anyio.to_thread.run_sync(_understood, record, id)
        return snapshot, document

    async def chunks(self) -> AsyncIterator[bytes]:
        """What its files consist of; after its record.

        Raises:
            SnapshotError: It is not what the document says.
        """
        for digest, size in self._sizes.items():
            data = await self._next(size)
            if digest_of(data) != digest:
                raise damaged()
            yield data

    async def _next(self, size: int) -> bytes:
        while len(self._waiting) < size:
            piece = await anext(self._pieces, b"")
            if not piece:
                raise damaged()
            self._waiting += piece
        found = bytes(self._waiting[:size])
        del self._waiting[:size]
        return found


def _record_of(kept: Kept) -> tuple[bytes, dict[str, int]]:
    head = json.dumps(kept.snapshot.to_dict()).encode()
    return head + b"\n" + written(kept.entries), _sizes(kept.entries)


def _understood(record: bytes, id: str) -> tuple[Snapshot, bytes, dict[str, int]]:
    head, _, document = record.partition(b"\n")
    try:
        snapshot = snapshot_of(json.loads(head))
        if not id == snapshot.id == id_of(document):
            raise damaged()
        return snapshot, document, _sizes(read(document))
    except (ValueError, KeyError, TypeError) as error:
        raise damaged() from error


def _sizes(entries: Sequence[Entry]) -> dict[str, int]:
    """Bytes of each piece, in the order of the files."""
    found: dict[str, int] = {}
    for entry in entries:
        for number, digest in enumerate(entry.chunks or ()):
            found.setdefault(digest, min(CHUNK, entry.size - number * CHUNK))
    return found
