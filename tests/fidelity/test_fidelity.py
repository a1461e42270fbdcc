"""Every program below ``programs`` shows the same outside any sandbox and in one, warm and cold."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.fidelity import outside
from tests.fidelity.cases import SUFFIXES, Case, cases
from tests.fidelity.inside import comparable, inside
from tests.fidelity.outside import Outcome
from tests.isolation_fixtures import made_isolation
from tests.support.isolations import ISOLATIONS, finding
from tests.support.warmth import Warm

from drybox import CodeExecutor

LEAST = 40
"""Programs that each language has at least."""

CASES = cases()
BOTH = 8
"""Of so many programs one runs both ways each time."""

COMPILED = 2
"""Of so many programs that have to be compiled first, outside and inside, one runs each time."""

_NUMBERED = [
    (case, number)
    for _, group in itertools.groupby(CASES, lambda case: case.language)
    for number, case in enumerate(group)
]


def _runs(case: Case, number: int) -> set[str]:
    """In which sandboxes a program runs each time."""
    share = COMPILED if outside.is_compiled(case.language) else 1
    turn, rest = divmod(number, share)
    if rest:
        return set()
    return {"warm", "cold"} if turn % BOTH == 0 else {("warm", "cold")[turn % 2]}


RUNS = [
    pytest.param(
        case,
        warmth,
        id=f"{case.id}-{warmth}",
        marks=[] if warmth in _runs(case, number) else [pytest.mark.nightly],
    )
    for case, number in _NUMBERED
    for warmth in ("warm", "cold")
]
"""Each program, and whether the sandbox has waited for it or is made for it. Each time every
program runs that needs no compiler, and half of the others: half of each language's in a sandbox
that waited and half in one that is made. The night runs all of them both ways."""


Pairs = dict[tuple[str, str, str], tuple[Future[Outcome], Future[Outcome]]]
"""What becomes of each program, by its name, the isolation's and the warmth: outside and inside."""


@pytest.fixture(scope="module")
def pairs(
    executor: CodeExecutor, warm_executor: Warm, request: pytest.FixtureRequest
) -> Iterator[Pairs]:
    """Both outcomes of every program that this session asks for, made side by side."""
    folder = Path(tempfile.mkdtemp(prefix="fidelity-"))
    folder.chmod(0o755)
    executors: dict[str, CodeExecutor | Warm] = {"cold": executor, "warm": warm_executor}
    wanted: dict[str, tuple[Case, list[tuple[str, str]]]] = {}
    for item in request.session.items:
        if isinstance(item, pytest.Function) and item.function is test_the_same_outside_and_inside:
            case, name, warmth = map(item.callspec.params.get, ("case", "isolation_name", "warmth"))
            assert isinstance(case, Case)
            assert isinstance(name, str)
            assert isinstance(warmth, str)
            wanted.setdefault(case.id, (case, []))[1].append((name, warmth))
    used = {name for _, ways in wanted.values() for name, _ in ways}

    def free(case: Case) -> Outcome:
        place = folder / case.id
        place.mkdir()
        return outside.run(case, place)

    pool = ThreadPoolExecutor(max(1, (os.cpu_count() or 1) // 2))  # other tests run beside
    futures: Pairs = {}
    with finding(*(made_isolation(name, request) for name in used)):
        try:
            for case, ways in wanted.values():
                once = pool.submit(free, case)
                for name, warmth in ways:
                    boxed = pool.submit(inside, case, executors[warmth], name)
                    futures[case.id, name, warmth] = once, boxed
            yield futures
        finally:
            pool.shutdown(cancel_futures=True)
            shutil.rmtree(folder)


@pytest.mark.promise("ISO-8", "RES-4", "RES-5", "SPEED-6", "SPEED-8")
@pytest.mark.parametrize(("case", "warmth"), RUNS)
def test_the_same_outside_and_inside(
    case: Case, isolation_name: str, warmth: str, pairs: Pairs
) -> None:
    free, boxed = (future.result() for future in pairs[case.id, isolation_name, warmth])
    if case.id in ISOLATIONS[isolation_name].kernel.never_end:
        assert str(boxed.end).startswith("timeout")
        return
    assert boxed.end == free.end, boxed.stderr
    assert boxed.stdout == free.stdout
    assert boxed.stderr == free.stderr
    if warmth == "warm" and (other := pairs.get((case.id, isolation_name, "cold"))):
        assert comparable(boxed).files == comparable(other[1].result()).files


@pytest.mark.promise("RES-4")
def test_there_are_enough_programs() -> None:
    count = Counter(case.language for case in CASES)
    assert set(count) == set(SUFFIXES)
    assert min(count.values()) >= LEAST, count
