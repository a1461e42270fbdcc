"""Nodes in this process are looked at often."""

from __future__ import annotations

import pytest
from tests.support import fleet

from drybox.fleet import members


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REPORT_INTERVAL", "LOOK_INTERVAL"):
        monkeypatch.setattr(members, name, 0.1)


@pytest.fixture(params=["ray", "link"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How a front door calls its own node."""
    monkeypatch.setattr(fleet, "HAS_LINKS", request.param == "link")
    found: str = request.param
    return found
