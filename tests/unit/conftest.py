"""How the unit tests run: generated examples are few enough for a loaded machine."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "unit", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unit")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
