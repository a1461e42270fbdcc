"""How the unit tests run: examples are few enough for a loaded machine; a fake to share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from drybox.testing.fake_backend import FakeBackend, FakeSandbox, Install, advertise, maker

settings.register_profile(
    "unit", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unit")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Install:
    """Makes a fake the backend behind ``isolation="fake"``."""

    def install(*sandboxes: FakeSandbox | Exception) -> FakeBackend:
        backend = FakeBackend(*sandboxes)
        advertise(monkeypatch, tmp_path, "drybox.backends", "fake", maker(backend))
        return backend

    return install
