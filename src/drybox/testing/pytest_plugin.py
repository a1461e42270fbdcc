"""Each check of a backend as a test of its own, for authors of backends.

``conftest.py`` says ``pytest_plugins = ["drybox.testing.pytest_plugin"]``, and one test takes the
fixture::

    def test_my_backend(backend_check):
        backend_check(lambda: MyBackend())
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import anyio
import pytest

from drybox.testing.backend_checks import BACKEND_CHECKS, run_check

if TYPE_CHECKING:
    from drybox.backends.base import Backend

RunBackendCheck = Callable[..., None]
"""Takes what makes a backend, and ``isolation`` where that is not the backend's name."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each check where the fixture is asked for."""
    if "backend_check" in metafunc.fixturenames:
        metafunc.parametrize("backend_check", list(BACKEND_CHECKS), indirect=True)


@pytest.fixture
def backend_check(request: pytest.FixtureRequest) -> RunBackendCheck:
    """Runs one check against the backend that it is given."""

    def check(make: Callable[[], Backend], isolation: str | None = None) -> None:
        anyio.run(partial(run_check, request.param, make(), isolation))

    return check
