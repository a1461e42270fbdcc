"""Every program below ``programs`` shows the same outside any sandbox and in one."""

from __future__ import annotations

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
from tests.fidelity.outside import Outcome
from tests.support.walls import WALLS, finding
from tests.support.warmth import Warm
from tests.wall_fixtures import made_wall

from drybox import CodeExecutor, ExecutionRequest, ResourceLimits

LEAST = 40
"""Programs that each language has at least."""

CASES = cases()
LIMITS = ResourceLimits(output=16 << 20)


ENOUGH = 10.0
"""Seconds for a program that never ends behind a wall."""

WARMTHS = ("cold", "warm")
"""Whether the sandbox is made for the program, or has waited for one."""


def inside(case: Case, executor: CodeExecutor | Warm, isolation: str) -> Outcome:
    """Run the program in a sandbox."""
    never_ends = case.id in WALLS[isolation].kernel.never_end
    result = executor.execute(
        ExecutionRequest(
            case.language,
            case.code,
            files=case.files or None,
            entrypoint=case.entrypoint,
            args=case.args,
            stdin=case.stdin,
            env=case.env,
            limits=LIMITS,
            timeout=ENOUGH if never_ends else outside.PATIENCE,
            isolation=isolation,
        )
    )
    end = result.exit_code if result.signal is None else result.signal
    expected = result.status in ("success", "failed", "signaled")
    return Outcome(
        result.stdout_bytes,
        result.stderr_bytes,
        end if expected and end is not None else f"{result.status}: {result.error}",
    )


Pairs = dict[tuple[str, str, str], tuple[Future[Outcome], Future[Outcome]]]
"""What becomes of each program, by its name, the wall's and the warmth: outside and inside."""


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
        if isinstance(item, pytest.Function) and "pairs" in item.fixturenames:
            case, name, warmth = map(item.callspec.params.get, ("case", "wall_name", "warmth"))
            assert isinstance(case, Case)
            assert isinstance(name, str)
            assert isinstance(warmth, str)
            wanted.setdefault(case.id, (case, []))[1].append((name, warmth))
    used = {name for _, ways in wanted.values() for name, _ in ways}

    def free(case: Case) -> Outcome:
        place = folder / case.id
        place.mkdir()
        return outside.run(case, place)

    pool = ThreadPoolExecutor(os.cpu_count() or 1)
    futures: Pairs = {}
    with finding(*(made_wall(name, request) for name in used)):
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


@pytest.mark.parametrize("warmth", WARMTHS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_same_outside_and_inside(case: Case, wall_name: str, warmth: str, pairs: Pairs) -> None:
    free, boxed = (future.result() for future in pairs[case.id, wall_name, warmth])
    if case.id in WALLS[wall_name].kernel.never_end:
        assert str(boxed.end).startswith("timeout")
        return
    assert boxed.end == free.end, boxed.stderr
    assert boxed.stdout == free.stdout
    assert boxed.stderr == free.stderr


def test_there_are_enough_programs() -> None:
    count = Counter(case.language for case in CASES)
    assert set(count) == set(SUFFIXES)
    assert min(count.values()) >= LEAST, count
