"""What a kernel is told is the same in however many pieces, and so are the lines of its input."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drybox.sessions.programs.requests import PIECE, InputLines, request_pieces


@given(st.text(alphabet="a\r\n\u2028\x85\0", max_size=40))
def test_lines_end_as_those_of_files_do(text: str) -> None:
    lines, found = InputLines(text), []
    while lines:
        found.append(lines.popleft())
    assert found == list(io.StringIO(text, newline=None))


def test_many_lines_take_time_in_proportion() -> None:
    lines = InputLines("\r" * 200_000 + "x" * 100_000)
    count = 0
    while lines:
        lines.popleft()
        count += 1
    assert count == 200_001


@pytest.mark.parametrize("unit", ["x", '"', "\\", "\u20ac", "\U0001f600", "\ud800", "\n"])
@pytest.mark.parametrize("size", [1, PIECE, PIECE + 1, 3 * PIECE])
def test_a_request_is_one_line_of_json(unit: str, size: int) -> None:
    request = {"type": "run", "input": False, "count": None, "code": unit * size, "env": {"A": "1"}}
    pieces = list(request_pieces(request))
    line = b"".join(pieces)
    assert json.loads(line) == request
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert (len(pieces) == 1) == (size <= PIECE)
    assert max(map(len, pieces)) <= 12 * PIECE + 100
