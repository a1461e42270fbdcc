"""What archives of strangers may cost whoever only looks into them."""

from __future__ import annotations

import gzip
import io
import tarfile
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.packages import make_npm, make_wheel

from drybox import Unavailable
from drybox.environments.archives import (
    BadArchive,
    opened_zip,
    pieces_of,
    tar_member,
    unpacked_size,
)
from drybox.environments.resolvers import go_archive
from drybox.environments.resolvers.go_archive import h1_of
from drybox.environments.resolvers.npm import _size
from drybox.environments.resolvers.pip import size_of

pytestmark = pytest.mark.promise("ENV-3")

MIB = 1 << 20


@contextmanager
def within(most: int) -> Iterator[None]:
    """Python takes no more memory than this meanwhile."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


def test_a_list_of_members_without_end_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drybox.environments.archives.MAX_LIST", 100_000)
    path = make_wheel(tmp_path, "hostile", "1.0", {})
    assert size_of(path) > 0
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(2000):
            archive.writestr(f"hostile/{number}", b"")
    with pytest.raises(Unavailable, match="list of members has more than 100,000 bytes"):
        size_of(path)


def test_pieces_of_a_member_are_small_whatever_it_says(tmp_path: Path) -> None:
    path = tmp_path / "zeros.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(64 * MIB))
        archive.writestr("bzip2", bytes(MIB), zipfile.ZIP_BZIP2)
        archive.writestr("lzma", bytes(MIB), zipfile.ZIP_LZMA)
    with within(16 * MIB), opened_zip(path) as opened:
        assert sum(map(len, pieces_of(opened, "zeros"))) == 64 * MIB
        for name in ("bzip2", "lzma"):
            with pytest.raises(BadArchive, match="in a way that packages are not"):
                next(pieces_of(opened, name))


def test_a_module_that_holds_more_than_one_may_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "module.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"m@v1/{number}", bytes(MIB))
    assert h1_of(path).startswith("h1:")
    monkeypatch.setattr(go_archive, "MAX_MODULE", 2 * MIB)
    with pytest.raises(BadArchive, match="holds more"):
        h1_of(path)


def npm_with(folder: Path, **fields: str) -> Path:
    """An archive with more about its file than tar writes by itself."""
    path = make_npm(folder, "hostile", "1.0.0", {})
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("package/package.json")
        info.pax_headers = fields
        archive.addfile(info)
    return path


def test_headers_that_are_bombs_themselves_take_no_memory(tmp_path: Path) -> None:
    path = npm_with(tmp_path, comment="x" * (40 * MIB))
    assert path.stat().st_size < MIB
    with within(16 * MIB):
        assert _size(path, 200 * MIB) >= 40 * MIB


def test_a_bomb_is_read_no_further_than_may_be(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tgz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(20):
            file.write(bytes(MIB))
    assert unpacked_size(path, 20 * MIB) == 20 * MIB
    with pytest.raises(BadArchive, match="more than 10,485,760"):
        unpacked_size(path, 10 * MIB)
    with pytest.raises(Unavailable, match=r"bomb\.tgz is no archive of npm's"):
        _size(path, 10 * MIB)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x1f\x8b\x08", bytes(100)])
def test_what_is_no_archive_is_told_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "none.whl"
    path.write_bytes(content)
    with pytest.raises(Unavailable, match="is no wheel"):
        size_of(path)
    with pytest.raises(BadArchive):
        h1_of(path)
    if content:
        with pytest.raises(BadArchive):
            unpacked_size(path, MIB)


def test_a_tar_archive_is_searched_without_what_its_headers_say(tmp_path: Path) -> None:
    """A header that extends another may have any size; so may the file that is looked for."""
    path = tmp_path / "a.crate"
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as made:
        entry = tarfile.TarInfo("a-1/first")
        entry.pax_headers = {"comment": "x" * (32 * MIB)}
        made.addfile(entry)
        entry = tarfile.TarInfo("a-1/Cargo.toml")
        entry.size = 4
        made.addfile(entry, io.BytesIO(b"text"))
    with within(8 * MIB):
        text, size = tar_member(path, "a-1/Cargo.toml", most=10, whole=64 * MIB)
    assert (text, size > 32 * MIB) == (b"text", True)
    for name, most, whole in (("b", 10, 1 << 30), ("a-1/Cargo.toml", 3, 1 << 30), ("b", 10, MIB)):
        with within(8 * MIB), pytest.raises(BadArchive):
            tar_member(path, name, most=most, whole=whole)


def test_a_file_of_a_tar_archive_with_a_size_below_zero_is_not_read(tmp_path: Path) -> None:
    """A read of fewer than no bytes is one of everything that follows."""
    header = bytearray(tarfile.TarInfo("a-1/Cargo.toml").tobuf())
    header[124:136] = b"-1".ljust(12, b"\0")
    path = tmp_path / "a.crate"
    path.write_bytes(gzip.compress(bytes(header) + bytes(32 * MIB)))
    with within(8 * MIB), pytest.raises(BadArchive, match="below zero"):
        tar_member(path, "a-1/Cargo.toml", most=10, whole=64 * MIB)
