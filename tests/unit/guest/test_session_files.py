"""Files of a session: what comes of a listing is bounded."""

from __future__ import annotations

import errno
import struct

import anyio
import pytest

from drybox.guest.session_files import MOST_LISTED_BYTES, FileReplies, GuestOSError


def listed(names: list[bytes]) -> list[bytes]:
    """The paths of a listing that a sandbox sends."""

    async def run() -> list[bytes]:
        async def send(data: bytes) -> None:
            for name in names:
                replies.take(b"l", struct.pack("<IIQqH", 1, 0o100644, 1, 0, 0) + name)
            replies.take(b"F", struct.pack("<II", 1, 0))

        replies = FileReplies(send)
        return [item.path for item in await replies.list(b".", 1)]

    return anyio.run(run)


def test_a_listing_is_what_was_sent() -> None:
    assert listed([b"a", b"b/c"]) == [b"a", b"b/c"]


def test_names_without_end_are_let_go() -> None:
    name = b"n" * 4000
    with pytest.raises(GuestOSError) as caught:
        listed([name] * (MOST_LISTED_BYTES // len(name) + 1))
    assert caught.value.number == errno.E2BIG
