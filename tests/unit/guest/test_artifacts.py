"""Fetching files from a guest that may name and send whatever it likes."""

from __future__ import annotations

import os
import struct
from typing import Any

import pytest
from tests.support.clock import INSTANT
from tests.support.guest import FakeGuest, frame, listed_frame

from drybox.guest.fetch import MAX_LISTED_BYTES
from drybox.guest.protocol import MAX_BUILT, Guest, GuestGone
from drybox.model import File

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
    assert await Guest(stream).get(["*.txt", "d/**"], 100) == {
        "a.txt": b"",
        "b.txt": b"22",
        "d/c.txt": b"1234567",
    }
    asked = [(struct.unpack("<Q", p[:8])[0], p[8:]) for kind, p in stream.sent if kind == b"G"]
    assert asked == [(100, b"a.txt"), (100, b"b.txt"), (98, b"d/c.txt")]


async def test_files_that_are_too_large_together_are_not_asked_for() -> None:
    stream = guest_with({b"a": bytes(6), b"b": bytes(6), b"other": bytes(99)})
    assert len(await Guest(stream).get(["a", "b"], 12)) == 2
    with pytest.raises(ValueError, match="12 bytes, more than 11"):
        await Guest(guest_with({b"a": bytes(6), b"b": bytes(6)})).get(["*"], 11)


async def test_a_file_that_did_not_come_whole_is_left_out() -> None:
    assert await Guest(guest_with({b"a": b"123"}, whole=b"\0")).get(["*"], 100) == {}


async def test_names_that_are_no_text_still_come() -> None:
    found = await Guest(guest_with({b"\xff.bin": b"1", "é".encode(): b"2"})).get(["*"], 100)
    assert found == {"\\xff.bin": b"1", "é": b"2"}


async def test_no_artifact_hides_another() -> None:
    found = await Guest(guest_with({b"\xff": b"1", b"\\xff": b"2"})).get(["*"], 100)
    assert sorted(found.values()) == [b"1", b"2"]


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


@pytest.mark.parametrize("size", [0, 1, 8])
async def test_a_name_that_is_none_ends_the_talk(size: int) -> None:
    stream = FakeGuest()
    stream.say(frame(b"F", bytes(size)))
    with pytest.raises(GuestGone):
        await Guest(stream).get(["*"], 100)


async def test_an_endless_listing_ends_the_talk() -> None:
    stream = FakeGuest()
    name = listed_frame(b"x" * 60_000, 1)
    stream.say(name * (MAX_LISTED_BYTES // 60_000 + 2))  # and it goes on
    with pytest.raises(GuestGone):
        await Guest(stream).get(["nothing"], 100)


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
    with pytest.raises(ValueError, match="no file that can be kept"):
        await Guest(guest_with({name: b"1"})).get_build(["**"], 100)


async def test_of_what_did_not_come_whole_nothing_is_kept() -> None:
    with pytest.raises(ValueError, match="no file that can be kept"):
        await Guest(guest_with({b"a": b"1"}, whole=b"\0")).get_build(["**"], 100)


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
