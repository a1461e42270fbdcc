"""What ends with the process for people is put back for the tests that follow."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

import drybox.cli


@pytest.fixture(autouse=True)
def _interrupts() -> Iterator[None]:
    """The command line decides what an interrupt does."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def _goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line ends its process at once, which here is that of the tests."""
    monkeypatch.setattr(drybox.cli, "_end_at_once", lambda code: None)
