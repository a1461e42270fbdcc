"""How much of a request is parsed at once."""

from __future__ import annotations

import pytest

from drybox.server.transport.message_framing import CHUNKED_BYTES, ONCE, SCATTERED, Framing

HEAD = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunked() -> Framing:
    """A request with a chunked body whose head has come."""
    framing = Framing()
    assert framing.end_of_piece(HEAD, 0) == len(HEAD)
    framing.end_head([(b"transfer-encoding", b"chunked")])
    return framing


def test_chunks_of_a_byte_are_refused_before_many_of_them_are_parsed() -> None:
    framing, data, at = chunked(), b"1\r\nx\r\n" * 40_000, 0
    while framing.problem(b"/") is None:
        end = framing.end_of_piece(data, at)
        assert at < end <= at + CHUNKED_BYTES
        framing.add_body((end - at) // 6)
        at = end
    assert framing.problem(b"/") is SCATTERED
    assert at <= 7 * CHUNKED_BYTES


def test_long_chunks_go_on() -> None:
    framing, at = chunked(), 0
    chunk = b"%x\r\n" % 60_000 + b"x" * 60_000 + b"\r\n"
    data = chunk * 50
    while at < len(data):
        end = framing.end_of_piece(data, at)
        framing.add_body(end - at - (end - at) // 6000)
        at = end
        assert framing.problem(b"/") is None


@pytest.mark.parametrize("name", sorted(ONCE))
def test_of_two_headers_none_is_chosen(name: bytes) -> None:
    framing = Framing()
    framing.end_head([(name, b"1"), (b"accept", b"*/*"), (name, b"1")])
    problem = framing.problem(b"/")
    assert problem is not None
    assert name.decode() in problem.detail.lower()


def test_headers_that_are_lists_may_come_in_several_lines() -> None:
    framing = Framing()
    framing.end_head([(b"accept", b"text/html"), (b"x-forwarded-for", b"127.0.0.2")] * 2)
    assert framing.problem(b"/") is None
