"""Ranges of versions: each line is what npm's own library says of them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drybox.server.piston.semver import satisfies

pytestmark = pytest.mark.promise("PISTON-4")

INSIDE = {
    "3.11.2": (
        *("", "*", "x", "X", " ", "||", "3", "3.x", "3.11", "3.11.*", "3.11.2", "v3.11.2", "=3"),
        *(
            "^3.0.0",
            "^3",
            "^3.11",
            "~3",
            "~3.11",
            "~>3.11.0",
            ">=3",
            ">=3.11.2",
            ">3.10",
            "> 3.11.1",
        ),
        *("<=3", "<=3.11", "<4", "<3.12", ">=3.10 <4", ">= 3.10.0  < 3.12", "2 || 3", "2||3.x"),
        *("3.10.0 - 3.12.0", "3 - 4", "3.10 - 3.11", "3.11.2 - 3.11.2", "1.2.3-rc.1 || ^3"),
        *(">=3.11.0-rc.1", "3.11.2+build.5", "<=x", ">=*", "~*", "^x"),
    ),
    "0.2.3": ("^0.2.0", "^0.2.3", "~0.2.1", "0.x", "^0", "^0.x", "0.2", "<1", ">0.2.2"),
    "0.0.3": ("^0.0.3", "^0.0", "~0.0.1", "0.0.x"),
    "1.2.3-alpha.2": (
        "1.2.3-alpha.2",
        ">=1.2.3-alpha",
        "^1.2.3-alpha.1",
        "~1.2.3-0",
        "<=1.2.3-beta",
    ),
}
OUTSIDE = {
    "3.11.2": (
        *("2", "4", "3.10", "3.12.x", "3.11.3", "^2", "^4.0.0", "~3.10", "~3.12", ">3", ">3.11"),
        *(
            ">=3.12",
            "<3",
            "<3.11",
            "<3.11.2",
            ">3.11.2",
            "<=3.10",
            "3.10 - 3.11.1",
            "4 - 5",
            "2 || 4",
        ),
        *(">=3.10 <3.11", "3.11.2-rc1", "<x", ">*", "latest", "^", ">=", "3.11.2.1", "03.11.2"),
        *(
            "3.a",
            "3.11.2-",
            "3.11.2-a_b",
            "3.11.2+",
            "3,4",
            "a || 3.11.2",
            "9" * 17,
            "٣.x",
            "3 -",
            "- 3",
        ),
        *("3.x-rc1", "--3", ">=<3", "3.11.2 ||| 4"),
    ),
    "0.2.3": ("^0.1.0", "^0.3", "^0.0", "^1", "~0.3", "<0.2.3"),
    "0.0.3": ("^0.0.2", "^0.0.4", "~0.1"),
    "1.2.3-alpha.2": (
        "*",
        "1.2.3",
        "1.x",
        ">=1.0.0",
        "<2",
        "^1.2.2-alpha.2",
        "1.2.3-alpha.10",
        "<1.2.3-alpha",
    ),
}


@pytest.mark.parametrize(
    ("version", "wanted"), [(each, wanted) for each in INSIDE for wanted in INSIDE[each]]
)
def test_a_version_in_a_range(version: str, wanted: str) -> None:
    assert satisfies(version, wanted)


@pytest.mark.parametrize(
    ("version", "wanted"), [(each, wanted) for each in OUTSIDE for wanted in OUTSIDE[each]]
)
def test_a_version_outside(version: str, wanted: str) -> None:
    assert not satisfies(version, wanted)


def test_a_range_has_a_length() -> None:
    assert satisfies("3.11.2", " " * 255 + "3")
    assert not satisfies("3.11.2", " " * 256 + "3")


@given(st.text() | st.text("0123.x*-+|<>=~^ va", max_size=256))
def test_nothing_breaks_it(wanted: str) -> None:
    satisfies("3.11.2", wanted)


@pytest.mark.parametrize("unit", [">= ", " ", "1.", "|| ", "1 - ", "~> ", "a.", "= v", "-1", "9"])
def test_hostile_ranges_take_no_time(unit: str) -> None:
    wanted = [(unit * 256)[:255] + end for end in "!1 x"]
    began = time.process_time()
    for _ in range(10):
        for each in wanted:
            satisfies("3.11.2", each)
    assert time.process_time() - began < 1.0, "a backtracking matcher takes ten seconds for one"
