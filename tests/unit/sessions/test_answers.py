"""What is made of a kernel's answers."""

from __future__ import annotations

import json

from drybox.sessions.kernels.base import MAX_LINE
from drybox.sessions.programs.answers import MAX_PARTS, Answers

DONE = {"type": "done", "id": "1"}


def test_a_line_of_too_many_parts_is_let_go_and_the_next_one_is_read() -> None:
    many = b'{"type": "display", "data": [' + b"{}," * MAX_PARTS + b"{}]}\n"
    assert len(many) < MAX_LINE
    assert Answers().take(many + json.dumps(DONE).encode() + b"\n") == [DONE]


def test_a_large_picture_is_read() -> None:
    picture = {"type": "display", "data": {"image/png": {"base64": "A" * (MAX_LINE // 2)}}}
    assert Answers().take(json.dumps(picture).encode() + b"\n") == [picture]


def test_a_line_that_is_too_long_is_let_go_and_the_next_one_is_read() -> None:
    answers = Answers()
    assert answers.take(b"x" * (MAX_LINE + 1)) == []
    assert answers.take(b"x\n" + json.dumps(DONE).encode() + b"\n") == [DONE]
