"""Who runs when, in the benchmark's rounds and under its load."""

from __future__ import annotations

import threading
import time

import pytest

from drybox.bench.interleave import FEWEST_ROUNDS, Contender, interleave, sustain


def test_every_contender_runs_in_each_round_and_none_is_always_first() -> None:
    ran: list[tuple[str, int]] = []

    def contender(name: str) -> Contender:
        return Contender(lambda number: ran.append((name, number)))

    contenders = {name: contender(name) for name in "abc"}
    times = interleave(contenders, 3, first=10)
    assert "".join(name for name, _ in ran) == "abcbcacab"
    assert [number for _, number in ran] == [10] * 3 + [11] * 3 + [12] * 3
    assert {name: len(values) for name, values in times.items()} == {"a": 3, "b": 3, "c": 3}


def test_some_take_part_now_and_then() -> None:
    times = interleave(
        {"often": Contender(lambda _: None), "rarely": Contender(lambda _: None, every=4)}, 9
    )
    assert (len(times["often"]), len(times["rarely"])) == (9, 3)


def test_getting_ready_takes_none_of_a_runs_time() -> None:
    clock: list[str] = []
    contender = Contender(lambda _: clock.append("run"), lambda: clock.append("ready"))
    interleave({"only": contender}, 2)
    assert clock == ["ready", "run"] * 2


def test_rounds_end_with_their_time_but_for_the_fewest() -> None:
    assert len(interleave({"x": Contender(lambda _: None)}, 1000, 0.0)["x"]) == FEWEST_ROUNDS


def test_under_load_so_many_run_at_once_with_numbers_of_their_own() -> None:
    together = threading.Barrier(3)
    numbers: set[int] = set()
    runs: list[int] = []

    def run(number: int) -> None:
        if number % 1_000_000 == 0:  # the first of each thread: all must have come for one to go on
            together.wait(10)
        runs.append(number)
        numbers.add(number)
        time.sleep(0.001)

    rates = sustain({"x": Contender(run)}, 3, 0.1)
    assert rates["x"] > 0
    assert len(runs) == len(numbers)
    assert len({number // 1_000_000 for number in numbers}) == 6


def test_what_fails_under_load_is_told() -> None:
    def run(number: int) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        sustain({"x": Contender(run)}, 2, 60)
