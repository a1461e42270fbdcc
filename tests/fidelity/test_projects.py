"""Projects of several files show the same in a sandbox that waited as in one made for them.

What waits has started already: whatever a runtime remembers of its start, files and folders that it
looked at, variables, settings of the system, must be the request's all the same. The programs
of ``programs`` are held to that, too: see ``test_fidelity.py``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from tests.fidelity.cases import PROJECTS, Case, cases
from tests.fidelity.inside import comparable, inside
from tests.fidelity.outside import Outcome
from tests.isolation_fixtures import made_isolation
from tests.support.isolations import finding
from tests.support.warmth import Warm

from drybox import CodeExecutor

pytestmark = pytest.mark.promise("RES-5")

LEAST = 60
"""Projects that there are at least."""

CASES = cases(PROJECTS)

Pairs = dict[tuple[str, str], tuple[Future[Outcome], Future[Outcome]]]
"""What becomes of each project, by its name and the isolation's: cold and warm."""


@pytest.fixture(scope="module")
def pairs(
    executor: CodeExecutor, warm_executor: Warm, request: pytest.FixtureRequest
) -> Iterator[Pairs]:
    """Both outcomes of every project that this session asks for, made side by side."""
    wanted: list[tuple[Case, str]] = []
    for item in request.session.items:
        if isinstance(item, pytest.Function) and item.function is test_warm_is_cold:
            case, isolation = item.callspec.params["case"], item.callspec.params["isolation_name"]
            assert isinstance(case, Case)
            assert isinstance(isolation, str)
            wanted.append((case, isolation))
    pool = ThreadPoolExecutor(os.cpu_count() or 1)
    with finding(
        *(
            made_isolation(isolation, request)
            for isolation in {isolation for _, isolation in wanted}
        )
    ):
        try:
            yield {
                (case.id, isolation): (
                    pool.submit(inside, case, executor, isolation),
                    pool.submit(inside, case, warm_executor, isolation),
                )
                for case, isolation in wanted
            }
        finally:
            pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_warm_is_cold(case: Case, isolation_name: str, pairs: Pairs) -> None:
    cold, warm = (future.result() for future in pairs[case.id, isolation_name])
    assert "sandbox_error" not in str(cold.end)
    assert comparable(warm) == comparable(cold)


def test_there_are_enough_projects() -> None:
    assert len(CASES) >= LEAST
    assert {case.language for case in CASES} == {"python", "node", "java"}
