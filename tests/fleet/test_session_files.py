"""What conformance asks of executors, asked of a fleet: session files."""

from __future__ import annotations

import pytest
from tests.conformance.test_session_files import *  # noqa: F403

pytestmark = [pytest.mark.isolations("local"), pytest.mark.nightly]
