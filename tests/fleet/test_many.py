"""What conformance asks of executors, asked of a fleet: many."""

from __future__ import annotations

import pytest
from tests.conformance.test_many import *  # noqa: F403

pytestmark = [pytest.mark.isolations("local"), pytest.mark.nightly]
