"""What every resolver shares."""

from __future__ import annotations

from pathlib import Path

import pytest

from drybox.environments.environment import Environment
from drybox.environments.lock import MAX_PACKAGES
from drybox.environments.resolvers.base import Target, lock_of
from drybox.environments.resolvers.go_mod import MAX_FILE, read_wanted
from drybox.environments.store import Package
from drybox.errors import Unsupported

MANY = [Package(f"p{n}", "1", "", 0, f"p{n}.jar", "0" * 64) for n in range(MAX_PACKAGES + 1)]


def test_more_packages_than_a_lock_holds_are_refused_and_none_is_left_out() -> None:
    wide = Environment("wide", "python", packages=["p0"])
    assert len(lock_of(wide, Target({}), MANY[:-1]).packages) == MAX_PACKAGES
    with pytest.raises(Unsupported, match=r"'wide' needs 10,001 packages") as caught:
        lock_of(wide, Target({}), MANY)
    assert caught.value.hint


@pytest.mark.parametrize("name", ["go.mod", "go.sum"])
def test_a_file_of_go_is_read_whole_or_not_at_all(tmp_path: Path, name: str) -> None:
    (tmp_path / "go.mod").write_text("module m\n\ngo 1.21\n")
    with open(tmp_path / name, "ab") as file:
        file.write(b"\n" * (MAX_FILE + 1))
    with pytest.raises(ValueError, match="has more than"):
        read_wanted(tmp_path / "go.mod")
