"""Hundreds of hostile programs at one server at once: what they do to everybody else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.support.crowd import BUDGET, KINDS, UNAVAILABLE, Found, meet_crowd
from tests.support.host_operations import MOST

pytestmark = [pytest.mark.isolations("local"), pytest.mark.promise("ISO-27")]


@pytest.fixture
def runner() -> None:
    """These attacks go through a server of their own."""


@pytest.fixture(autouse=True)
def nothing_is_left() -> None:
    """Every crowd says itself what is left of it."""


def check(found: Found, record_property: Callable[[str, object], None]) -> None:
    print(found.text)
    refused = sum(found.statuses.pop((kind, UNAVAILABLE), 0) for kind in KINDS)
    assert refused <= sum(found.statuses.values()) // 10, found.text
    for kind, status in found.statuses:
        assert status in KINDS[kind][1], found.text
    assert found.left == []
    assert found.grown < BUDGET, found.text
    assert max(found.ratios.values()) <= MOST, found.text
    rounded = {name: round(ratio, 2) for name, ratio in found.ratios.items()}
    attack = f"{sum(found.statuses.values()) + refused} hostile programs"
    record_property("beside", {"attack": attack, "times as long": rounded})


def test_a_crowd_of_hostile_programs_harms_itself_only(
    record_property: Callable[[str, object], None],
) -> None:
    check(meet_crowd(16, at_once=8, timeout=4), record_property)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_three_hundred_that_wait_harm_nobody(
    record_property: Callable[[str, object], None],
) -> None:
    check(meet_crowd(300, at_once=4, timeout=3), record_property)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_three_hundred_that_all_run_harm_nobody(
    record_property: Callable[[str, object], None],
) -> None:
    found = meet_crowd(300, at_once=320, timeout=120, pace=0.25)
    check(found, record_property)
    assert found.most_at_once >= 270, found.text
