"""Snapshots in memory: they are there until their executor is closed."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from drybox.sessions.results import Snapshot
from drybox.sessions.snapshots.content import Kept, chunks_of, digest_of, read
from drybox.sessions.snapshots.place import Bounds, damaged


@dataclass(slots=True)
class _Owned:
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
        used = set[str]().union(*map(chunks_of, documents))
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
        self._by_owner: dict[str, _Owned] = {}

    def begin(self, owner: str) -> MemoryDraft:
        """Begin to take one."""
        with self.lock:
            return MemoryDraft(self, self._owned(owner))

    def find(self, owner: str, id: str) -> Kept | None:
        """One of an owner's; None if there is none of this id."""
        with self.lock:
            found = self._owned(owner).kept.get(id)
        return None if found is None else Kept(found[0], read(found[1]))

    def chunk(self, owner: str, digest: str) -> bytes:
        """A piece."""
        with self.lock:
            found = self._owned(owner).chunks.get(digest)
        if found is None:
            raise damaged()
        return found

    def list(self, owner: str) -> list[Snapshot]:
        """An owner's, the oldest first."""
        with self.lock:
            found = [snapshot for snapshot, _ in self._owned(owner).kept.values()]
        return sorted(found, key=lambda item: (item.created_at, item.id))

    def remove(self, owner: str, id: str) -> bool:
        """Remove one, and what only it has."""
        with self.lock:
            owned = self._owned(owner)
            was_there = owned.kept.pop(id, None) is not None
            owned.sweep()
        return was_there

    def close(self) -> None:
        """Forget everything."""
        with self.lock:
            self._by_owner.clear()

    def check_room(self, owned: _Owned, size: int) -> None:
        """See to it that an owner may have so many bytes more.

        Raises:
            SnapshotError: They may not.
        """
        all = sum(other.held + other.drafted for other in self._by_owner.values())
        self.bounds.check_size(owned.held + owned.drafted + size, all + size)

    def _owned(self, owner: str) -> _Owned:
        return self._by_owner.setdefault(owner, _Owned())


class MemoryDraft:
    """A snapshot that is being taken; see :class:`drybox.sessions.snapshots.place.Draft`."""

    def __init__(self, place: MemoryPlace, owned: _Owned) -> None:
        self._place = place
        self._owned = owned
        self._chunks: dict[str, bytes] = {}
        self._counted = 0

    def add(self, data: bytes) -> str:
        """Keep a piece, unless the same is there already."""
        digest = digest_of(data)
        with self._place.lock:
            if digest not in self._chunks:
                known = self._owned.chunks.get(digest)
                if known is None:
                    self._place.check_room(self._owned, len(data))
                    self._owned.drafted += len(data)
                    self._counted += len(data)
                self._chunks[digest] = data if known is None else known
        return digest

    def commit(self, snapshot: Snapshot, document: bytes) -> None:
        """Have it be there."""
        owned = self._owned
        with self._place.lock:
            if snapshot.id not in owned.kept:
                self._place.bounds.check_count(len(owned.kept))
                self._place.check_room(owned, len(document))
            owned.chunks.update(self._chunks)
            owned.kept[snapshot.id] = snapshot, document
            self.close()
            owned.sweep()

    def close(self) -> None:
        """Let go of what nothing refers to."""
        with self._place.lock:
            self._owned.drafted -= self._counted
            self._counted = 0
            self._chunks = {}
