"""What conformance asks of executors, asked of a fleet: statuses."""

from __future__ import annotations

import pytest
from tests.conformance.test_statuses import *  # noqa: F403

pytestmark = [pytest.mark.isolations("local"), pytest.mark.nightly]  # type: ignore[assignment]
