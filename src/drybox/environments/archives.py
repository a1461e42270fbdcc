"""Looks into archives of strangers on this host, without taking more memory or time than is told.

What an archive says of itself is believed nowhere; it is unpacked in sandboxes alone.
"""

from __future__ import annotations

import gzip
import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PIECE = 1 << 20

TAR_BLOCK = 512

MAX_LIST = 64 << 20
"""Bytes of the list of members in a zip archive: some 600,000 of them. Python takes ten times as
much memory for it."""


class BadArchive(ValueError):
    """It is none, or holds more than it may."""


@contextmanager
def opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip archive whose list of members fits in memory.

    Raises:
        BadArchive: It is none.
        OSError: It cannot be read.
    """
    try:
        with _Bounded(path) as file, zipfile.ZipFile(file) as opened:
            yield opened
    except (zipfile.BadZipFile, NotImplementedError, zlib.error, EOFError, ValueError) as error:
        raise BadArchive(str(error) or "it breaks off") from error


def pieces_of(opened: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """What a member has, piece by piece, whatever size it says that it has.

    Raises:
        BadArchive: It is compressed in a way of which one piece may become any size.
    """
    if opened.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadArchive(f"{name[:200]!r} is compressed in a way that packages are not")
    with opened.open(name) as file:
        while piece := file.read(PIECE):
            yield piece


def unpacked_size(path: Path, most: int) -> int:
    """Bytes of what a file compressed by gzip becomes.

    Args:
        path: The file.
        most: Bytes after which no more of it is read.

    Raises:
        BadArchive: It is none, or becomes more.
        OSError: It cannot be read.
    """
    size = 0
    try:
        with gzip.open(path) as file:
            while piece := file.read(PIECE):
                size += len(piece)
                if size > most:
                    raise BadArchive(f"it holds more than {most:,} bytes")
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise BadArchive(str(error)) from error
    return size


def tar_member(path: Path, name: str, *, most: int, whole: int) -> tuple[bytes, int]:
    """A file in a tar archive that gzip compressed, and bytes of what the archive becomes.

    Nothing but headers is looked at, so what extends them takes no memory.

    Args:
        path: The archive.
        name: The file's, at most 100 bytes.
        most: Bytes that it may have.
        whole: Bytes after which no more of the archive is read.

    Raises:
        BadArchive: It is none, has no such file, or becomes more.
        OSError: It cannot be read.
    """
    size = unpacked_size(path, whole)
    try:
        with gzip.open(path) as file:
            while len(header := file.read(TAR_BLOCK)) == TAR_BLOCK and header.strip(b"\0"):
                length = int(header[124:136].strip(b" \0") or b"0", 8)
                if length < 0:  # of which a read would have no bound
                    raise BadArchive("a member has a size below zero")
                is_it = header[:100].rstrip(b"\0") == name.encode()
                if is_it and header[156:157] in (b"0", b"\0") and not header[345:500].strip(b"\0"):
                    if length > most:
                        raise BadArchive(f"{name[:200]!r} has more than {most:,} bytes")
                    return file.read(length), size
                left = length + -length % TAR_BLOCK
                while left > 0 and (piece := file.read(min(left, PIECE))):
                    left -= len(piece)
    except ValueError as error:
        raise BadArchive(str(error)) from error
    raise BadArchive(f"it has no {name[:200]!r}")


class _Bounded(io.FileIO):
    """A file of which nobody reads very much at once: zipfile reads a whole list so."""

    def read(self, size: int | None = -1, /) -> bytes:
        left = os.fstat(self.fileno()).st_size - self.tell()
        if min(left, left if size is None or size < 0 else size) > MAX_LIST:
            raise BadArchive(f"its list of members has more than {MAX_LIST:,} bytes")
        return super().read(size)
