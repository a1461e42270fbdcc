"""Other packages' entry points are found wherever they may be, and cost nothing where none are."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from drybox.languages.entry_points import entry_points

GROUP = "drybox.test-things"
TEXT = f"[{GROUP}]\nthing = json:dumps\n"


def test_those_of_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "other-1.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text(TEXT)
    (info / "METADATA").write_text("Name: other\nVersion: 1\n")
    assert entry_points(GROUP) == ()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert [point.name for point in entry_points(GROUP)] == ["thing"]


def test_those_in_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("other-1.dist-info/entry_points.txt", TEXT)
        file.writestr("other-1.dist-info/METADATA", "Name: other\nVersion: 1\n")
    monkeypatch.syspath_prepend(str(archive))
    assert [point.name for point in entry_points(GROUP)] == ["thing"]


def test_those_of_an_importer_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    class Importer:
        asked = 0

        def find_spec(self, *_: object) -> None:
            return None

        def find_distributions(self, *_: object) -> list[object]:
            self.asked += 1
            return []

    importer = Importer()
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, importer])
    assert entry_points(GROUP) == ()
    assert importer.asked


def test_where_there_are_none_nothing_is_loaded_to_find_that_out() -> None:
    code = (
        "import sys\n"
        "from drybox.languages.entry_points import entry_points\n"
        f"assert entry_points({GROUP!r}) == ()\n"
        "assert 'importlib.metadata' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
