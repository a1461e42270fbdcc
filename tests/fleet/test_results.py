"""What conformance asks of executors, asked of a fleet: results."""

from __future__ import annotations

import pytest
from tests.conformance.test_results import *  # noqa: F403

pytestmark = [pytest.mark.isolations("local"), pytest.mark.nightly]
