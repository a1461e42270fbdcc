"""What conformance asks of executors, asked of a fleet: kept output."""

from __future__ import annotations

import pytest
from tests.conformance.test_kept_output import *  # noqa: F403

pytestmark = [pytest.mark.isolations("local"), pytest.mark.nightly]
