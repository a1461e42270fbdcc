"""Writes the files of a snapshot into a session that begins."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import anyio.to_thread

from drybox.errors import DryboxError, SnapshotError, Unavailable
from drybox.guest.frames import GuestGone
from drybox.guest.session_files import GuestOSError
from drybox.sessions.programs.inside import Inside
from drybox.sessions.snapshots.content import Kept

USUAL_MODE = 0o755
"""Of a folder that is made."""

GetChunk = Callable[[str], Awaitable[bytes]]


async def restore(kept: Kept, inside: Inside, get: GetChunk) -> None:
    """Write them. Nothing of the session's owner runs yet, and no link is there to lead elsewhere.

    Args:
        kept: The snapshot.
        inside: Where.
        get: Gives a piece by its digest.

    Raises:
        SnapshotError: They do not fit into the session, or are not all there.
        Unavailable: They cannot be written.
        SandboxLost: The sandbox ended meanwhile.
    """
    if kept.snapshot.size > inside.limits.disk:
        raise SnapshotError(
            "no_space",
            f"it has {kept.snapshot.size:,} bytes, and the session's disk {inside.limits.disk:,}",
            hint="Ask for a larger limits.disk.",
        )
    files = inside.programs.files
    folders = [entry for entry in kept.entries if entry.chunks is None]
    try:
        for entry in folders:
            await files.make_dir(entry.path)
        for entry in kept.entries:
            if entry.chunks is not None:
                await files.write(entry.path, _pieces(entry.chunks, get), entry.mode)
        for entry in reversed(folders):  # a folder may not let in what belongs below it
            if entry.mode != USUAL_MODE:
                await files.set_mode(entry.path, entry.mode)
    except GuestOSError as error:
        raise _refused(error) from error
    except GuestGone as error:
        raise inside.lost(error) from error


async def _pieces(chunks: tuple[str, ...], get: GetChunk) -> AsyncIterator[bytes]:
    for digest in chunks:
        yield await get(digest)


def getter(chunk: Callable[[str, str], bytes], owner: str) -> GetChunk:
    """Gets pieces of an owner's in a thread."""

    async def get(digest: str) -> bytes:
        return await anyio.to_thread.run_sync(partial(chunk, owner, digest))

    return get


def _refused(error: GuestOSError) -> DryboxError:
    if error.number in (errno.ENOSPC, errno.EDQUOT, errno.ENOMEM):
        return SnapshotError(
            "no_space",
            "its files do not fit into the session",
            hint="Ask for larger limits.disk and limits.memory.",
        )
    return Unavailable(
        f"the files of the snapshot could not be written: {error}.",
        hint="Nothing ran. Open the session without it.",
    )
