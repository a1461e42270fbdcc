"""What conformance asks of snapshots, asked of a fleet."""

from __future__ import annotations

import pytest
from tests.conformance.test_snapshots import *  # noqa: F403

pytestmark = [pytest.mark.isolations("local"), pytest.mark.nightly]
