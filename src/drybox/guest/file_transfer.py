"""Fetches files from a sandbox: init names and sends them; every answer is bounded and checked."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from io import BytesIO

import anyio.lowlevel

from drybox.errors import DryboxError, InvalidRequest, Unavailable
from drybox.guest.frames import GuestExecError, GuestFileError, GuestGone
from drybox.guest.glob import Globs, TooLong
from drybox.job import BUILD_DIR, File
from drybox.model import Artifacts

MAX_LISTED_BYTES = 16 * 1024 * 1024
"""Bytes of the names that are looked at in a listing."""

MAX_LISTED = 100_000
"""Names that a listing may bring; init's own bound is the same."""

MAX_FILES = 10_000
"""Files that may be brought at once: each is asked for by itself."""

FILES_IN_A_ROW = 64
"""Names after which others run."""

_FOLDERS = {
    b"d": "a folder that is too deep to be looked into",
    b"u": "a folder without permission to read it",
}

MAX_TOLD = 10
"""Files that were left out and are told of one by one."""

_OTHERS = {
    b"l": "a symbolic link, which is not followed",
    b"p": "a named pipe",
    b"s": "a socket",
    b"c": "a device",
    b"r": "a file without permission to read it",
}

Send = Callable[[bytes, bytes], Awaitable[None]]
Receive = Callable[[], Awaitable[tuple[bytes, bytes]]]


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that init takes files out of: the requests that list it and fetch from it."""

    list: bytes
    get: bytes


WORK = Folder(b"L", b"G")
BUILD = Folder(b"l", b"g")


@dataclass(frozen=True, slots=True)
class Found:
    """A file as it came.

    Attributes:
        path: Relative to its folder.
        content: Its bytes.
        whole: Whether that is all of it.
        mode: Its permissions.
    """

    path: bytes
    content: bytes
    whole: bool
    mode: int


@dataclass(slots=True)
class Listing:
    """What is in a folder, as far as somebody asked for it.

    Attributes:
        sizes: Bytes of each regular file that matches, by path.
        left_out: Why others that match cannot be fetched; the first of them.
        more: How many there are beside those.
        unmatched: Globs that nothing has matched so far.
    """

    sizes: dict[bytes, int]
    left_out: list[str]
    unmatched: list[str]
    more: int = 0

    def leave_out(self, reason: str) -> None:
        """Note something that is not fetched."""
        if len(self.left_out) < MAX_TOLD:
            self.left_out.append(reason)
        else:
            self.more += 1

    def reasons(self) -> list[str]:
        """What was left out, in words."""
        return [*self.left_out, *([f"{self.more} more"] if self.more else [])]

    def fit_into(self, max_bytes: int, max_files: int) -> list[bytes]:
        """Leave out the largest files until the others fit; the paths of those, in order."""
        left, taken = max_bytes, list[bytes]()
        for path, size in sorted(self.sizes.items(), key=lambda item: (item[1], item[0])):
            if len(taken) == max_files:
                what = f"there are {len(self.sizes):,} files"
                self.leave_out(f"{what}, and all together may be {max_files:,}")
                break
            if size <= left:
                left -= size
                taken.append(path)
            else:
                what = f"{shown(path)} is {size:,} bytes"
                self.leave_out(f"{what}, and all together may be {max_bytes:,}")
        return sorted(taken)


async def fetch_artifacts(
    send: Send, receive: Receive, globs: Sequence[str], max_bytes: int
) -> Artifacts:
    """Bring what a program left, the smallest files first if not all of them fit.

    Args:
        send: Sends a request.
        receive: Gives the next answer.
        globs: What is wanted of the working directory.
        max_bytes: Most bytes of all files.

    Raises:
        GuestGone: An answer is none.
    """
    listing = await list_folder(send, receive, WORK, globs)
    paths = listing.fit_into(max_bytes, MAX_FILES)
    taken: dict[str, bytes] = {}
    for found in await fetch(send, receive, WORK, paths, max_bytes):
        name = found.path.decode("utf-8", "backslashreplace")
        while name in taken:  # bytes that are no text may be spelt like another's text
            name += "~"
        if found.whole:
            taken[name] = found.content
        else:
            listing.leave_out(f"{shown(found.path)} could not be read whole")
    return Artifacts(taken, listing.reasons(), listing.unmatched)


async def fetch_built(
    send: Send, receive: Receive, globs: Sequence[str], max_bytes: int, max_files: int
) -> list[File]:
    """Bring what a compiler left: all of it, or nothing.

    Args:
        send: Sends a request.
        receive: Gives the next answer.
        globs: What is wanted of the compilers' folder.
        max_bytes: Most bytes of all files.
        max_files: Most files.

    Raises:
        GuestGone: An answer is none.
        ValueError: They are too large or too many, or one is no plain file.
    """
    listing = await list_folder(send, receive, BUILD, globs)
    if len(listing.sizes) > max_files:
        raise ValueError(f"there are {len(listing.sizes)} files, more than {max_files}")
    if listing.left_out:
        raise ValueError(f"{listing.left_out[0]}: not a file that can be kept")
    if sum(listing.sizes.values()) > max_bytes:
        raise ValueError(f"they are more than {max_bytes} bytes")
    found = await fetch(send, receive, BUILD, sorted(listing.sizes), max_bytes)
    return [built_file(item) for item in found]


async def fetch(
    send: Send, receive: Receive, folder: Folder, paths: Sequence[bytes], max_bytes: int
) -> list[Found]:
    """Bring regular files.

    Args:
        send: Sends a request.
        receive: Gives the next answer.
        folder: Where they are.
        paths: Which ones.
        max_bytes: Most bytes of all of them.

    Raises:
        GuestGone: An answer is none.
    """
    found: list[Found] = []
    left = max_bytes
    for path in paths:
        await send(folder.get, struct.pack("<Q", left) + path)
        content = BytesIO()  # what it gives away is not copied
        while True:
            kind, data = await receive()
            if kind == b"e" and len(data) == 3:
                break
            if kind != b"d" or content.tell() + len(data) > left:
                raise GuestGone(f"unexpected answer {kind!r}")
            content.write(data)
        whole, mode = struct.unpack("<?H", data)
        if whole:
            left -= content.tell()
        found.append(Found(path, content.getvalue(), whole, mode & 0o777))
    return found


async def list_folder(
    send: Send, receive: Receive, folder: Folder, globs: Sequence[str]
) -> Listing:
    """Find what matches.

    Args:
        send: Sends a request.
        receive: Gives the next answer.
        folder: Where to look.
        globs: What is wanted.

    Raises:
        GuestGone: An answer is none.
    """
    await send(folder.list, b"")
    matching, problem = Globs(globs), ""
    listing = Listing({}, [], [])
    count = seen = 0
    while True:
        kind, data = await receive()
        if kind == b"f":
            break
        count += 1
        head = {b"F": 8, b"O": 1}.get(kind)
        if head is None or len(data) < head + (kind == b"F") or count > MAX_LISTED + (data == b"m"):
            raise GuestGone(f"unexpected answer {kind!r}")
        if count % FILES_IN_A_ROW == 0:
            await anyio.lowlevel.checkpoint()
        seen += len(data)
        if seen > MAX_LISTED_BYTES:
            problem = problem or f"the names of all files are more than {MAX_LISTED_BYTES} bytes"
        if problem:
            continue  # what is under way already is the answer to this and to nothing else
        try:
            await _note(listing, matching, kind, data)
        except TooLong as error:
            problem = str(error)
    if problem:
        listing.leave_out(problem)
    listing.unmatched = matching.unmatched()
    return listing


async def _note(listing: Listing, matching: Globs, kind: bytes, data: bytes) -> None:
    if data == b"m":
        listing.leave_out("there are too many files to look at them all")
        return
    path = data[8:] if kind == b"F" else data[1:]
    if kind == b"O" and data[:1] in _FOLDERS:
        if await matching.enter(path.decode("utf-8", "backslashreplace")):
            what = shown(path) if path else "the working directory"
            listing.leave_out(f"{what} is {_FOLDERS[data[:1]]}")
    elif await matching.match(path.decode("utf-8", "backslashreplace")):
        if kind == b"F":
            listing.sizes[path] = struct.unpack("<Q", data[:8])[0]
        else:
            listing.leave_out(f"{shown(path)} is {_OTHERS.get(data[:1], 'no file')}")


def shown(path: bytes) -> str:
    """A path in the words of a result, without control characters, and not too long."""
    text = ascii(path.decode("utf-8", "backslashreplace"))
    return text if len(text) <= 200 else f"{text[:98]}...{text[-98:]}"


def built_file(found: Found) -> File:
    """A file that a compiler left, to be put where it was found.

    Raises:
        ValueError: It is not whole, or its name leads elsewhere.
    """
    names = found.path.split(b"/")
    if not found.whole or b"\0" in found.path or {b"", b".", b".."} & set(names):
        raise ValueError(f"{found.path[:100]!r} is not a file that can be kept")
    return File(f"{BUILD_DIR}/{os.fsdecode(found.path)}", found.content, found.mode)


def unplaced(error: GuestFileError) -> InvalidRequest:
    """Init could not write them."""
    return InvalidRequest(
        "files",
        f"they could not be placed: {error}",
        hint="Check their paths and sizes, or ask for a larger limits.disk.",
    )


def too_large() -> InvalidRequest:
    """The kernel ended the sandbox for want of memory while they were written."""
    return InvalidRequest(
        "files",
        "they need more memory than the sandbox has",
        hint="Ask for a larger limits.memory.",
    )


def unstarted(error: GuestExecError) -> DryboxError:
    """Init could not start a command: by what the request is, or by what is missing here."""
    if error.number == errno.E2BIG:
        hint = "Pass fewer or shorter 'args' and 'env'."
        return InvalidRequest("args", "they and 'env' are more than a program can have", hint=hint)
    if error.number in (errno.EAGAIN, errno.ENOMEM):
        hint = "Ask for larger limits.pids and limits.memory."
        return InvalidRequest("limits", "they leave no room for the program to start", hint=hint)
    if error.program.startswith(f"{BUILD_DIR}/"):
        hint = "Check that the source is that of a program."
        return InvalidRequest("code", "its compiler left no program that can be started", hint=hint)
    return Unavailable(f"{error}.", hint="Nothing ran. Run 'drybox doctor' to see what is missing.")
