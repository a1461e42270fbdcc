"""Rates and daily budgets: what they let through, and that their waits are true."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drybox.service.quota.quota import DAY, DailyBudget, TokenBucket

pytestmark = pytest.mark.promise("KEY-6")

rates = st.floats(1 / 3600, 1000.0)
bursts = st.integers(1, 100)
gaps = st.lists(st.one_of(st.just(0.0), st.floats(0.0, 500.0)), min_size=1, max_size=60)
starts = st.floats(0.0, 2e9)


def taken(bucket: TokenBucket, moments: list[float]) -> list[float]:
    """The moments at which there was a token."""
    found = []
    for now in moments:
        if bucket.wait(now) == 0.0:
            bucket.take(now)
            found.append(now)
    return found


def moments_of(start: float, gaps: list[float]) -> list[float]:
    moments = []
    for gap in gaps:
        start += gap
        moments.append(start)
    return moments


@given(rates, bursts, starts, gaps)
def test_no_stretch_of_time_sees_more_than_a_burst_and_the_rate(
    rate: float, burst: int, start: float, gaps: list[float]
) -> None:
    found = taken(TokenBucket(rate, burst, start), moments_of(start, gaps))
    for index, first in enumerate(found):
        for count, last in enumerate(found[index:], 1):
            assert count <= burst + rate * (last - first) + 1e-3


@given(rates, bursts, starts)
def test_a_burst_is_there_at_first_and_again_after_a_rest(
    rate: float, burst: int, start: float
) -> None:
    bucket = TokenBucket(rate, burst, start)
    assert len(taken(bucket, [start] * (burst + 5))) == burst
    later = start + burst / rate + 1e-3
    assert len(taken(bucket, [later] * (burst + 5))) == burst


@given(rates, bursts, starts, gaps)
def test_who_waits_as_long_as_told_finds_a_token_and_not_before(
    rate: float, burst: int, start: float, gaps: list[float]
) -> None:
    bucket = TokenBucket(rate, burst, start)
    now = start
    for moment in moments_of(start, gaps):
        now = max(now, moment)  # who waited may be past it
        wait = bucket.wait(now)
        if wait > 2e-3:
            assert bucket.wait(now + wait / 2) > 0.0
        if wait:
            now += math.ceil(wait)
            assert bucket.wait(now) == 0.0
        bucket.take(now)


def test_a_clock_that_stands_or_goes_back_gives_nothing() -> None:
    bucket = TokenBucket(1.0, 1, 100.0)
    bucket.take(100.0)
    assert [bucket.wait(now) > 0 for now in (100.0, 50.0, 100.5)] == [True] * 3
    assert bucket.wait(101.0) == 0.0


@given(st.floats(0.001, 1e6), st.floats(0.0, 2e9), st.lists(st.floats(0.0, 1e5), max_size=20))
def test_a_day_gives_its_budget_and_no_more(
    seconds: float, now: float, charges: list[float]
) -> None:
    budget, used = DailyBudget(seconds), 0.0
    for charge in charges:
        assert (budget.wait(now) == 0.0) == (used < seconds)
        budget.charge(charge, now)
        used += charge
    wait = budget.wait(now)
    assert (wait == 0.0) == (used < seconds)
    if wait:
        assert 0 < wait <= DAY
        assert (now + wait) % DAY < 1e-3 or (now + wait) % DAY > DAY - 1e-3
        assert budget.wait(now + math.ceil(wait)) == 0.0


def test_a_clock_that_is_set_back_gives_no_second_budget() -> None:
    budget = DailyBudget(10.0)
    budget.charge(10.0, 5 * DAY)
    assert budget.wait(5 * DAY - 60) > 0
    assert budget.wait(6 * DAY) == 0.0


def test_a_clock_that_was_days_ahead_shuts_nobody_out() -> None:
    budget = DailyBudget(10.0)
    budget.charge(10.0, 40 * DAY)
    assert budget.wait(3 * DAY) == DAY
    assert budget.used(3 * DAY) == 10.0
    assert budget.wait(4 * DAY) == 0.0
