"""What a sandbox says of its files, and what is made of it."""

from __future__ import annotations

import errno
import stat
from collections.abc import AsyncGenerator, Sequence

import anyio
import pytest

from drybox.errors import SnapshotError
from drybox.guest.frames import GuestGone
from drybox.guest.session_files import SMALL, GuestFile, GuestOSError
from drybox.sessions.snapshots.content import CHUNK, Entry, read, written
from drybox.sessions.snapshots.memory import MemoryPlace
from drybox.sessions.snapshots.place import Bounds
from drybox.sessions.snapshots.taking import MOST_FILES, Taking

FOLDER, FILE, LINK = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777


class Files:
    """Files of a sandbox that says what a test wants.

    Args:
        listed: What is in ``/sandbox``.
        content: Pieces of every file; without end if None.
    """

    def __init__(self, listed: list[GuestFile], content: list[bytes] | None) -> None:
        self.listed = listed
        self.content = content
        self.pieces = 0
        self.small: dict[bytes, bytes] = {}
        self.asked: list[int] = []
        self.is_closed = True

    async def list(self, path: bytes, depth: int) -> list[GuestFile]:
        return self.listed if path == b"/sandbox" else []

    async def read_small(self, paths: Sequence[bytes]) -> Sequence[bytes | None]:
        self.asked.append(len(paths))
        return [self.small.get(path) for path in paths]

    async def read(self, path: bytes, *, follow: bool = True) -> AsyncGenerator[bytes, None]:
        assert not follow
        if path.endswith(b"gone"):
            raise GuestOSError(errno.ENOENT)
        self.is_closed = False
        try:
            while self.content is None or self.pieces < len(self.content):
                self.pieces += 1
                yield b"x" * 65536 if self.content is None else self.content[self.pieces - 1]
        finally:
            self.is_closed = True


def found(path: bytes, mode: int = FILE, size: int = 1) -> GuestFile:
    return GuestFile(path, mode, size, 0, b"")


def take(files: Files, most: int = 4 * CHUNK) -> tuple[list[Entry], list[str]]:
    place = MemoryPlace(Bounds(1, 1 << 30, 1 << 30))

    async def run() -> tuple[list[Entry], list[str]]:
        return await Taking(files, place.begin(""), most).take()  # type: ignore[arg-type]

    return anyio.run(run)


def test_a_file_is_kept_in_pieces_and_a_folder_with_its_mode() -> None:
    files = Files(
        [found(b"d", stat.S_IFDIR | 0o1750), found(b"d/f", stat.S_IFREG | 0o4755)],
        [b"y" * (CHUNK - 1), b"z" * (CHUNK + 5)],
    )
    (folder, file), left_out = take(files)
    assert (folder.path, folder.mode, folder.chunks) == (b"/sandbox/d", 0o750, None)
    assert (file.path, file.mode, file.size) == (b"/sandbox/d/f", 0o755, 2 * CHUNK + 4)
    assert len(file.chunks or ()) == 3
    assert left_out == []


@pytest.mark.parametrize("path", [b"../x", b"/etc/passwd", b"a/../../x", b"a//b", b"", b"a\0b"])
def test_a_name_that_leads_elsewhere_ends_it(path: bytes) -> None:
    for mode in (FILE, FOLDER, LINK):
        with pytest.raises(GuestGone):
            take(Files([found(path, mode)], []))


@pytest.mark.parametrize("kinds", [(FILE, FOLDER), (FOLDER, FILE), (LINK, FOLDER)])
def test_of_a_name_that_comes_twice_the_first_counts(kinds: tuple[int, int]) -> None:
    """A kernel lists names again whose files are replaced meanwhile; gVisor's does so often."""
    inside = [found(b"a/sub", FOLDER), found(b"a/sub/file"), found(b"a/file")]
    entries, _ = take(Files([*(found(b"a", kind) for kind in kinds), *inside], [b"x"]))
    assert read(written(entries)) == tuple(sorted(entries, key=lambda entry: entry.path))
    paths = {entry.path for entry in entries}
    without = {b"/sandbox/a/sub", b"/sandbox/a/file", b"/sandbox/a/sub/file"}
    assert (
        paths
        == {
            FILE: {b"/sandbox/a"},
            FOLDER: {b"/sandbox/a", *without},
            LINK: without,
        }[kinds[0]]
    )


def test_a_file_without_end_is_left_out_and_no_more_of_it_is_read() -> None:
    files = Files([found(b"endless")], None)
    entries, left_out = take(files)
    assert (entries, files.is_closed) == ([], True)
    assert left_out == ["'/sandbox/endless' could not be read whole"]
    assert files.pieces <= 5 * CHUNK // 65536 + 1


def test_what_is_no_file_is_left_out_with_its_reason() -> None:
    kinds = {
        b"link": LINK,
        b"pipe": stat.S_IFIFO | 0o644,
        b"socket": stat.S_IFSOCK | 0o644,
        b"device": stat.S_IFCHR | 0o644,
        b"secret": stat.S_IFREG | 0o200,
        b"closed": stat.S_IFDIR | 0o600,
        b"/".join([b"d"] * 200): FOLDER,
        b"gone": FILE,
    }
    entries, left_out = take(Files([found(name, mode) for name, mode in kinds.items()], []))
    assert {entry.path for entry in entries} == {
        b"/sandbox/closed",
        b"/sandbox/" + b"/".join([b"d"] * 200),
    }
    for name, reason in {
        "link": "a symbolic link",
        "pipe": "a named pipe",
        "socket": "a socket",
        "device": "a device",
        "secret": "a file without permission",
        "closed": "a folder without permission",
        "gone": "could not be read whole",
        "d/d": "too deep",
    }.items():
        assert any(name in line and reason in line for line in left_out), reason


def test_a_sparse_file_that_is_larger_than_all_may_be_is_left_out() -> None:
    files = Files([found(b"sparse", size=1 << 40), found(b"small", size=3)], [b"abc"])
    entries, left_out = take(files)
    assert [entry.path for entry in entries] == [b"/sandbox/small"]
    assert "1,099,511,627,776 bytes" in left_out[0]


def test_too_many_files_are_refused_not_left_out() -> None:
    files = Files([found(b"%d" % count) for count in range(MOST_FILES + 1)], [])
    with pytest.raises(SnapshotError) as caught:
        take(files)
    assert caught.value.reason == "too_large"


def test_small_files_come_together_and_large_ones_alone() -> None:
    names = [b"%d" % number for number in range(300)]
    files = Files([*map(found, names), found(b"large", size=CHUNK)], [b"y" * CHUNK])
    files.listed.append(found(b"long", size=SMALL + 1))
    files.small = {b"/sandbox/" + name: name for name in names}
    entries, left_out = take(files)
    assert left_out == []
    assert files.asked == [128, 128, 44]
    assert {entry.path: entry.size for entry in entries} == {
        **{path: len(data) for path, data in files.small.items()},
        b"/sandbox/large": CHUNK,
        b"/sandbox/long": 0,
    }
    assert len({entry.chunks for entry in entries}) == 302


def test_small_files_that_have_grown_take_no_more_than_there_is() -> None:
    names = [b"/sandbox/%d" % number for number in range(3)]
    files = Files([found(name[9:]) for name in names], [b""])
    files.small = dict.fromkeys(names, b"xx")
    entries, left_out = take(files, 5)
    assert [entry.size for entry in entries] == [2, 2]
    assert left_out == ["'/sandbox/2' could not be read whole"]
