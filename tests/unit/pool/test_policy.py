"""The pool's decisions: bounds hold whatever the numbers, and every wish is met in the end."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from drybox.pool.policy import LONGEST_RETRY_DELAY, PoolState, Steps, next_steps, retry_delay
from drybox.settings import PoolSettings

MIB = 1 << 20
NOW = 10_000.0

moments = st.floats(0, NOW, allow_nan=False)
states = st.builds(
    PoolState,
    wanted_at=moments,
    born=st.lists(moments, max_size=6).map(lambda found: tuple(sorted(found))),
    size=st.integers(1, 600 * MIB),
    failures=st.integers(0, 50),
    failed_at=moments,
)
settings = st.builds(
    PoolSettings,
    min_idle=st.integers(0, 5),
    max_total=st.integers(0, 12),
    max_age=st.floats(0.1, 20_000),
    memory=st.integers(0, 4096 * MIB),
)


def _apply(steps: Steps, found: list[PoolState], now: float) -> list[PoolState]:
    """The states after the steps, where every try to open one works."""
    after = [
        replace(state, born=state.born[count:])
        for state, count in zip(found, steps.close, strict=True)
    ]
    if steps.open is not None:
        opened = after[steps.open]
        after[steps.open] = replace(opened, born=(*opened.born, now), failures=0)
    return after


def _settle(how: PoolSettings, found: list[PoolState], now: float) -> list[PoolState]:
    for _ in range(100):
        steps = next_steps(how, found, now)
        found = _apply(steps, found, now)
        if steps.open is None:
            return found
    raise AssertionError("the pool never comes to rest")


@given(settings, st.lists(states, max_size=6))
def test_bounds_hold_after_every_step(how: PoolSettings, found: list[PoolState]) -> None:
    after = _apply(next_steps(how, found, NOW), found, NOW)
    assert sum(len(state.born) for state in after) <= how.max_total
    assert sum(len(state.born) * state.size for state in after) <= how.memory
    assert all(len(state.born) <= how.min_idle for state in after)
    assert all(NOW - born < how.max_age for state in after for born in state.born)


@given(settings, st.lists(states, max_size=6))
def test_bounds_hold_where_several_are_made_at_once(
    how: PoolSettings, found: list[PoolState]
) -> None:
    for _ in range(100):
        steps = next_steps(how, found, NOW)
        found = _apply(replace(steps, open=None), found, NOW)
        if steps.open is None:
            break
        chosen = found[steps.open]
        found[steps.open] = replace(chosen, opening=chosen.opening + 1)
    assert steps.open is None, "the pool never comes to rest"
    stock = [len(state.born) + state.opening for state in found]
    assert sum(stock) <= how.max_total
    assert sum(count * state.size for count, state in zip(stock, found, strict=True)) <= how.memory
    assert all(count <= how.min_idle for count in stock)


@given(settings, st.lists(states, max_size=6))
def test_what_nobody_asked_for_of_late_is_let_go(how: PoolSettings, found: list[PoolState]) -> None:
    for state in _settle(how, found, NOW):
        assert not state.born or NOW - state.wanted_at < how.max_age


@given(settings, st.lists(states, max_size=6))
def test_it_comes_to_rest_and_then_has_nothing_to_close(
    how: PoolSettings, found: list[PoolState]
) -> None:
    rest = _settle(how, found, NOW)
    steps = next_steps(how, rest, NOW)
    assert steps.open is None
    assert not any(steps.close)


@given(settings, st.lists(states, min_size=1, max_size=6))
def test_it_asks_again_when_time_changes_the_answer(
    how: PoolSettings, found: list[PoolState]
) -> None:
    rest = _settle(how, found, NOW)
    wait = next_steps(how, rest, NOW).wait
    until = NOW + (wait if wait is not None else 1e6)
    assert until > NOW
    for share in (0.25, 0.5, 0.999):
        between = next_steps(how, rest, NOW + (until - NOW) * share)
        assert between.open is None
        assert not any(between.close)


@given(settings, st.lists(states, min_size=1, max_size=6))
def test_what_failed_is_not_tried_before_its_pause_is_over(
    how: PoolSettings, found: list[PoolState]
) -> None:
    chosen = next_steps(how, found, NOW).open
    if chosen is not None and found[chosen].failures:
        assert found[chosen].failed_at + retry_delay(found[chosen].failures) <= NOW


@given(st.integers(1, 1000))
def test_pauses_grow_and_are_bounded(failures: int) -> None:
    assert 0 < retry_delay(failures) <= retry_delay(failures + 1) <= LONGEST_RETRY_DELAY


def test_entries_asked_for_last_come_first() -> None:
    how = PoolSettings(min_idle=2, max_total=3)
    old, new = PoolState(NOW - 9, (), MIB), PoolState(NOW - 1, (), MIB)
    assert [len(state.born) for state in _settle(how, [old, new], NOW)] == [1, 2]


def test_an_old_one_makes_room_for_a_young_one() -> None:
    how = PoolSettings(min_idle=2, max_age=100)
    state = PoolState(NOW, (NOW - 100, NOW - 5), MIB)
    assert next_steps(how, [state], NOW) == Steps((1,), 0, 95.0)
