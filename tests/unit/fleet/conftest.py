"""Nodes in this process are looked at often."""

from __future__ import annotations

import pytest

from drybox.fleet import members


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REPORT_INTERVAL", "LOOK_INTERVAL"):
        monkeypatch.setattr(members, name, 0.1)
