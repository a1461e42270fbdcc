"""Files that a stranger named, written below the user's folder and nowhere else."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drybox.cli.program.artifacts import write_artifacts

NAMES = st.text("ab./\\-_\n\0é~", max_size=12)


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_files_are_written_with_their_folders(tmp_path: Path) -> None:
    folder = tmp_path / "new/out"
    wanted = {"a.txt": b"1", "d/e/é.bin": b"\0\xff", "d/f": b""}
    write_artifacts(wanted, str(folder))
    write_artifacts({"a.txt": b"22"}, str(folder))
    assert files_below(folder) == {**wanted, "a.txt": b"22"}
    assert (folder / "a.txt").stat().st_mode & 0o111 == 0


@pytest.mark.parametrize(
    "path",
    [
        "../up",
        "a/../../up",
        "/abs",
        "",
        ".",
        "..",
        "a//b",
        "a\nb",
        "x" * 256,
        "\udcff",
    ],
)
def test_a_name_that_leads_out_is_not_written_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    folder = tmp_path / "out"
    write_artifacts({path: b"evil", "good": b"1"}, str(folder))
    assert files_below(tmp_path) == {"out/good": b"1"}
    words = capsys.readouterr().err
    assert "was not written" in words
    assert words.count("\n") == 2


@given(st.dictionaries(NAMES, st.binary(max_size=4), max_size=6))
def test_no_name_leads_out(names: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root, "a/b/out")
        folder.mkdir(parents=True)
        write_artifacts(names, str(folder))
        found = files_below(Path(root))
        assert all(path.startswith("a/b/out/") for path in found)
        inside = {path.removeprefix("a/b/out/"): data for path, data in found.items()}
        assert inside.items() <= names.items()


@pytest.mark.parametrize("path", ["link", "folder/x", "d/link"])
def test_links_in_the_way_are_not_followed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "out"
    (outside / "d").mkdir(parents=True)
    (outside / "file").write_text("kept")
    (folder / "d").mkdir(parents=True)
    (folder / "link").symlink_to(outside / "file")
    (folder / "d/link").symlink_to("../../outside/new")
    (folder / "folder").symlink_to(outside)
    write_artifacts({path: b"evil", "good": b"1"}, str(folder))
    assert files_below(outside) == {"file": b"kept"}
    assert (folder / "good").read_bytes() == b"1"
    assert "was not written" in capsys.readouterr().err


def test_a_folder_in_the_place_of_a_file_stops_only_that_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").write_text("")
    write_artifacts({"a": b"1", "b/c": b"2", "d": b"3"}, str(tmp_path))
    assert (tmp_path / "d").read_bytes() == b"3"
    assert capsys.readouterr().err.count("was not written") == 2


def test_no_descriptor_is_left_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = len(os.listdir("/proc/self/fd"))
    (tmp_path / "file").write_text("")
    write_artifacts({"a/b/c": b"1", "file/x": b"2", "../x": b"3"}, str(tmp_path))
    assert len(os.listdir("/proc/self/fd")) == before
    assert capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_an_error_of_the_command(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in ("file", "file/below"):
        with pytest.raises(click.ClickException, match="file"):
            write_artifacts({"a": b""}, str(tmp_path / folder))
