"""What conformance asks of executors, asked of a fleet: requests."""

from __future__ import annotations

import pytest
from tests.conformance.test_requests import *  # noqa: F403

pytestmark = [pytest.mark.isolations("local"), pytest.mark.nightly]
