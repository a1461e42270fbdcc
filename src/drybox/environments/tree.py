"""Takes the content of an environment out of a sandbox: a tar archive becomes a folder.

The archive comes from where packages of strangers were unpacked, so nothing that it says is
believed: it makes plain files, folders, and links that stay inside, below one folder and within
bounds.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO, Final

BLOCK: Final = 512

MAX_FILES = 400_000
"""Files, folders and links of one environment; a large one has 40,000."""

MAX_NAME = 4096
"""Bytes of one path, and of what a link says."""

MAX_DEPTH = 64
"""Folders above one file."""

MAX_NAMES = 64 << 20
"""Bytes of all paths, and of what all links say; those of 40,000 files have 4 MB."""

EPOCH = 315_532_800
"""When every file was changed: the first second that a zip archive can name."""

_FILE, _LINK, _FOLDER, _LONG_NAME, _LONG_LINK = b"0", b"2", b"5", b"L", b"K"


class BadTree(ValueError):
    """What came out of a sandbox is no content of an environment."""


@dataclass(frozen=True, slots=True)
class TreeFacts:
    """What is in a folder.

    Attributes:
        digest: Of all paths, contents, links and which files are programs.
        size: Bytes of all files.
        files: How many files and links there are.
    """

    digest: str
    size: int
    files: int


@dataclass(slots=True)
class TreeWriter:
    """Writes a folder from a tar archive that comes in pieces. Its methods block.

    Args:
        folder: An empty folder of drybox's own.
        max_bytes: Bytes that all files may have together.
    """

    folder: Path
    max_bytes: int
    _lines: dict[str, str] = field(default_factory=dict)
    _folders: set[str] = field(default_factory=lambda: {""})
    _links: dict[str, str] = field(default_factory=dict)
    _buffer: bytearray = field(default_factory=bytearray)
    _size: int = 0
    _named: int = 0
    _left: int = 0
    _padding: int = 0
    _is_over: bool = False
    _file: BinaryIO | None = None
    _path: str = ""
    _mode: int = 0
    _hash: hashlib._Hash = field(default_factory=hashlib.sha256)
    _kind: bytes = b""
    _text: bytearray = field(default_factory=bytearray)
    _long_name: bytes = b""
    _long_link: bytes = b""

    def feed(self, data: bytes) -> None:
        """Take the next piece.

        Raises:
            BadTree: It is none of such an archive.
            OSError: It cannot be written; the disk may be full.
        """
        self._buffer += data
        at = 0
        while at < len(self._buffer):
            if self._left:
                piece = bytes(self._buffer[at : at + self._left])
                at += len(piece)
                self._take(piece)
            elif self._padding:
                step = min(self._padding, len(self._buffer) - at)
                at, self._padding = at + step, self._padding - step
            elif len(self._buffer) - at < BLOCK:
                break
            else:
                self._begin(bytes(self._buffer[at : at + BLOCK]))
                at += BLOCK
        del self._buffer[:at]

    def finish(self) -> TreeFacts:
        """Make the links, and say what is there.

        Raises:
            BadTree: The archive broke off.
            OSError: It cannot be written.
        """
        if not self._is_over or self._left or self._file is not None:
            raise BadTree("the archive broke off")
        for path, target in self._links.items():
            place = self.folder / path
            if not os.path.lexists(place):
                os.symlink(target, place)
        for name in sorted(self._folders, reverse=True):
            place = self.folder / name
            place.chmod(0o755)
            os.utime(place, (EPOCH, EPOCH))
        lines = (f"{path}\0{what}\0" for path, what in sorted(self._lines.items()))
        digest = hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape"))
        return TreeFacts(
            digest.hexdigest()[:32],
            self._size,
            len(self._lines) - len(self._folders & self._lines.keys()),
        )

    def abandon(self) -> None:
        """Let go of what is open."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self, header: bytes) -> None:
        if self._is_over or not header.strip(b"\0"):
            self._is_over = True  # the rest only fills its last record
            return
        total = sum(header[:148]) + sum(header[156:]) + 8 * 32
        if _octal(header[148:156]) != total:
            raise BadTree("a header is broken")
        self._kind = header[156:157].replace(b"\0", _FILE)
        self._left = _octal(header[124:136])
        self._padding = -self._left % BLOCK
        if self._kind in (_LONG_NAME, _LONG_LINK):
            if not 0 < self._left <= MAX_NAME:
                raise BadTree("a name is too long")
            self._text = bytearray()
            return
        name, link = header[:100].partition(b"\0")[0], header[157:257].partition(b"\0")[0]
        if header[257:263] == b"ustar\0" and (prefix := header[345:500].split(b"\0")[0]):
            name = prefix + b"/" + name
        path = _clean(self._long_name or name)
        link, self._long_name, self._long_link = self._long_link or link, b"", b""
        self._named += len(path) + len(link)
        if len(self._lines) >= MAX_FILES or self._named > MAX_NAMES:
            raise BadTree(f"there are more than {MAX_FILES:,} files, or their names are too long")
        parent = path.rpartition("/")[0]
        if parent not in self._folders:
            raise BadTree(f"{path[:200]!r} is in no folder")
        if self._kind != _FOLDER and (not path or path in self._lines):
            raise BadTree(f"{path[:200]!r} is there twice")
        self._path, self._mode = path, _octal(header[100:108])
        self._enter(link)

    def _enter(self, link: bytes) -> None:
        path = self._path
        if self._kind == _FOLDER:
            if path in self._lines and path not in self._folders:
                raise BadTree(f"{path[:200]!r} is there twice")
            if path not in self._folders:
                (self.folder / path).mkdir(mode=0o755)
                self._folders.add(path)
            self._lines.setdefault(path, "folder")
        elif self._kind == _LINK:
            target = os.fsdecode(link)
            if not target or target.startswith("/") or not _stays_inside(path, target):
                raise BadTree(f"{path[:200]!r} is a link that leads out: {target[:200]!r}")
            self._links[path] = target
            self._lines[path] = f"link {target}"
        elif self._kind == _FILE:
            self._size += self._left
            if self._size > self.max_bytes:
                raise BadTree(f"its files have more than {self.max_bytes:,} bytes")
            opened = os.open(
                self.folder / path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600
            )
            self._file = os.fdopen(opened, "wb", buffering=0)
            self._hash = hashlib.sha256()
            if not self._left:
                self._end_file()
        else:
            raise BadTree(f"{path[:200]!r} is neither file, folder nor link")
        if self._kind != _FILE and self._left:
            raise BadTree(f"{path[:200]!r} has content")

    def _take(self, piece: bytes) -> None:
        self._left -= len(piece)
        if self._file is None:
            self._text += piece
            if not self._left:
                text = bytes(self._text).partition(b"\0")[0]
                if self._kind == _LONG_NAME:
                    self._long_name = text
                else:
                    self._long_link = text
            return
        view = memoryview(piece)
        while view:
            view = view[self._file.write(view) :]
        self._hash.update(piece)
        if not self._left:
            self._end_file()

    def _end_file(self) -> None:
        assert self._file is not None
        is_program = bool(self._mode & 0o111)
        os.fchmod(self._file.fileno(), 0o755 if is_program else 0o644)
        os.utime(self._file.fileno(), (EPOCH, EPOCH))
        self._file.close()
        self._file = None
        self._lines[self._path] = f"{'program' if is_program else 'file'} {self._hash.hexdigest()}"


def digest_of(folder: Path) -> TreeFacts:
    """What is in a folder, looked at anew."""
    lines, size, files = dict[str, str](), 0, 0
    for path, place in _walk(folder):
        if place.is_symlink():
            lines[path] = f"link {os.readlink(place)}"
        elif place.is_dir():
            lines[path] = "folder"
            continue
        else:
            state, digest = place.stat(), hashlib.sha256()
            with open(place, "rb") as file:
                while piece := file.read(1 << 20):
                    digest.update(piece)
            word = "program" if state.st_mode & 0o111 else "file"
            lines[path], size = f"{word} {digest.hexdigest()}", size + state.st_size
        files += 1
    text = "".join(f"{path}\0{what}\0" for path, what in sorted(lines.items()))
    whole = hashlib.sha256(text.encode("utf-8", "surrogateescape"))
    return TreeFacts(whole.hexdigest()[:32], size, files)


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    yield "", folder
    for at, folders, names in os.walk(folder):
        for name in (*folders, *names):
            place = Path(at, name)
            yield str(place.relative_to(folder)), place


def _octal(text: bytes) -> int:
    # Digits alone: what int() reads besides has signs, and a size below zero has no end.
    digits = text.strip(b" \0") or b"0"
    if digits.strip(b"01234567"):
        raise BadTree("a header has no number where one belongs")
    return int(digits, 8)


def _clean(name: bytes) -> str:
    """A path below the folder; "" for the folder itself."""
    text = os.fsdecode(name)
    while text.startswith("./"):
        text = text[2:]
    text = text.rstrip("/")
    if text in ("", "."):
        return ""
    parts = text.split("/")
    if (
        text.startswith("/")
        or len(name) > MAX_NAME
        or len(parts) > MAX_DEPTH
        or any(part in ("", ".", "..") for part in parts)
    ):
        raise BadTree(f"{text[:200]!r} is no path below the folder")
    return text


def _stays_inside(path: str, target: str) -> bool:
    """Whether a link's target is in the folder, whatever else is a link there.

    What is above the link are folders, so it may go up from there as far as they go. After a name,
    which may be another link's, nobody knows yet where a ``..`` leads.
    """
    parts = [part for part in target.split("/") if part not in ("", ".")]
    ups = len(list(takewhile(lambda part: part == "..", parts)))
    return ups <= path.count("/") and ".." not in parts[ups:]
