"""Bodies are bounded before they are parsed, in a time that grows with their size alone."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drybox.server.transport import body
from drybox.server.transport.body import FEW_BYTES, MAX_VALUES, check_values
from drybox.service.refusals import Refused

pytestmark = pytest.mark.promise("HTTP-2")

LONG = "x" * FEW_BYTES


def test_a_large_body_of_few_values_passes_whatever_its_texts_hold() -> None:
    for text in ('[",",{' * 100_000, '\\"[' * 100_000, "\\" * 300_000, "[" * 300_000):
        check_values(json.dumps({"code": text, "more": LONG}).encode())


@pytest.mark.parametrize(
    "values",
    [
        [0] * (MAX_VALUES + 2),
        [[]] * (MAX_VALUES + 2),
        [{}] * (MAX_VALUES + 2),
        ["a"] * (MAX_VALUES * 2 + 4),
    ],
    ids=["numbers", "lists", "objects", "texts"],
)
def test_a_body_of_many_values_is_refused(values: list[object]) -> None:
    with pytest.raises(Refused, match="values"):
        check_values(json.dumps([LONG, *values]).encode())


def test_a_small_body_is_not_looked_at() -> None:
    check_values(b"[" * FEW_BYTES)


@given(st.binary(max_size=200))
def test_no_bytes_are_too_odd(data: bytes) -> None:
    before, body.FEW_BYTES = body.FEW_BYTES, 0
    try:
        check_values(data)
    finally:
        body.FEW_BYTES = before
