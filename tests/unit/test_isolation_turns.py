"""Which tests run behind which isolation when not all of them do."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from tests.support.isolations import IN_TURNS, ISOLATIONS, LATER, UNTESTED, Turns, out_of_turn

from drybox.backends import isolation

TURNS = ("docker", "gvisor")

RUNNERS = ("own", "user")


def _kept(
    functions: dict[str, int],
    names: tuple[str, ...] = TURNS,
    turns: tuple[str, ...] = TURNS,
    *,
    single: bool = False,
) -> list[tuple[str, str, int]]:
    """Function, isolation and number of each test that runs, of so many of each function."""
    every = [
        (function, name, number)
        for function, count in functions.items()
        for number in range(count)
        for name in names
    ]
    late = out_of_turn([(function, name) for function, name, _ in every], turns, single=single)
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
    takers = {*ISOLATIONS, *RUNNERS, LATER}
    for turns in IN_TURNS.values():
        assert takers.issuperset(turns.takers)
        assert all(takers.issuperset(names) for names in turns.of_files.values())


def test_where_one_is_enough_what_runs_once_runs_behind_one() -> None:
    functions = {f"f{number}": 1 for number in range(20)}
    kept = _kept(functions, turns=("docker", LATER, LATER, "gvisor"), single=True)
    assert [function for function, _, _ in kept] == list(functions)
    assert Counter(name for _, name, _ in kept) == {"docker": 10, "gvisor": 10}
    assert len(_kept({"a": 1}, ("docker",), TURNS, single=True)) == 1
    assert len(_kept({"a": 1}, ("local", *TURNS), TURNS, single=True)) == 2


def test_nobody_takes_turns_with_the_files_that_have_none() -> None:
    turns = Turns(("own", "user"), {"f": ()})
    assert (turns.of("f"), turns.of("g")) == ((), ("own", "user"))
    assert len(_kept({"a": 4}, RUNNERS, turns.of("f"))) == 8
    assert len(_kept({"a": 4}, RUNNERS, turns.of("g"))) == 4


@pytest.mark.parametrize("suite", IN_TURNS)
def test_the_files_that_share_otherwise_are_there(suite: str) -> None:
    folder = Path(__file__).parents[1] / suite
    assert all((folder / f"{name}.py").is_file() for name in IN_TURNS[suite].of_files)
