"""Every test that takes ``bench`` runs for every wall and every language."""

from __future__ import annotations

import pytest
from tests.conformance.bench import LANGUAGES, Bench
from tests.conformance.programs import Programs
from tests.support.walls import Wall

from drybox import CodeExecutor


@pytest.fixture(params=LANGUAGES, ids=lambda programs: programs.language)
def programs(request: pytest.FixtureRequest) -> Programs:
    """The programs of one language."""
    found: Programs = request.param
    return found


@pytest.fixture
def bench(executor: CodeExecutor, wall: Wall, programs: Programs) -> Bench:
    """One language behind one wall."""
    return Bench(executor, wall, programs)


@pytest.fixture
def python_bench(executor: CodeExecutor, wall: Wall) -> Bench:
    """One wall, and the language whose programs start quickest."""
    return Bench(executor, wall, LANGUAGES[0])
