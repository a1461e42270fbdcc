"""Which files of a folder of this host are copied into a session, and what is said of others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from drybox import InvalidRequest
from drybox.sessions import host_files as module
from drybox.sessions.host_files import host_files, make_beneath


def test_links_within_are_followed_and_all_that_stays_out_is_said(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "folder/empty").mkdir(parents=True)
    (root / "folder/file").write_text("x")
    (root / "again").symlink_to("folder")
    (root / "name").symlink_to("folder/file")
    (root / "out").symlink_to("/etc/hostname")
    (root / "nowhere").symlink_to("nothing")
    (root / "folder/up").symlink_to("..")
    (root / "self").symlink_to("self")
    os.mkfifo(root / "fifo")
    tree = host_files(root)
    assert sorted(tree.files) == ["again/file", "folder/file", "name"]
    assert sorted(tree.folders) == ["again", "again/empty", "folder", "folder/empty"]
    assert tree.left_out == {
        "again/up": "a link to a folder that it is in",
        "fifo": "neither a file nor a folder",
        "folder/up": "a link to a folder that it is in",
        "nowhere": "a link that leads nowhere",
        "out": "a link that leads out of the folder",
        "self": "a link that leads nowhere",
    }
    (tmp_path / "link").symlink_to("root")
    assert host_files(tmp_path / "link") == tree


def test_links_that_double_what_there_is_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_FILES", 200)
    for level in range(12):
        (tmp_path / f"{level:02}").mkdir()
        for name in "ab":
            (tmp_path / f"{level:02}" / name).symlink_to(f"../{level + 1:02}")
    (tmp_path / "12").mkdir()
    with pytest.raises(InvalidRequest, match="more than 200 files"):
        host_files(tmp_path)


def test_a_folder_is_made_through_no_link(tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()
    (tmp_path / "to/link").symlink_to(tmp_path)
    make_beneath(tmp_path / "to", ("a", "b"))
    make_beneath(tmp_path / "to", ("a", "b"))
    assert (tmp_path / "to/a/b").is_dir()
    with pytest.raises(InvalidRequest, match="link"):
        make_beneath(tmp_path / "to", ("link", "b"))
    assert not (tmp_path / "b").exists()
