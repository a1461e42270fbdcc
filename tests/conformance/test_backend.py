"""The checks that authors of backends run against theirs, against every backend of drybox's own."""

from __future__ import annotations

from tests.support.isolations import Isolation

from drybox.backends.base import Backend
from drybox.backends.registry import make_backend
from drybox.testing.pytest_plugin import RunBackendCheck


def test_the_contract_of_a_backend(isolation: Isolation, backend_check: RunBackendCheck) -> None:
    def make() -> Backend:
        return make_backend(isolation.name, allow_weaker=(), progress=lambda _: None)

    backend_check(make, isolation.name)
