"""Pictures that code shows become files."""

from __future__ import annotations

from pathlib import Path

import pytest

from drybox.cli.session.pictures import MOST_SAVED, Pictures


def test_each_has_a_name_of_its_own_and_overwrites_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "below" / "pictures"
    pictures = Pictures(str(folder))
    assert pictures.save({"text/plain": "1"}) is None
    assert not folder.exists()
    assert (
        pictures.save({"image/png": b"1", "image/svg+xml": "<svg/>"}) == f"{folder}/picture-1.png"
    )
    (folder / "picture-2.svg").write_text("mine")
    (folder / "picture-3.svg").symlink_to(tmp_path / "elsewhere")
    assert pictures.save({"image/svg+xml": "<svg/>"}) == f"{folder}/picture-4.svg"
    assert (folder / "picture-1.png").read_bytes() == b"1"
    assert (folder / "picture-2.svg").read_text() == "mine"
    assert (folder / "picture-4.svg").read_text() == "<svg/>"
    assert not (tmp_path / "elsewhere").exists()
    assert Pictures(str(folder)).save({"image/png": b"2"}) == f"{folder}/picture-2.png"


def test_code_does_not_fill_the_disk(tmp_path: Path) -> None:
    pictures = Pictures(str(tmp_path))
    pictures.begin_run()
    saved = [pictures.save({"image/png": b""}) for _ in range(MOST_SAVED + 3)]
    assert saved.count(None) == 3
    pictures.begin_run()
    assert pictures.save({"image/png": b""}) is not None


def test_a_folder_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        Pictures(str(tmp_path / "file")).save({"image/png": b""})
