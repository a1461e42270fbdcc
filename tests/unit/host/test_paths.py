"""The user's home, and what becomes of a user that has none."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from drybox.config.loader import usual_files
from drybox.host.paths import cache_dir, home


def test_it_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert home() == Path("/home/ann")


def test_a_user_of_no_account_has_the_root_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(uid: int) -> Any:
        raise KeyError(uid)

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert home() == Path("/")
    assert usual_files(os.environ)[1:] == ["/.config/drybox/drybox.toml"]
    assert cache_dir() == Path("/.cache/drybox")
