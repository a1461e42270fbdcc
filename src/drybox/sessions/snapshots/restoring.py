"""Writes the files of a snapshot into a session that begins."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import anyio.to_thread

from drybox.errors import DryboxError, SnapshotError, Unavailable
from drybox.guest.frames import GuestGone
from drybox.guest.session_files import MOST_AT_ONCE, SMALL, GuestOSError
from drybox.sessions.programs.inside import Inside
from drybox.sessions.snapshots.content import Kept

USUAL_MODE = 0o755
"""Of a folder that is made."""

GetChunks = Callable[[Sequence[str]], Awaitable[list[bytes]]]


async def restore(kept: Kept, inside: Inside, get: GetChunks) -> None:
    """Write them. Nothing of the session's owner runs yet, and no link is there to lead elsewhere.

    Args:
        kept: The snapshot.
        inside: Where.
        get: Gives pieces by their digests.

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
        await files.make_dirs([entry.path for entry in folders])
        await files.write_small(_small(kept, get))
        for entry in kept.entries:
            if entry.size > SMALL:
                await files.write(entry.path, _pieces(entry.chunks or (), get), entry.mode)
        # A folder may not let in what belongs below it.
        modes = [(entry.path, entry.mode) for entry in reversed(folders)]
        await files.set_modes([item for item in modes if item[1] != USUAL_MODE])
    except GuestOSError as error:
        raise _refused(error) from error
    except GuestGone as error:
        raise inside.lost(error) from error


async def _small(kept: Kept, get: GetChunks) -> AsyncIterator[tuple[bytes, int, bytes]]:
    """Path, mode and content of its small files."""
    small = [item for item in kept.entries if item.chunks is not None and item.size <= SMALL]
    for start in range(0, len(small), MOST_AT_ONCE):
        some = small[start : start + MOST_AT_ONCE]
        pieces = iter(await get([digest for entry in some for digest in entry.chunks or ()]))
        for entry in some:
            yield entry.path, entry.mode, next(pieces) if entry.chunks else b""


async def _pieces(chunks: tuple[str, ...], get: GetChunks) -> AsyncIterator[bytes]:
    for digest in chunks:
        for piece in await get([digest]):
            yield piece


def getter(chunk: Callable[[str, str], bytes], owner: str) -> GetChunks:
    """Gets pieces of an owner's in a thread."""

    def get_all(digests: Sequence[str]) -> list[bytes]:
        return [chunk(owner, digest) for digest in digests]

    async def get(digests: Sequence[str]) -> list[bytes]:
        return await anyio.to_thread.run_sync(get_all, digests)

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
