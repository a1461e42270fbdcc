"""What a snapshot consists of, and how it is written down. No I/O.

A document has one line for each folder and file, sorted by path; its hash is the snapshot's id. Two
sessions with the same files have the same snapshot.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drybox.sessions.results import Snapshot

PLACES = ("/sandbox", "/tmp", "/dev/shm")
"""The writable places of a sandbox, but for the compilers' own."""

CHUNK = 1 << 20
"""Bytes that are kept together: a file consists of such pieces, and of a shorter last one."""

MOST_RECORD = 256 << 20
"""Bytes of a record, which is a line about a snapshot and its document; a larger one is none of
ours."""

ID = re.compile(r"sha256:[0-9a-f]{64}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_CHUNK_OF_A_LINE = re.compile(rb'"([0-9a-f]{64})"')
"""No path looks like one: it begins with a slash, and a quote within it has a backslash before."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A folder or a file.

    Attributes:
        path: Its absolute path.
        mode: Permission bits.
        size: Bytes of a file.
        chunks: SHA-256 of each piece of it, in hexadecimal digits; None for a folder.
    """

    path: bytes
    mode: int
    size: int = 0
    chunks: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A snapshot, and what it consists of."""

    snapshot: Snapshot
    entries: tuple[Entry, ...]


def digest_of(data: bytes | bytearray | memoryview) -> str:
    """The name of a piece."""
    return hashlib.sha256(data).hexdigest()


def is_below_a_place(path: bytes) -> bool:
    """Whether a path is one of a writable place, spelt plainly: it leads nowhere else."""
    place = next((name for name in PLACES if path.startswith(f"{name}/".encode())), None)
    if place is None or len(path) > 4096 or b"\0" in path:
        return False
    return not {b"", b".", b".."} & set(path[len(place) + 1 :].split(b"/"))


def written(entries: Sequence[Entry]) -> bytes:
    """The document of a snapshot."""
    lines = []
    for entry in sorted(entries, key=lambda entry: entry.path):
        what: list[object] = [os.fsdecode(entry.path), entry.mode]
        if entry.chunks is not None:
            what += [entry.size, *entry.chunks]
        lines.append(json.dumps(what, separators=(",", ":")))
    return "\n".join(lines).encode()


def id_of(document: bytes) -> str:
    """The id of the snapshot that a document is of."""
    return f"sha256:{digest_of(document)}"


def read(document: bytes) -> tuple[Entry, ...]:
    """What a document says.

    Raises:
        ValueError: It is none.
    """
    entries = tuple(_entry(json.loads(line)) for line in document.splitlines())
    files = {entry.path for entry in entries if entry.chunks is not None}
    if len({entry.path for entry in entries}) != len(entries):
        raise ValueError("a path is there twice")
    for entry in entries:
        above = entry.path
        while above := above.rpartition(b"/")[0]:
            if above in files:
                raise ValueError("a file has files below it")
    return entries


def snapshot_of(head: Mapping[str, Any]) -> Snapshot:
    """What the line about a snapshot says.

    Raises:
        KeyError, TypeError, ValueError: It is none.
    """
    return Snapshot(
        str(head["id"]),
        int(head["size"]),
        int(head["files"]),
        float(head["created_at"]),
        tuple(map(str, head["left_out"])),
    )


def chunks_of(document: bytes) -> set[str]:
    """The pieces that a document names, without the time that reading all of it takes."""
    return {digest.decode() for digest in set(_CHUNK_OF_A_LINE.findall(document))}


def _entry(line: object) -> Entry:
    if not isinstance(line, list) or len(line) < 2 or not isinstance(line[0], str):
        raise ValueError("a line is no entry")
    path, mode, *rest = line
    entry = Entry(os.fsencode(path), mode)
    if rest:
        size, *chunks = rest
        entry = Entry(entry.path, mode, size, tuple(chunks))
        known = all(isinstance(chunk, str) and _DIGEST.fullmatch(chunk) for chunk in chunks)
        if type(size) is not int or size < 0 or not known or len(chunks) != -(-size // CHUNK):
            raise ValueError("a file is not so")
    if type(mode) is not int or mode & ~0o777 or not is_below_a_place(entry.path):
        raise ValueError("a line is no entry")
    return entry
