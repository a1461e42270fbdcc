"""The snapshots of one executor: takes them, keeps them, begins sessions with them."""

from __future__ import annotations

import errno
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from drybox.errors import DryboxError, SnapshotError, Unavailable
from drybox.guest.frames import GuestGone
from drybox.job import OWNER
from drybox.sessions.programs.inside import Inside
from drybox.sessions.request import snapshot_id
from drybox.sessions.results import Snapshot
from drybox.sessions.snapshots.content import Entry, id_of, written
from drybox.sessions.snapshots.copying import Received, sent
from drybox.sessions.snapshots.folder import FolderPlace
from drybox.sessions.snapshots.memory import MemoryPlace
from drybox.sessions.snapshots.place import Bounds, Draft, SnapshotPlace
from drybox.sessions.snapshots.restoring import getter, restore
from drybox.sessions.snapshots.taking import Taking

T = TypeVar("T")

TAKING_TIMEOUT = 600.0
"""Seconds that reading the files of a session may take: what runs in it may slow that down."""


class SnapshotStore:
    """Keeps snapshots, each owner's apart.

    Args:
        folder: Where; in memory if None.
        bounds: How much.
    """

    def __init__(self, folder: Path | None, bounds: Bounds) -> None:
        self._bounds = bounds
        self._place: SnapshotPlace = (
            MemoryPlace(bounds) if folder is None else FolderPlace(folder, bounds)
        )

    async def keep(self, owner: str, inside: Inside) -> Snapshot:
        """Take one.

        Raises:
            SnapshotError: There is no room for it.
            Unavailable: It cannot be kept.
            SandboxLost, SessionClosed: The sandbox is gone.
        """
        most = min(inside.limits.disk, self._bounds.each)
        draft: Draft | None = None
        try:
            draft = await _in_thread(self._place.begin, owner)
            with anyio.fail_after(TAKING_TIMEOUT):
                entries, left_out = await Taking(inside.programs.files, draft, most).take()
            return await _in_thread(_commit, draft, entries, left_out)
        except GuestGone as error:
            raise inside.lost(error) from error
        except TimeoutError as error:
            raise Unavailable(
                f"the session's files could not be read within {TAKING_TIMEOUT:g} s.",
                hint="Nothing was kept. End what keeps the session busy, then try again.",
            ) from error
        except OSError as error:
            raise _unkept(error) from error
        finally:
            if draft is not None:
                with anyio.CancelScope(shield=True):
                    await _in_thread(draft.close)

    async def restore(self, owner: str, id: str, inside: Inside) -> None:
        """Write the files of one into a session that begins.

        Raises:
            SnapshotError: The owner has none of this id, or it does not fit.
            Unavailable: It cannot be written.
            SandboxLost: The sandbox ended meanwhile.
        """
        kept = await _in_thread(self._place.find, owner, id)
        if kept is None:
            raise unknown(id)
        await restore(kept, inside, getter(self._place.chunk, owner))

    async def send(self, owner: str, id: str) -> AsyncIterator[bytes]:
        """One as bytes, for another place.

        Raises:
            SnapshotError: The owner has none of this id.
        """
        kept = await _in_thread(self._place.find, owner, id)
        if kept is None:
            raise unknown(id)
        async for piece in sent(kept, getter(self._place.chunk, owner)):
            yield piece

    async def receive(self, owner: str, id: str, pieces: AsyncIterator[bytes]) -> Snapshot:
        """Keep one that :meth:`send` of another place gives.

        Raises:
            SnapshotError: There is no room for it, or it is not whole.
            Unavailable: It cannot be kept.
        """
        draft: Draft | None = None
        try:
            received = Received(pieces)
            snapshot, document = await received.record(id)
            draft = await _in_thread(self._place.begin, owner)
            async for data in received.chunks():
                await _in_thread(draft.add, data)
            await _in_thread(draft.commit, snapshot, document)
        except OSError as error:
            raise _unkept(error) from error
        finally:
            if draft is not None:
                with anyio.CancelScope(shield=True):
                    await _in_thread(draft.close)
        return snapshot

    async def has(self, owner: str, id: str) -> bool:
        """Whether an owner has one, as a whole."""
        return await _in_thread(self._place.find, owner, id) is not None

    async def check(self, owner: str, id: str) -> None:
        """See to it that an owner has one.

        Raises:
            SnapshotError: They have not.
        """
        if not await self.has(owner, id):
            raise unknown(id)

    async def list(self) -> list[Snapshot]:
        """Those of whoever asks, the oldest first."""
        return await _in_thread(self._place.list, OWNER.get())

    async def remove(self, snapshot: Snapshot | str) -> None:
        """Remove one of those.

        Raises:
            SnapshotError: There is none of this id.
            Unavailable: It cannot be removed.
        """
        id = snapshot_id(snapshot)
        try:
            was_there = await _in_thread(self._place.remove, OWNER.get(), id)
        except OSError as error:
            raise _unkept(error) from error
        if not was_there:
            raise unknown(id)

    def close(self) -> None:
        """Forget what is in memory."""
        self._place.close()


async def _in_thread(function: Callable[..., T], *arguments: object) -> T:
    """What reads or writes a folder, or hashes, blocks no other session."""
    return await anyio.to_thread.run_sync(partial(function, *arguments))


def _commit(draft: Draft, entries: list[Entry], left_out: list[str]) -> Snapshot:
    document = written(entries)
    snapshot = Snapshot(
        id_of(document),
        sum(entry.size for entry in entries),
        len(entries),
        time.time(),
        tuple(left_out),
    )
    draft.commit(snapshot, document)
    return snapshot


def unknown(id: str) -> SnapshotError:
    """There is none."""
    shown = id.encode("utf-8", "replace").decode()[:100]
    return SnapshotError(
        "not_found",
        f"there is none of the id {shown!r}",
        hint="It was removed, was in memory only, or is not yours; take another.",
    )


def _unkept(error: OSError) -> DryboxError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SnapshotError(
            "no_space",
            "the host has no room for it",
            hint="Remove snapshots, or have the operator make room in snapshot_dir.",
        )
    return Unavailable(
        f"the folder of snapshots cannot be used: {error.strerror or error}.",
        hint="Have the operator look at snapshot_dir.",
    )
