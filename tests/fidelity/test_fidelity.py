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

from drybox import CodeExecutor, ExecutionRequest, ResourceLimits

LEAST = 40
"""Programs that each language has at least."""

CASES = cases()
LIMITS = ResourceLimits(output=16 << 20)


def inside(case: Case, executor: CodeExecutor) -> Outcome:
    """Run the program in a sandbox."""
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
            timeout=outside.PATIENCE,
        )
    )
    end = result.exit_code if result.signal is None else result.signal
    expected = result.status in ("success", "failed", "signaled")
    return Outcome(
        result.stdout_bytes,
        result.stderr_bytes,
        end if expected and end is not None else f"{result.status}: {result.error}",
    )


Pair = tuple[Outcome, Outcome]


@pytest.fixture(scope="session")
def pairs(
    executor: CodeExecutor, request: pytest.FixtureRequest
) -> Iterator[dict[str, Future[Pair]]]:
    """Both outcomes of every program that this session asks for, made side by side."""
    folder = Path(tempfile.mkdtemp(prefix="fidelity-"))
    folder.chmod(0o755)
    wanted = {item.name for item in request.session.items}

    def both(case: Case) -> Pair:
        place = folder / case.id
        place.mkdir()
        return outside.run(case, place), inside(case, executor)

    pool = ThreadPoolExecutor(os.cpu_count() or 1)
    try:
        yield {
            case.id: pool.submit(both, case)
            for case in CASES
            if f"test_the_same_outside_and_inside[{case.id}]" in wanted
        }
    finally:
        pool.shutdown(cancel_futures=True)
        shutil.rmtree(folder)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_same_outside_and_inside(case: Case, pairs: dict[str, Future[Pair]]) -> None:
    free, boxed = pairs[case.id].result()
    assert boxed.end == free.end, boxed.stderr
    assert boxed.stdout == free.stdout
    assert boxed.stderr == free.stderr


def test_there_are_enough_programs() -> None:
    count = Counter(case.language for case in CASES)
    assert set(count) == set(SUFFIXES)
    assert min(count.values()) >= LEAST, count
