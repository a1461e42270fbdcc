"""Every test that takes ``bench`` runs for every isolation and every language."""

from __future__ import annotations

import pytest
from tests.conformance.bench import LANGUAGES, Bench
from tests.conformance.programs import Programs
from tests.support.isolations import Isolation

from drybox import CodeExecutor


@pytest.fixture(params=LANGUAGES, ids=lambda programs: programs.language)
def programs(request: pytest.FixtureRequest) -> Programs:
    """The programs of one language."""
    found: Programs = request.param
    return found


@pytest.fixture
def bench(executor: CodeExecutor, isolation: Isolation, programs: Programs) -> Bench:
    """One language with one isolation."""
    return Bench(executor, isolation, programs)


@pytest.fixture
def python_bench(executor: CodeExecutor, isolation: Isolation) -> Bench:
    """One isolation, and the language whose programs start quickest."""
    return Bench(executor, isolation, LANGUAGES[0])
