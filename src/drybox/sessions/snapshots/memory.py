"""Snapshots in memory: they are there until their executor is closed."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from drybox.sessions.results import Snapshot
from drybox.sessions.snapshots.content import Kept, digest_of, read
from drybox.sessions.snapshots.place import Bounds, damaged


@dataclass(slots=True)
class _Shelf:
    """What one owner has.

    Attributes:
        chunks: Pieces by their digest.
        kept: Snapshots and their documents by id.
        held: Bytes of these.
        drafted: New bytes of drafts.
    """

    chunks: dict[str, bytes] = field(default_factory=dict)
    kept: dict[str, tuple[Snapshot, bytes]] = field(default_factory=dict)
    held: int = 0
    drafted: int = 0

    def sweep(self) -> None:
        """Let go of pieces that no document names, and count what there is."""
        documents = [document for _, document in self.kept.values()]
        used = {
            chunk
            for document in documents
            for entry in read(document)
            for chunk in entry.chunks or ()
        }
        self.chunks = {digest: data for digest, data in self.chunks.items() if digest in used}
        self.held = sum(map(len, documents)) + sum(map(len, self.chunks.values()))


class MemoryPlace:
    """Keeps snapshots in memory; see :class:`drybox.sessions.snapshots.place.SnapshotPlace`.

    Args:
        bounds: How much may be kept.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.lock = threading.RLock()
        self._shelves: dict[str, _Shelf] = {}

    def begin(self, owner: str) -> MemoryDraft:
        """Begin to take one."""
        with self.lock:
            return MemoryDraft(self, self._shelf(owner))

    def find(self, owner: str, id: str) -> Kept | None:
        """One of an owner's; None if there is none of this id."""
        with self.lock:
            found = self._shelf(owner).kept.get(id)
        return None if found is None else Kept(found[0], read(found[1]))

    def chunk(self, owner: str, digest: str) -> bytes:
        """A piece."""
        with self.lock:
            found = self._shelf(owner).chunks.get(digest)
        if found is None:
            raise damaged()
        return found

    def list(self, owner: str) -> list[Snapshot]:
        """An owner's, the oldest first."""
        with self.lock:
            found = [snapshot for snapshot, _ in self._shelf(owner).kept.values()]
        return sorted(found, key=lambda item: (item.created_at, item.id))

    def remove(self, owner: str, id: str) -> bool:
        """Remove one, and what only it has."""
        with self.lock:
            shelf = self._shelf(owner)
            was_there = shelf.kept.pop(id, None) is not None
            shelf.sweep()
        return was_there

    def close(self) -> None:
        """Forget everything."""
        with self.lock:
            self._shelves.clear()

    def check_room(self, shelf: _Shelf, size: int) -> None:
        """See to it that an owner may have so many bytes more.

        Raises:
            SnapshotError: They may not.
        """
        all = sum(other.held + other.drafted for other in self._shelves.values())
        self.bounds.check_size(shelf.held + shelf.drafted + size, all + size)

    def _shelf(self, owner: str) -> _Shelf:
        return self._shelves.setdefault(owner, _Shelf())


class MemoryDraft:
    """A snapshot that is being taken; see :class:`drybox.sessions.snapshots.place.Draft`."""

    def __init__(self, place: MemoryPlace, shelf: _Shelf) -> None:
        self._place = place
        self._shelf = shelf
        self._chunks: dict[str, bytes] = {}
        self._counted = 0

    def add(self, data: bytes) -> str:
        """Keep a piece, unless the same is there already."""
        digest = digest_of(data)
        with self._place.lock:
            if digest not in self._chunks:
                known = self._shelf.chunks.get(digest)
                if known is None:
                    self._place.check_room(self._shelf, len(data))
                    self._shelf.drafted += len(data)
                    self._counted += len(data)
                self._chunks[digest] = data if known is None else known
        return digest

    def commit(self, snapshot: Snapshot, document: bytes) -> None:
        """Have it be there."""
        shelf = self._shelf
        with self._place.lock:
            if snapshot.id not in shelf.kept:
                self._place.bounds.check_count(len(shelf.kept))
                self._place.check_room(shelf, len(document))
            shelf.chunks.update(self._chunks)
            shelf.kept[snapshot.id] = snapshot, document
            self.close()
            shelf.sweep()

    def close(self) -> None:
        """Let go of what nothing refers to."""
        with self._place.lock:
            self._shelf.drafted -= self._counted
            self._counted = 0
            self._chunks = {}
