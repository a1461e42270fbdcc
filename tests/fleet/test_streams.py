"""What conformance asks of executors, asked of a fleet: streams."""

from __future__ import annotations

import pytest
from tests.conformance.test_streams import *  # noqa: F403

pytestmark = [pytest.mark.isolations("local")]  # type: ignore[assignment]
