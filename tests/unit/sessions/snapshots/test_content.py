"""What a snapshot consists of, written and read."""

from __future__ import annotations

import pytest

from drybox.sessions.snapshots.content import (
    CHUNK,
    Entry,
    chunks_of,
    id_of,
    is_below_a_place,
    read,
    written,
)

A, B = "a" * 64, "b" * 64


def test_the_same_files_have_the_same_id_in_any_order() -> None:
    entries = [
        Entry(b"/sandbox/folder", 0o700),
        Entry(b"/sandbox/folder/odd\xff\nname", 0o644, CHUNK + 1, (A, B)),
        Entry(b"/tmp/empty", 0o600, 0, ()),
    ]
    document = written(entries)
    assert written(entries[::-1]) == document
    assert list(read(document)) == entries
    assert id_of(document) == id_of(written(entries))
    changed = [*entries[:2], Entry(b"/tmp/empty", 0o644, 0, ())]
    assert id_of(written(changed)) != id_of(document)
    assert read(written([])) == ()


def test_the_pieces_of_a_document_whatever_files_are_called() -> None:
    entries = [
        Entry(b"/sandbox/" + b"c" * 64, 0o700),
        Entry(b'/sandbox/"' + b"d" * 64 + b'"', 0o644, CHUNK + 1, (A, B)),
        Entry(b'/tmp/\\"' + b"e" * 64 + b'\\"', 0o644, 1, (A,)),
    ]
    assert chunks_of(written(entries)) == {A, B}
    assert chunks_of(written([])) == set()


@pytest.mark.parametrize(
    "path",
    [
        *(b"/etc/passwd", b"/sandbox", b"/sandbox/", b"/sandboxes/x", b"sandbox/x", b""),
        *(b"/sandbox/../etc/x", b"/sandbox/a/..", b"/sandbox/./x", b"/sandbox//x", b"/tmp/a//b"),
        *(b"/sandbox/a\0b", b"/sandbox/" + b"x/" * 2100 + b"x", b"/dev/null", b"/dev/shm"),
    ],
)
def test_a_path_that_leads_elsewhere_is_none(path: bytes) -> None:
    assert not is_below_a_place(path)
    for entry in (Entry(path, 0o755), Entry(path, 0o644, 0, ())):
        with pytest.raises(ValueError, match=r"entry|file|path"):
            read(written([entry]))


@pytest.mark.parametrize(
    "entries",
    [
        [Entry(b"/tmp/x", 0o4755, 0, ())],
        [Entry(b"/tmp/x", 0o644, 1, ())],
        [Entry(b"/tmp/x", 0o644, CHUNK, (A, B))],
        [Entry(b"/tmp/x", 0o644, -1, ())],
        [Entry(b"/tmp/x", 0o644, 1, ("../" * 21 + "a",))],
        [Entry(b"/tmp/x", 0o755), Entry(b"/tmp/x", 0o644, 0, ())],
        [Entry(b"/tmp/x", 0o644, 0, ()), Entry(b"/tmp/x/y", 0o644, 0, ())],
    ],
)
def test_what_cannot_be_is_refused(entries: list[Entry]) -> None:
    with pytest.raises(ValueError, match=r"entry|file|path"):
        read(written(entries))


@pytest.mark.parametrize("line", [b"{}", b"[]", b'["/tmp/x"]', b"[1, 2]", b"x", b'["/tmp/x", "7"]'])
def test_what_is_no_document_is_refused(line: bytes) -> None:
    with pytest.raises((ValueError, TypeError)):
        read(line)
