"""The operator's folder of packages as input of an image build: its name and an archive."""

from __future__ import annotations

import hashlib
import os
import platform
import stat
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from drybox.errors import Unsupported

MAX_ENTRIES = 100_000
"""Files, folders and links that a folder may hold."""

MAX_BYTES = 8 * 1024**3
"""Bytes that it may hold."""

PIECE = 1024 * 1024  # bytes read at once
BLOCK = 512  # of a tar archive
RACY = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""How a file is opened that may be something else by now."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file, folder or link.

    Attributes:
        path: Relative to the folder; "" for the folder itself.
        state: What the system says of it.
        target: Where it points, if it is a link.
        folder: Descriptor of the folder it is in, while the entry is the latest.
        name: Its name there.
    """

    path: str
    state: os.stat_result
    target: str = ""
    folder: int = -1
    name: str = ""

    @property
    def facts(self) -> bytes:
        """Others whenever what a sandbox sees of it may be another."""
        at = self.state
        facts: tuple[object, ...] = (self.path, at.st_mode, self.target)
        if not stat.S_ISDIR(at.st_mode):
            facts += (at.st_size, at.st_mtime_ns, at.st_ctime_ns)
        return ascii(facts).encode()

    def header(self, place: str) -> bytes:
        """What an archive says of it.

        Args:
            place: Where a sandbox sees the folder.
        """
        path = f"{place}/{self.path}" if self.path else place
        info = tarfile.TarInfo(path.lstrip("/"))
        info.mtime = int(self.state.st_mtime)
        info.mode = 0o200 | _bits(self.state.st_mode) * 0o111
        if stat.S_ISDIR(self.state.st_mode):
            info.type = tarfile.DIRTYPE
        elif self.target:
            info.type, info.linkname = tarfile.SYMTYPE, self.target
        else:
            info.size = self.state.st_size
        return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")

    def content(self) -> Iterator[bytes]:
        """A file's bytes, filled up to a whole block.

        Raises:
            Unsupported: It is another file by now.
        """
        opened = os.open(self.name, RACY, dir_fd=self.folder)
        try:
            left = self.state.st_size
            if not _is_same(os.fstat(opened), self.state):
                raise _changed(self.name)
            while left:
                piece = os.read(opened, min(left, PIECE))
                if not piece:
                    raise _changed(self.name)
                left -= len(piece)
                yield piece
            if not _is_same(os.fstat(opened), self.state):
                raise _changed(self.name)
        finally:
            os.close(opened)
        yield bytes(-self.state.st_size % BLOCK)


def fingerprint(folder: str) -> str:
    """A word for what a folder holds, another one whenever that may have changed.

    Raises:
        Unsupported: It is gone, unreadable or too large.
    """
    digest = hashlib.sha256()
    with _read(folder):
        for entry in _entries(folder):
            digest.update(entry.facts)
    return digest.hexdigest()[:24]


def label(folder: str) -> str:
    """A word for a folder of this machine."""
    return f"{platform.node()}:{folder}"


def staleness(word: str, key: str) -> str:
    """Why an image of a folder is of no use; "" if it is, or may be to somebody.

    Args:
        word: The folder's, of :func:`label`.
        key: Its :func:`fingerprint` when the image was made.
    """
    machine, _, folder = word.partition(":")
    if machine != platform.node():
        return ""
    if not os.path.lexists(folder):
        return "its folder of packages is gone"
    try:
        return "" if fingerprint(folder) == key else "its folder of packages has changed"
    except Unsupported:
        return ""


def archive(folder: str, place: str, key: str = "") -> Iterator[bytes]:
    """A folder as a tar archive, piece by piece. No link is followed out of it, or anywhere.

    Args:
        folder: The folder, or a single file.
        place: Where a sandbox sees it.
        key: Its :func:`fingerprint`, if it must still have that one.

    Raises:
        Unsupported: It is gone, unreadable or too large, or has changed.
    """
    digest = hashlib.sha256()
    with _read(folder):
        yield from _parents(place)
        for entry in _entries(folder):
            digest.update(entry.facts)
            yield entry.header(place)
            if stat.S_ISREG(entry.state.st_mode):
                yield from entry.content()
    if key and digest.hexdigest()[:24] != key:
        raise _changed(folder)
    yield bytes(2 * BLOCK)


def _parents(place: str) -> Iterator[bytes]:
    """Folders above a place, which a daemon would give a mode of its own choice."""
    at = ""
    for name in place.strip("/").split("/")[:-1]:
        at = f"{at}/{name}".lstrip("/")
        info = tarfile.TarInfo(at)
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        yield info.tobuf()


def _entries(folder: str) -> Iterator[_Entry]:
    """Everything that a sandbox is to see, always in the same order, the folder first."""
    top = os.path.realpath(folder)
    size = 0
    for count, entry in enumerate(_found(top), 1):
        size += entry.state.st_size if stat.S_ISREG(entry.state.st_mode) else 0
        if count > MAX_ENTRIES or size > MAX_BYTES:
            raise Unsupported(
                f"packages cannot be installed from {folder} in a container: it holds more than "
                f"{MAX_ENTRIES} files or {MAX_BYTES >> 30} GiB, and each image gets a copy.",
                hint="Use a folder with fewer packages, or isolation='local', which makes no copy.",
            )
        if not stat.S_ISLNK(entry.state.st_mode) and not _is_readable(entry.state.st_mode):
            raise _unreadable(folder, f"only its owner may read {entry.path or 'it'}")
        yield entry


def _found(top: str) -> Iterator[_Entry]:
    if not os.path.isdir(top):  # A single file.
        parent = os.open(os.path.dirname(top), os.O_RDONLY | os.O_DIRECTORY)
        try:
            name = os.path.basename(top)
            state = os.stat(name, dir_fd=parent, follow_symlinks=False)
            yield _Entry("", state, "", parent, name)
        finally:
            os.close(parent)
        return
    yield _Entry("", os.stat(top))
    for at, folders, files, opened in os.fwalk(top, onerror=_raise):
        folders.sort()
        for name in sorted([*folders, *files]):
            path = os.path.relpath(os.path.join(at, name), top)
            state = os.stat(name, dir_fd=opened, follow_symlinks=False)
            if stat.S_ISLNK(state.st_mode):
                target = os.readlink(name, dir_fd=opened)
                if not _leads_out(path, target):
                    yield _Entry(path, state, target, opened, name)
            elif stat.S_ISDIR(state.st_mode) or stat.S_ISREG(state.st_mode):
                yield _Entry(path, state, "", opened, name)


def _leads_out(path: str, target: str) -> bool:
    """Whether a link points out of the folder: a sandbox has nothing there."""
    found = os.path.normpath(os.path.join(os.path.dirname(path), target))
    return os.path.isabs(found) or found.split("/")[0] == ".."


def _bits(mode: int) -> int:
    """What a sandbox may do with a file: what everybody may, or what an ordinary user may here."""
    return (mode if os.geteuid() == 0 else mode >> 6 | mode >> 3 | mode) & 0o5


def _is_readable(mode: int) -> bool:
    wanted = 0o5 if stat.S_ISDIR(mode) else 0o4
    return _bits(mode) & wanted == wanted


def _is_same(state: os.stat_result, other: os.stat_result) -> bool:
    return all(
        getattr(state, name) == getattr(other, name)
        for name in ("st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns")
    )


@contextmanager
def _read(folder: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise _unreadable(folder, f"{error.strerror or error}{where}") from error


def _raise(error: OSError) -> None:
    raise error


def _unreadable(folder: str, why: str) -> Unsupported:
    return Unsupported(
        f"packages cannot be installed from {folder}: {why}.",
        hint=f"Let everybody read it: chmod -R a+rX '{folder}'.",
    )


def _changed(path: str) -> Unsupported:
    return Unsupported(
        f"packages could not be taken to the container: {path!r} changed as it was read.",
        hint="Run it again when nothing changes the folder of packages.",
    )
