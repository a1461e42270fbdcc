"""What is made of a kernel's answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from drybox.sessions.kernels.base import MAX_LINE
from drybox.sessions.programs.answers import (
    MAX_DIGITS,
    MAX_FORMS,
    MAX_NAMES,
    MAX_NUMBERS,
    MAX_PARTS,
    Answers,
    completions_of,
    display_of,
)
from drybox.sessions.results import MAX_METADATA, Completions, display_size

DONE = {"type": "done", "id": "1"}


def test_a_line_of_too_many_parts_is_let_go_and_the_next_one_is_read() -> None:
    many = b'{"type": "display", "data": [' + b"{}," * MAX_PARTS + b"{}]}\n"
    assert len(many) < MAX_LINE
    assert Answers().take(many + json.dumps(DONE).encode() + b"\n") == [DONE]


def test_a_line_of_too_many_names_is_let_go() -> None:
    document = {"type": "display", "metadata": {f"m{number}": 1 for number in range(MAX_NAMES)}}
    line = json.dumps(document, separators=(",", ":")).encode() + b"\n"
    assert Answers().take(line + json.dumps(DONE).encode() + b"\n") == [DONE]


@pytest.mark.parametrize("space", [" ", "\t", " \r"])
def test_names_with_spaces_behind_them_are_counted(space: str) -> None:
    names = ",".join(f'"{number}"{space}:0' for number in range(MAX_NAMES + 1))
    answers = Answers()
    assert answers.take(f"{{{names}}}\n".encode()) == []
    assert answers.has_lost


@pytest.mark.parametrize("numbers", [["1.5e3"] * (MAX_NUMBERS + 1), ["7" * (MAX_DIGITS + 1)]])
def test_a_line_of_too_many_or_too_long_numbers_is_let_go_and_told_of(numbers: list[str]) -> None:
    answers = Answers()
    line = f"[{','.join(numbers)}]\n{json.dumps(DONE)}\n"
    assert answers.take(line.encode()) == [DONE]
    assert answers.has_lost


def test_what_is_skipped_ends_with_its_line() -> None:
    answers = Answers()
    answers.skip(b'{"type": "do')
    assert answers.take(b'ne"}\n' + json.dumps(DONE).encode() + b"\n") == [DONE]
    answers.skip(b"x\n")
    assert answers.take(json.dumps(DONE).encode() + b"\n") == [DONE]


def test_text_with_many_commas_is_read() -> None:
    picture = {"type": "display", "data": {"image/svg+xml": "1,2 " * (MAX_PARTS // 2)}}
    assert Answers().take(json.dumps(picture).encode() + b"\n") == [picture]


def test_a_large_picture_is_read() -> None:
    picture = {"type": "display", "data": {"image/png": {"base64": "A" * (MAX_LINE // 2)}}}
    assert Answers().take(json.dumps(picture).encode() + b"\n") == [picture]


def test_a_line_that_is_too_long_is_let_go_and_the_next_one_is_read() -> None:
    answers = Answers()
    assert answers.take(b"x" * (MAX_LINE + 1)) == []
    assert answers.take(b"x\n" + json.dumps(DONE).encode() + b"\n") == [DONE]


def deep(levels: int) -> list[Any]:
    inner: list[Any] = []
    for _ in range(levels):
        inner = [inner]
    return inner


@pytest.mark.parametrize(
    "metadata",
    [
        {f"m{number}": number for number in range(100_000)},
        {"a": "x" * MAX_METADATA},
        {"x" * MAX_METADATA: 1},
        {"a": [[]] * 1000},
        {"a": deep(900)},
        {"a": 10**100_000},
    ],
    ids=["names", "text", "name", "lists", "depth", "number"],
)
def test_what_is_said_of_a_display_takes_little(metadata: dict[str, Any]) -> None:
    shown = display_of({"data": {"text/plain": "a"}, "metadata": metadata}, is_main=True)
    assert (shown.data, shown.metadata) == ({"text/plain": "a"}, {})


def test_what_is_usually_said_of_a_display_is_kept() -> None:
    metadata = {"image/png": {"width": 640, "height": 1.5, "names": ["a", None, True]}}
    shown = display_of(
        {"data": {"image/png": {"base64": "AAAA"}}, "metadata": metadata}, is_main=False
    )
    assert shown.metadata == metadata
    assert display_size(shown) > MAX_METADATA


def test_a_display_has_few_forms_and_their_names_count() -> None:
    forms = {f"a/{'x' * 3000}{number}": "" for number in range(1000)}
    shown = display_of({"data": forms}, is_main=False)
    assert len(shown.data) == MAX_FORMS
    assert display_size(shown) > MAX_FORMS * 3000


def test_what_is_no_word_completes_nothing() -> None:
    document = {"matches": ["a", [["b"] * 1000], {"c": 1}, "d"], "start": 0, "end": 1}
    assert completions_of(document).matches == ("a", "d")


@pytest.mark.parametrize("place", [-1, 10**30, 1.0, True, None, "1"])
def test_places_of_completions_are_places_in_code(place: object) -> None:
    for name in ("start", "end"):
        document = {"matches": ["a"], "start": 0, "end": 1, name: place}
        assert completions_of(document) == Completions()
