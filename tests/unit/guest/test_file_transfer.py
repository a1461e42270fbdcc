"""Fetching files from a guest that may name and send whatever it likes."""

from __future__ import annotations

import os
import struct
from typing import Any

import pytest
from tests.support.clock import INSTANT
from tests.support.guest import FakeGuest, frame, listed_frame

from drybox.guest.connection import MAX_BUILT, Guest
from drybox.guest.file_transfer import MAX_FILES, MAX_LISTED, MAX_LISTED_BYTES
from drybox.guest.frames import GuestGone
from drybox.job import File

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Any:
    return INSTANT


def guest_with(
    files: dict[bytes, bytes], whole: bytes = b"\1", mode: bytes = b"\xa4\x01"
) -> FakeGuest:
    """A guest that keeps to the protocol, as init does."""

    def answer(kind: bytes, payload: bytes) -> bytes:
        if kind in (b"L", b"l"):
            listing = [listed_frame(path, len(data)) for path, data in files.items()]
            return b"".join(listing) + frame(b"f")
        assert kind in (b"G", b"g")
        data = files[payload[8:]]
        pieces = [frame(b"d", data[n : n + 3]) for n in range(0, len(data), 3)]
        return b"".join(pieces) + frame(b"e", whole + mode)

    return FakeGuest(answer)


async def test_only_the_files_that_match_are_asked_for() -> None:
    stream = guest_with({b"b.txt": b"22", b"a.txt": b"", b"no.png": b"x", b"d/c.txt": b"1234567"})
    assert (await Guest(stream).get(["*.txt", "d/**"], 100)).files == {
        "a.txt": b"",
        "b.txt": b"22",
        "d/c.txt": b"1234567",
    }
    asked = [(struct.unpack("<Q", p[:8])[0], p[8:]) for kind, p in stream.sent if kind == b"G"]
    assert asked == [(100, b"a.txt"), (100, b"b.txt"), (98, b"d/c.txt")]


async def test_files_that_are_too_large_together_are_not_asked_for() -> None:
    stream = guest_with({b"a": bytes(6), b"b": bytes(6), b"other": bytes(99)})
    assert len((await Guest(stream).get(["a", "b"], 12)).files) == 2
    stream = guest_with({b"large": bytes(60), b"b": bytes(6), b"a": bytes(6), b"c": b"1"})
    found = await Guest(stream).get(["*"], 12)
    assert set(found.files) == {"a", "c"}
    assert list(found.left_out) == [
        "'b' is 6 bytes, and all together may be 12",
        "'large' is 60 bytes, and all together may be 12",
    ]
    assert [payload[8:] for kind, payload in stream.sent if kind == b"G"] == [b"a", b"c"]


async def test_what_is_left_out_is_told_within_bounds() -> None:
    stream = FakeGuest()
    for index in range(1000):
        stream.say(frame(b"O", b"p" + b"\x1b\n" * 300 + b"%d" % index))
    stream.say(frame(b"O", b"?new kind") + frame(b"O", b"uclosed") + frame(b"f"))
    found = await Guest(stream).get(["*"], 100)
    assert len(found.left_out) == 11
    assert found.left_out[-1] == "991 more"
    assert all(len(line) < 300 and line.isprintable() for line in found.left_out)


async def test_of_too_many_files_some_come() -> None:
    found = await Guest(guest_with({b"%05d" % n: b"" for n in range(MAX_FILES + 1)})).get(["*"], 9)
    assert len(found.files) == MAX_FILES
    assert list(found.left_out) == ["there are 10,001 files, and all together may be 10,000"]


@pytest.mark.parametrize(
    ("glob", "is_told"),
    [("shut/*.txt", True), ("**/a", True), ("*/in/**", True), ("shut", False), ("other/*", False)],
)
async def test_a_folder_that_cannot_be_read_is_told_where_a_glob_leads_into_it(
    glob: str, is_told: bool
) -> None:
    stream = FakeGuest()
    stream.say(frame(b"O", b"ushut") + frame(b"f"))
    told = (await Guest(stream).get([glob], 100)).left_out
    assert list(told) == is_told * ["'shut' is a folder without permission to read it"]


async def test_globs_that_nothing_matches_are_told() -> None:
    found = await Guest(guest_with({b"a": b"1"})).get(["b", "*", "c/**"], 100)
    assert (found.files, list(found.unmatched)) == ({"a": b"1"}, ["b", "c/**"])


async def test_a_file_that_did_not_come_whole_is_left_out() -> None:
    found = await Guest(guest_with({b"a": b"123"}, whole=b"\0")).get(["*"], 100)
    assert (found.files, list(found.left_out)) == ({}, ["'a' could not be read whole"])


async def test_names_that_are_no_text_still_come() -> None:
    found = await Guest(guest_with({b"\xff.bin": b"1", "é".encode(): b"2"})).get(["*"], 100)
    assert found.files == {"\\xff.bin": b"1", "é": b"2"}


async def test_no_artifact_hides_another() -> None:
    found = await Guest(guest_with({b"\xff": b"1", b"\\xff": b"2"})).get(["*"], 100)
    assert sorted(found.files.values()) == [b"1", b"2"]


@pytest.mark.parametrize(
    "answers",
    [
        frame(b"d", bytes(101)),
        frame(b"d", bytes(60)) * 2,
        frame(b"1", b"x"),
        frame(b"F", bytes(9)),
    ],
    ids=["more than asked", "more together", "output", "a name"],
)
async def test_a_guest_that_sends_what_was_not_asked_is_gone(answers: bytes) -> None:
    stream = FakeGuest()
    stream.say(listed_frame(b"a", 1) + frame(b"f") + answers)
    with pytest.raises(GuestGone):
        await Guest(stream).get(["*"], 100)


@pytest.mark.parametrize("answer", [*(frame(b"F", bytes(n)) for n in (0, 1, 8)), frame(b"O", b"")])
async def test_a_name_that_is_none_ends_the_talk(answer: bytes) -> None:
    stream = FakeGuest()
    stream.say(answer)
    with pytest.raises(GuestGone):
        await Guest(stream).get(["*"], 100)


@pytest.mark.promise("KEY-8")
async def test_an_endless_listing_ends_the_talk() -> None:
    stream = FakeGuest()
    stream.say(listed_frame(b"x", 1) * (MAX_LISTED + 1))  # and it goes on
    with pytest.raises(GuestGone):
        await Guest(stream).get(["nothing"], 100)


@pytest.mark.promise("KEY-8")
async def test_names_that_are_too_long_together_are_the_programs_fault() -> None:
    stream = FakeGuest()
    name = listed_frame(b"x" * 60_000, 1)
    stream.say(name * (MAX_LISTED_BYTES // 60_000 + 2) + frame(b"f", b""))
    (told,) = (await Guest(stream).get(["nothing"], 100)).left_out
    assert "names of all files" in told


@pytest.mark.promise("KEY-8")
async def test_globs_that_take_long_are_the_programs_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("drybox.guest.glob.MATCH_TIME", 0.01)
    stream = FakeGuest()
    names = [b"a" * 200 + b"%d" % number for number in range(3000)]
    stream.say(b"".join(listed_frame(name, 1) for name in names) + frame(b"f", b""))
    globs = [f"{'*a' * 90}{number}b" for number in range(100)]
    (told,) = (await Guest(stream).get(globs, 100)).left_out
    assert "takes too long" in told


# --- what compilers left --------------------------------------------------------------------


async def test_what_compilers_left_comes_back_as_files_for_another_sandbox() -> None:
    stream = guest_with({b"main": b"1", b"classes/A.class": b"22", b"x": b"3"}, mode=b"\xed\x0f")
    found = await Guest(stream).get_build(["main", "classes/**"], 100)
    assert found == [
        File("/build/classes/A.class", b"22", 0o755),  # what is set-user-id is not
        File("/build/main", b"1", 0o755),
    ]
    assert {kind for kind, _ in stream.sent} == {b"l", b"g"}


async def test_a_name_that_is_no_text_is_kept_as_it_is() -> None:
    (found,) = await Guest(guest_with({b"\xff": b"1"})).get_build(["**"], 100)
    assert os.fsencode(found.path) == b"/build/\xff"


@pytest.mark.parametrize(
    "name",
    [b"../sandbox/main.py", b"a/../../tmp/x", b"/etc/passwd", b"a//b", b".", b"a/", b"a\0b"],
)
async def test_a_name_that_leads_elsewhere_is_refused(name: bytes) -> None:
    with pytest.raises(ValueError, match="not a file that can be kept"):
        await Guest(guest_with({name: b"1"})).get_build(["**"], 100)


async def test_of_what_did_not_come_whole_nothing_is_kept() -> None:
    with pytest.raises(ValueError, match="not a file that can be kept"):
        await Guest(guest_with({b"a": b"1"}, whole=b"\0")).get_build(["**"], 100)


async def test_of_what_is_no_file_nothing_is_kept() -> None:
    stream = FakeGuest()
    stream.say(listed_frame(b"a", 1) + frame(b"O", b"rb") + frame(b"f"))
    with pytest.raises(ValueError, match="not a file that can be kept"):
        await Guest(stream).get_build(["*"], 100)


async def test_no_more_files_are_fetched_than_are_worth_it() -> None:
    files = {b"%d" % number: b"" for number in range(MAX_BUILT + 1)}
    stream = guest_with(files)
    with pytest.raises(ValueError, match="1001 files, more than 1000"):
        await Guest(stream).get_build(["**"], 100)
    assert b"g" not in stream.kinds()


@pytest.mark.parametrize("end", [b"", b"\1", b"\1\0\0\0"])
async def test_an_end_that_is_none_ends_the_talk(end: bytes) -> None:
    stream = FakeGuest()
    stream.say(listed_frame(b"a", 1) + frame(b"f") + frame(b"e", end))
    with pytest.raises(GuestGone):
        await Guest(stream).get_build(["*"], 100)
