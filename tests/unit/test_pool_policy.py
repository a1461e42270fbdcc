"""The pool's decisions: bounds hold whatever the numbers, and every wish is met in the end."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from drybox.pool_policy import LONGEST_PAUSE, Shelf, Steps, most_lacking, next_steps, pause
from drybox.settings import PoolSettings

MIB = 1 << 20
NOW = 10_000.0

moments = st.floats(0, NOW, allow_nan=False)
shelves = st.builds(
    Shelf,
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


def _apply(steps: Steps, found: list[Shelf], now: float) -> list[Shelf]:
    """The shelves after the steps, where every try to open one works."""
    after = [
        replace(shelf, born=shelf.born[count:])
        for shelf, count in zip(found, steps.close, strict=True)
    ]
    if steps.open is not None:
        opened = after[steps.open]
        after[steps.open] = replace(opened, born=(*opened.born, now), failures=0)
    return after


def _settle(how: PoolSettings, found: list[Shelf], now: float) -> list[Shelf]:
    for _ in range(100):
        steps = next_steps(how, found, now)
        found = _apply(steps, found, now)
        if steps.open is None:
            return found
    raise AssertionError("the pool never comes to rest")


@given(settings, st.lists(shelves, max_size=6))
def test_bounds_hold_after_every_step(how: PoolSettings, found: list[Shelf]) -> None:
    after = _apply(next_steps(how, found, NOW), found, NOW)
    assert sum(len(shelf.born) for shelf in after) <= how.max_total
    assert sum(len(shelf.born) * shelf.size for shelf in after) <= how.memory
    assert all(len(shelf.born) <= how.min_idle for shelf in after)
    assert all(NOW - born < how.max_age for shelf in after for born in shelf.born)


@given(settings, st.lists(shelves, max_size=6))
def test_bounds_hold_where_several_are_made_at_once(how: PoolSettings, found: list[Shelf]) -> None:
    for _ in range(100):
        steps = next_steps(how, found, NOW)
        found = _apply(replace(steps, open=None), found, NOW)
        if steps.open is None:
            break
        chosen = found[steps.open]
        found[steps.open] = replace(chosen, opening=chosen.opening + 1)
    assert steps.open is None, "the pool never comes to rest"
    stock = [len(shelf.born) + shelf.opening for shelf in found]
    assert sum(stock) <= how.max_total
    assert sum(count * shelf.size for count, shelf in zip(stock, found, strict=True)) <= how.memory
    assert all(count <= how.min_idle for count in stock)


@given(settings, st.lists(shelves, max_size=6))
def test_what_nobody_asked_for_of_late_is_let_go(how: PoolSettings, found: list[Shelf]) -> None:
    for shelf in _settle(how, found, NOW):
        assert not shelf.born or NOW - shelf.wanted_at < how.max_age


@given(settings, st.lists(shelves, max_size=6))
def test_it_comes_to_rest_and_then_has_nothing_to_close(
    how: PoolSettings, found: list[Shelf]
) -> None:
    rest = _settle(how, found, NOW)
    steps = next_steps(how, rest, NOW)
    assert steps.open is None
    assert not any(steps.close)


@given(settings, st.lists(shelves, min_size=1, max_size=6))
def test_it_asks_again_when_time_changes_the_answer(how: PoolSettings, found: list[Shelf]) -> None:
    rest = _settle(how, found, NOW)
    wait = next_steps(how, rest, NOW).wait
    until = NOW + (wait if wait is not None else 1e6)
    assert until > NOW
    for share in (0.25, 0.5, 0.999):
        between = next_steps(how, rest, NOW + (until - NOW) * share)
        assert between.open is None
        assert not any(between.close)


@given(settings, st.lists(shelves, min_size=1, max_size=6))
def test_what_failed_is_not_tried_before_its_pause_is_over(
    how: PoolSettings, found: list[Shelf]
) -> None:
    chosen = next_steps(how, found, NOW).open
    if chosen is not None and found[chosen].failures:
        assert found[chosen].failed_at + pause(found[chosen].failures) <= NOW


@given(st.integers(1, 1000))
def test_pauses_grow_and_are_bounded(failures: int) -> None:
    assert 0 < pause(failures) <= pause(failures + 1) <= LONGEST_PAUSE


def test_kinds_asked_for_last_come_first() -> None:
    how = PoolSettings(min_idle=2, max_total=3)
    old, new = Shelf(NOW - 9, (), MIB), Shelf(NOW - 1, (), MIB)
    assert [len(shelf.born) for shelf in _settle(how, [old, new], NOW)] == [1, 2]


def test_an_old_one_makes_room_for_a_young_one() -> None:
    how = PoolSettings(min_idle=2, max_age=100)
    shelf = Shelf(NOW, (NOW - 100, NOW - 5), MIB)
    assert next_steps(how, [shelf], NOW) == Steps((1,), 0, 95.0)


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=8), st.integers(1, 9))
def test_those_that_wait_come_to_be_as_those_asked_for(asked: list[str], places: int) -> None:
    idle: list[str] = []
    for _ in range(places):
        idle.append(asked[most_lacking(asked, idle)])
    for form in set(asked):
        assert abs(idle.count(form) - places * asked.count(form) / len(asked)) < len(set(asked))


def test_of_forms_that_lack_alike_the_latest_is_next() -> None:
    assert most_lacking("ab", "") == 1
    assert most_lacking("aab", "") == 1
    assert most_lacking("aab", "a") == 2
