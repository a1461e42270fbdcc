"""Which tests run behind which isolation when not all of them do."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.support.isolations import IN_TURNS, ISOLATIONS, LATER, UNTESTED, out_of_turn

from drybox.backends import isolation

TURNS = ("docker", "gvisor")


def _kept(
    functions: dict[str, int],
    names: tuple[str, ...] = TURNS,
    turns: tuple[str, ...] = TURNS,
) -> list[tuple[str, str, int]]:
    """Function, isolation and number of each test that runs, of so many of each function."""
    every = [
        (function, name, number)
        for function, count in functions.items()
        for number in range(count)
        for name in names
    ]
    late = out_of_turn([(function, name) for function, name, _ in every], turns)
    return [test for test, is_late in zip(every, late, strict=True) if not is_late]


@pytest.mark.parametrize("languages", [2, 3, 4, 9, 10])
def test_each_language_of_each_test_runs_behind_one_isolation(languages: int) -> None:
    functions = {f"f{number}": languages for number in range(20)}
    kept = _kept(functions)
    pairs = Counter((function, number) for function, _, number in kept)
    assert set(pairs.values()) == {1}
    assert len(pairs) == 20 * languages
    by_language = Counter((name, number) for _, name, number in kept)
    assert set(by_language.values()) == {10}  # each language as often behind both
    assert {(function, name) for function, name, _ in kept} == {
        (function, name) for function in functions for name in TURNS
    }


@pytest.mark.parametrize("languages", [2, 3, 4, 9, 10])
def test_where_some_turns_are_the_nights_each_language_runs_as_often(languages: int) -> None:
    functions = {f"f{number}": languages for number in range(20)}
    kept = _kept(functions, turns=(*TURNS, LATER, LATER))
    assert max(Counter((function, number) for function, _, number in kept).values()) == 1
    by_language = Counter((name, number) for _, name, number in kept)
    assert len(by_language) == 2 * languages
    assert set(by_language.values()) == {5}


def test_what_runs_once_or_behind_one_alone_always_runs() -> None:
    assert len(_kept({"a": 1, "b": 1})) == 4
    assert len(_kept({"a": 4}, ("docker",))) == 4
    assert len(_kept({"a": 4}, ("local",))) == 4
    assert len(_kept({"a": 4}, ("local", *TURNS))) == 8
    assert len(_kept({"a": 1}, turns=(*TURNS, LATER))) == 2
    assert len(_kept({"a": 4}, ("docker",), (*TURNS, LATER))) == 4


def test_the_suites_run_behind_every_isolation_of_the_registry() -> None:
    assert {*ISOLATIONS, *UNTESTED} == {*isolation.ISOLATIONS}
    assert all(set(names) <= {*ISOLATIONS, LATER} for names in IN_TURNS.values())
