"""The backends that other packages bring."""

from __future__ import annotations

from pathlib import Path

import pytest

from drybox.backends.registry import is_registered
from drybox.languages.entry_points import entry_points
from drybox.testing.fake_backend import FakeBackend, advertise, maker


def test_packages_are_looked_through_once_and_not_for_every_request(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    advertise(monkeypatch, tmp_path, "drybox.backends", "another", maker(FakeBackend()))
    asked: list[str] = []

    def seen(group: str) -> object:
        asked.append(group)
        return entry_points(group)

    monkeypatch.setattr("drybox.backends.registry.entry_points", seen)
    assert [is_registered(name) for name in ("another", "nowhere", "another", "no", "")] == [
        True,
        False,
        True,
        False,
        False,
    ]
    assert asked == ["drybox.backends"]


def test_one_that_is_on_the_path_later_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert not is_registered("later")
    advertise(monkeypatch, tmp_path, "drybox.backends", "later", maker(FakeBackend()))
    assert is_registered("later")
