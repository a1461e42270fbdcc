"""Output of processes in a session that nobody has read: how much of it is kept, and counted."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from drybox.execution.output import STREAMS
from drybox.model import Stream

MOST_KEPT = 16 * 1024 * 1024
"""Bytes of output that nobody has read, of all processes of a session that run together; and of all
that have ended."""

LEAST_SHARE = 256 * 1024
"""Bytes of it that each process may have, however many there are."""

PIECE = 16 * 1024
"""Bytes of output that are joined, in however small pieces they were written."""

OBJECT = 256
"""Bytes that a piece takes beside what it holds, about."""


class OutputRoom(Protocol):
    """Memory for such output."""

    def try_resize(self, size: int) -> bool:
        """Hold so many bytes from now on; False, and nothing changes, if there is no room."""


@runtime_checkable
class KeepsOutput(Protocol):
    """A session that keeps it in the memory of this process; one of a fleet does so on its node."""

    def count_output(self, room: OutputRoom) -> None:
        """Count it there from now on."""

    def forget_output(self) -> None:
        """Let it go: nobody will read it, and it is counted nowhere any more."""


class KeptOutput:
    """What all processes of a session hold together.

    Attributes:
        room: Where it is counted; None for nowhere.
    """

    def __init__(self) -> None:
        self.room: OutputRoom | None = None
        self._size = 0

    def try_change(self, by: int) -> bool:
        """Hold so many bytes more, or fewer; False, and nothing changes, if there is no room."""
        if self.room is not None and not self.room.try_resize(self._size + by):
            return False
        self._size += by
        return True


@dataclass(slots=True)
class Piece:
    """Output that waits for a reader.

    Attributes:
        stream: Where it was written.
        data: It.
        is_granted: Whether as much more may come before it is read.
    """

    stream: Stream
    data: bytearray
    is_granted: bool

    def takes(self, stream: Stream, *, is_granted: bool) -> bool:
        """Whether what comes next may be a part of it."""
        is_alike = (self.stream, self.is_granted) == (stream, is_granted)
        return is_alike and len(self.data) < PIECE


class UnreadOutput:
    """What one process has written and nobody has read.

    While somebody reads, that reader answers for what comes; see :data:`OUTPUT_WINDOW` of
    ``drybox.guest.programs``.

    Args:
        kept: What all of them hold.

    Attributes:
        size: Bytes of it.
        dropped: Of which streams something is not there any more.
    """

    def __init__(self, kept: KeptOutput) -> None:
        self.size = 0
        self.dropped: dict[Stream, bool] = dict.fromkeys(STREAMS, False)
        self._kept = kept
        self._pieces: deque[Piece] = deque()
        self._counted = 0
        self._copied = 0

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def add(self, stream: Stream, data: bytes, *, is_granted: bool) -> None:
        """The process has written this."""
        last = self._pieces[-1] if self._pieces else None
        if last is not None and last.takes(stream, is_granted=is_granted):
            last.data += data
        else:
            self._pieces.append(Piece(stream, bytearray(data), is_granted))
        self.size += len(data)

    def take(self) -> Piece:
        """The oldest, which is read now."""
        piece = self._pieces.popleft()
        self.size -= len(piece.data)
        self._count(min(self._counted, self._held + self._copied))
        return piece

    def fit(self, limit: int) -> None:
        """Let the oldest go, beyond a limit in bytes or where there is no room."""
        while self._pieces and self.size > limit:
            self._drop(self.size - limit)
        while len(self._pieces) * OBJECT > limit + PIECE:  # of a byte each, say
            self._drop(PIECE)
        while not self._count(self._held + self._copied):
            self._drop(PIECE)

    def copied(self) -> Iterator[Piece]:
        """All of it, which from now on is there twice; the oldest goes where there is no room."""
        while not self._count(2 * self._held):
            self._drop(PIECE)
        self._copied = self._held
        return iter(self._pieces)

    def grant(self) -> int:
        """Nobody is to wait for a reader.

        Returns:
            Bytes for which as many more may come now.
        """
        owed = 0
        for piece in self._pieces:
            owed += 0 if piece.is_granted else len(piece.data)
            piece.is_granted = True
        return owed

    def clear(self) -> None:
        """Let all of it go."""
        self._pieces.clear()
        self.size = self._copied = 0
        self._count(0)

    @property
    def _held(self) -> int:
        return self.size + OBJECT * len(self._pieces)

    def _drop(self, size: int) -> None:
        piece = self._pieces[0]
        cut = min(len(piece.data), size)
        self.size -= cut
        self.dropped[piece.stream] = True
        del piece.data[:cut]
        if not piece.data:
            self._pieces.popleft()

    def _count(self, size: int) -> bool:
        if size != self._counted:
            if not self._kept.try_change(size - self._counted):
                return False
            self._counted = size
        return True
