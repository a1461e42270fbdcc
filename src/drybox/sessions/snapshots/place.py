"""Where snapshots are kept: what memory and a folder have in common. For threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from drybox.errors import SnapshotError
from drybox.sessions.results import Snapshot
from drybox.sessions.snapshots.content import Kept


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may be kept.

    Attributes:
        count: Snapshots of each owner.
        each: Bytes of each owner's, what is the same counted once.
        all: Bytes of everybody's.
    """

    count: int
    each: int
    all: int

    def check_count(self, count: int) -> None:
        """See to it that there is room for one more.

        Raises:
            SnapshotError: There are so many already.
        """
        if count >= self.count:
            raise SnapshotError(
                "no_space",
                f"there are {count} snapshots, and more may not be",
                hint="Remove one, or allow more: max_snapshots.",
            )

    def check_size(self, own: int, all: int) -> None:
        """See to it that so many bytes may be kept.

        Raises:
            SnapshotError: They may not.
        """
        if own > self.each or all > self.all:
            raise SnapshotError(
                "no_space",
                "there is no room for what is new in this snapshot",
                hint="Remove files or snapshots, or allow more: snapshot_share, snapshot_storage.",
            )


def damaged() -> SnapshotError:
    """Something of a snapshot is not what it was."""
    return SnapshotError(
        "not_found",
        "a part of the snapshot is damaged, or was just removed",
        hint="Open the session without it; take another.",
    )


class Draft(Protocol):
    """A snapshot that is being taken. Nobody else sees it until it is there as a whole."""

    def add(self, data: bytes) -> str:
        """Keep a piece, unless the same is there already.

        Returns:
            Its digest.

        Raises:
            SnapshotError: There is no room for it.
            OSError: It cannot be written.
        """

    def commit(self, snapshot: Snapshot, document: bytes) -> None:
        """Have it be there.

        Raises:
            SnapshotError: There is no room for it.
            OSError: It cannot be written.
        """

    def close(self) -> None:
        """Let go of what nothing refers to. Idempotent."""


class SnapshotPlace(Protocol):
    """Keeps snapshots. One owner's are unknown to every other, and share nothing with theirs."""

    def begin(self, owner: str) -> Draft:
        """Begin to take one.

        Raises:
            SnapshotError: There is no room for one.
            OSError: The folder cannot be used.
        """

    def find(self, owner: str, id: str) -> Kept | None:
        """One of an owner's; None if there is none of this id that is whole."""

    def chunk(self, owner: str, digest: str) -> bytes:
        """A piece.

        Raises:
            SnapshotError: It is not there, or not what it was.
        """

    def list(self, owner: str) -> list[Snapshot]:
        """An owner's, the oldest first."""

    def remove(self, owner: str, id: str) -> bool:
        """Remove one, and what only it has.

        Returns:
            Whether it was there.
        """

    def close(self) -> None:
        """Let go of what is in memory."""
