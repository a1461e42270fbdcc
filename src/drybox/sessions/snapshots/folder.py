"""Snapshots in a folder of the operator's: they are there after a restart.

Each owner has a folder of its own, with pieces named by their digest and one record for each
snapshot, which is written last. So a snapshot is whole or not there, whenever drybox is killed; a
killed one's leavings go when the next begins. Whoever takes a snapshot holds a shared lock on its
owner's folder, and pieces are removed under an exclusive one. All that is read is checked against
its digest.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import json
import os
import re
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

from drybox.errors import InvalidRequest
from drybox.sessions.results import Snapshot
from drybox.sessions.snapshots.content import (
    CHUNK,
    ID,
    MOST_RECORD,
    Entry,
    Kept,
    chunks_of,
    digest_of,
    id_of,
    read,
    snapshot_of,
)
from drybox.sessions.snapshots.place import Bounds, damaged

_OWNER = re.compile(r"[0-9a-f]{32}")


class FolderPlace:
    """Keeps snapshots in a folder; see :class:`drybox.sessions.snapshots.place.SnapshotPlace`.

    Args:
        folder: The folder; made when it is needed.
        bounds: How much may be kept.
    """

    def __init__(self, folder: Path, bounds: Bounds) -> None:
        self._folder = folder
        self._bounds = bounds
        self._lock = threading.Lock()
        self._is_swept = False

    def begin(self, owner: str) -> FolderDraft:
        """Begin to take one."""
        self._check_folder()
        with self._lock:
            if not self._is_swept:
                self._is_swept = True
                for name in filter(_OWNER.fullmatch, _names(self._folder)):
                    _Owned(self._folder / name).sweep()
        owned = self._owned(owner)
        owned.make()
        draft = FolderDraft(owned, self._bounds, self._lock)
        try:
            draft.count(sum(_sizes(self._folder)))
        except BaseException:
            draft.close()
            raise
        return draft

    def find(self, owner: str, id: str) -> Kept | None:
        """One of an owner's; None if there is none of this id that is whole."""
        owned = self._owned(owner)
        found = owned.read(id) if ID.fullmatch(id) else None
        if found is not None and all(map(owned.has_all_of, found.entries)):
            return found
        return None

    def chunk(self, owner: str, digest: str) -> bytes:
        """A piece."""
        try:
            data = self._owned(owner).chunk(digest).read_bytes()
        except OSError as error:
            raise damaged() from error
        if digest_of(data) != digest:
            raise damaged()
        return data

    def list(self, owner: str) -> list[Snapshot]:
        """An owner's, the oldest first."""
        return sorted(self._owned(owner).snapshots(), key=lambda item: (item.created_at, item.id))

    def remove(self, owner: str, id: str) -> bool:
        """Remove one, and what only it has."""
        if not ID.fullmatch(id):
            return False
        owned = self._owned(owner)
        try:
            owned.record(id).unlink()
        except FileNotFoundError:
            return False
        owned.sweep()
        return True

    def close(self) -> None:
        """Nothing is in memory."""

    def _owned(self, owner: str) -> _Owned:
        return _Owned(self._folder / hashlib.sha256(owner.encode()).hexdigest()[:32])

    def _check_folder(self) -> None:
        """Make the folder; nobody else may write to it, or what is kept would be theirs."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self._folder.stat()
        if found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise InvalidRequest(
                "snapshot_dir",
                f"{os.fspath(self._folder)!r} is another user's, or others may write to it",
                hint="Name a folder of this user that nobody else can write to.",
            )


class _Owned:
    """What one owner has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records = folder / "snapshots"
        self.unfinished = folder / "unfinished"

    def make(self) -> None:
        for path in (self.folder, self.records, self.unfinished, self.folder / "chunks"):
            path.mkdir(mode=0o700, exist_ok=True)

    def record(self, id: str) -> Path:
        return self.records / id.removeprefix("sha256:")

    def chunk(self, digest: str) -> Path:
        return self.folder / "chunks" / digest[:2] / digest

    def lock(self, how: int) -> int | None:
        """Lock it; None where it is not there, or somebody else keeps the lock."""
        try:
            lock = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            fcntl.flock(lock, how)
        except BlockingIOError:
            os.close(lock)
            return None
        except BaseException:
            os.close(lock)
            raise
        return lock

    def read(self, id: str) -> Kept | None:
        """A snapshot, if its record is whole."""
        try:
            found = self._read(id)
            return found and Kept(snapshot_of(json.loads(found[0])), read(found[1]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _read(self, id: str) -> tuple[bytes, bytes] | None:
        """Its head and its document; None for one that a power cut has left in part."""
        path = self.record(id)
        if path.stat().st_size > MOST_RECORD:
            raise ValueError("it is no record of ours")
        head, _, document = path.read_bytes().partition(b"\n")
        return (head, document) if id_of(document) == id else None

    def snapshots(self) -> Iterator[Snapshot]:
        """Those whose records can be read; whether they are whole is looked at in use."""
        for name in _names(self.records):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                with open(self.records / name, "rb") as file:
                    snapshot = snapshot_of(json.loads(file.readline(1 << 20)))
                if snapshot.id == f"sha256:{name}":
                    yield snapshot

    def has_all_of(self, entry: Entry) -> bool:
        """Whether the pieces of a file are there, as long as they should be."""
        rest = entry.size
        for digest in entry.chunks or ():
            size = min(rest, CHUNK)
            rest -= size
            try:
                if self.chunk(digest).stat().st_size != size:
                    return False
            except OSError:
                return False
        return True

    def sweep(self) -> None:
        """Remove pieces that no record names; later, if somebody takes a snapshot just now."""
        lock = self.lock(fcntl.LOCK_EX | fcntl.LOCK_NB)
        if lock is None:
            return
        try:
            for name in _names(self.unfinished):
                (self.unfinished / name).unlink(missing_ok=True)
            used = set[str]()
            for name in _names(self.records):
                found = self._read(f"sha256:{name}")
                if found is None:
                    (self.records / name).unlink()
                else:
                    used |= chunks_of(found[1])
            for part in _names(self.folder / "chunks"):
                for name in _names(self.folder / "chunks" / part):
                    if name not in used:
                        self.chunk(name).unlink(missing_ok=True)
        except (OSError, ValueError, KeyError, TypeError):
            return  # what cannot be read may name any of them
        finally:
            os.close(lock)


class FolderDraft:
    """A snapshot that is being taken; see :class:`drybox.sessions.snapshots.place.Draft`."""

    def __init__(self, owned: _Owned, bounds: Bounds, lock: threading.Lock) -> None:
        self._owned = owned
        self._bounds = bounds
        self._committing = lock
        self._held = owned.lock(fcntl.LOCK_SH)
        self._own = sum(_sizes(owned.folder))
        self._all = 0
        self._known = set[str]()
        self._named = set[str]()

    def count(self, all: int) -> None:
        """So many bytes are there of everybody's."""
        self._all = all
        self._bounds.check_size(self._own, all)

    def add(self, data: bytes) -> str:
        """Keep a piece, unless the same is there already."""
        digest = digest_of(data)
        if digest not in self._known:
            path = self._owned.chunk(digest)
            if not _has(path, data):
                self._take(len(data))
                path.parent.mkdir(mode=0o700, exist_ok=True)
                self._write(path, data)
            self._known.add(digest)
        return digest

    def commit(self, snapshot: Snapshot, document: bytes) -> None:
        """Have it be there."""
        record = self._owned.record(snapshot.id)
        head = json.dumps(snapshot.to_dict()).encode()
        self._take(len(head) + 1 + len(document))
        _sync_all(self._owned.folder)  # the pieces first: a record names only what is there
        with self._committing:
            if not record.exists():
                self._bounds.check_count(sum(1 for _ in _names(self._owned.records)))
            self._write(record, head + b"\n" + document)
        _sync_all(self._owned.folder)
        self._named = chunks_of(document)

    def close(self) -> None:
        """Let go of what nothing refers to."""
        if self._held is not None:
            os.close(self._held)
            self._held = None
            if self._known - self._named:
                self._owned.sweep()

    def _take(self, size: int) -> None:
        self._own += size
        self._all += size
        self._bounds.check_size(self._own, self._all)

    def _write(self, path: Path, data: bytes) -> None:
        """Write a file that is whole or not there."""
        partial = self._owned.unfinished / secrets.token_hex(16)
        opened = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with open(opened, "wb") as file:
                file.write(data)
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _sizes(folder: Path) -> Iterator[int]:
    """Bytes of each file below a folder."""
    for at, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                yield os.lstat(os.path.join(at, name)).st_size


def _has(path: Path, data: bytes) -> bool:
    """Whether a file is there and is this: a power cut may have left another of its name."""
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False


def _sync_all(folder: Path) -> None:
    """Have the file system write what it holds, so that no power cut leaves a named half."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(opened):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(opened)
