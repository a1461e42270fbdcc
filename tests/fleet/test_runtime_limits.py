"""What conformance asks of executors, asked of a fleet: runtime_limits."""

from __future__ import annotations

import pytest
from tests.conformance.test_runtime_limits import *  # noqa: F403

pytestmark = [pytest.mark.isolations("local"), pytest.mark.nightly]  # type: ignore[assignment]
