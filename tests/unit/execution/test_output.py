"""The cap and the decoding, over every way the bytes may arrive."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from drybox.execution.output import STREAMS, Output
from drybox.model import Stream

PIECES = st.lists(st.tuples(st.sampled_from(STREAMS), st.binary(max_size=12)), max_size=12)
TEXT = st.text(max_size=20)


@given(PIECES, st.integers(0, 40))
def test_each_stream_keeps_its_first_bytes(pieces: list[tuple[Stream, bytes]], limit: int) -> None:
    output = Output(limit)
    kept: dict[Stream, bytes] = dict.fromkeys(STREAMS, b"")
    for stream, data in pieces:
        kept[stream] += output.add(stream, data)
    for stream in STREAMS:
        written = b"".join(data for name, data in pieces if name == stream)
        assert output.bytes(stream) == kept[stream] == written[:limit]
        assert output.truncated[stream] == (len(written) > limit)
    assert output.overflowed == any(output.truncated.values())


@given(PIECES, st.integers(0, 40))
@example([("stdout", b"\xf0\x9f"), ("stdout", b"\x98"), ("stdout", b"\x80")], 4)
@example([("stdout", b"\xf0\x9f\x98\x80")], 3)
@example([("stdout", b"\xe2"), ("stdout", b"\x82A")], 9)
def test_the_texts_of_the_pieces_make_the_whole_text(
    pieces: list[tuple[Stream, bytes]], limit: int
) -> None:
    output = Output(limit)
    texts: dict[Stream, str] = dict.fromkeys(STREAMS, "")
    for stream, data in pieces:
        texts[stream] += output.decode(stream, output.add(stream, data))
    for stream in STREAMS:
        assert texts[stream] + output.finish(stream) == output.bytes(stream).decode(
            "utf-8", "replace"
        )


@given(TEXT, st.lists(st.integers(0, 80), max_size=8))
def test_no_character_is_split_between_pieces(text: str, cuts: list[int]) -> None:
    data = text.encode()
    at = sorted({0, *(cut for cut in cuts if cut < len(data))})
    output = Output(len(data))
    ends = [*at[1:], len(data)]
    pieces = [output.add("stderr", data[a:b]) for a, b in zip(at, ends, strict=True)]
    texts = [output.decode("stderr", piece) for piece in pieces]
    assert "".join(texts) == text
    assert output.finish("stderr") == ""


def test_one_stream_does_not_use_up_the_other() -> None:
    output = Output(3)
    assert output.add("stdout", b"abcd") == b"abc"
    assert output.add("stderr", b"xyz") == b"xyz"
    assert output.truncated == {"stdout": True, "stderr": False}


@pytest.mark.parametrize(("limit", "cut"), [(5, False), (4, True), (0, True)])
def test_just_the_limit_is_not_too_much(limit: int, cut: bool) -> None:
    output = Output(limit)
    output.add("stdout", b"12345")
    assert output.overflowed is cut


def test_nothing_never_overflows() -> None:
    output = Output(0)
    assert output.add("stdout", b"") == b""
    assert not output.overflowed
