"""Times several ways to run a program, interleaved, so that other load affects all alike."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

FEWEST_ROUNDS = 3
"""Rounds that are run however little time there is."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to run a program.

    Attributes:
        run: Runs it once, with a number that its source has. Called from several threads.
        ready: Waits until it is as it is between two requests.
        every: It takes part in one of so many rounds.
    """

    run: Callable[[int], object]
    ready: Callable[[], object] = lambda: None
    every: int = 1


def interleave(
    contenders: Mapping[str, Contender], rounds: int, seconds: float = 1e9, first: int = 0
) -> dict[str, list[float]]:
    """Run every contender once in each round, in an order that goes round.

    Args:
        contenders: The contenders by their names.
        rounds: How many rounds at most.
        seconds: No round begins later than this, but for the first ``FEWEST_ROUNDS``.
        first: Number of the first round.

    Returns:
        Wall seconds of each run, by contender.
    """
    times: dict[str, list[float]] = {name: [] for name in contenders}
    until = time.monotonic() + seconds
    names = list(contenders)
    for number in range(rounds):
        if number >= FEWEST_ROUNDS and time.monotonic() > until:
            break
        at = number % len(names)
        for name in names[at:] + names[:at]:
            contender = contenders[name]
            if number % contender.every:
                continue
            contender.ready()
            start = time.perf_counter()
            contender.run(first + number)
            times[name].append(time.perf_counter() - start)
    return times


def sustain(
    contenders: Mapping[str, Contender], concurrency: int, seconds: float, blocks: int = 2
) -> dict[str, float]:
    """Runs per second of each contender, with so many under way at all times.

    Args:
        contenders: The contenders by their names.
        concurrency: Threads that run one after the other.
        seconds: How long a contender has in all.
        blocks: Parts that this time is in; the contenders are interleaved with them.
    """
    runs, taken = dict.fromkeys(contenders, 0), dict.fromkeys(contenders, 0.0)
    for number in range(blocks):
        for name, contender in contenders.items():
            count, elapsed = _block(contender, concurrency, seconds / blocks, number)
            runs[name] += count
            taken[name] += elapsed
    return {name: runs[name] / taken[name] for name in contenders}


def _block(
    contender: Contender, concurrency: int, seconds: float, number: int
) -> tuple[int, float]:
    counts = [0] * concurrency
    errors: list[BaseException] = []
    start = time.monotonic()

    def work(thread: int) -> None:
        first = (1 + number * concurrency + thread) * 1_000_000  # nobody else has these numbers
        try:
            while time.monotonic() < start + seconds and not errors:
                contender.run(first + counts[thread])
                counts[thread] += 1
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(concurrency)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    if errors:
        raise errors[0]
    return sum(counts), time.monotonic() - start
