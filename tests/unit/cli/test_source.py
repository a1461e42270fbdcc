"""What ``drybox run`` is told to run, read from files, folders and standard input."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import click
import pytest

from drybox.cli.source import Source, read_source
from drybox.validation import MAX_FILES, MAX_SOURCE


def read(
    path: object = None,
    language: str | None = None,
    code: str | None = None,
    entrypoint: str | None = None,
) -> Source:
    return read_source(None if path is None else str(path), language, code, entrypoint)


def test_a_file_is_the_entry_under_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "my tool.PY").write_bytes(b"\xff")
    source = read(tmp_path / "my tool.PY")
    assert source == Source("python", {"my tool.PY": b"\xff"}, None, "my tool.PY")


def test_the_language_that_was_said_wins_over_the_suffix(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("1")
    assert read(tmp_path / "x.py", "js@20").language == "js@20"
    (tmp_path / "x.txt").write_text("1")
    assert read(tmp_path / "x.txt", "go").files == {"x.txt": b"1"}


def test_code_needs_its_language() -> None:
    assert read(code="1", language="py") == Source("py", {}, "1", None)
    assert read(code="", language="py", entrypoint="a.py").entrypoint == "a.py"
    with pytest.raises(click.UsageError, match="--language"):
        read(code="1")


def test_standard_input_is_read_as_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    def pipe(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    pipe("é\r\n".encode())
    assert read("-", "py") == Source("py", {}, "é\r\n", None)
    with pytest.raises(click.UsageError, match="--language"):
        read("-")
    pipe(b"ab\xff")
    with pytest.raises(click.UsageError, match="UTF-8 text, at byte 2"):
        read("-", "py")


@pytest.mark.parametrize(("path", "code"), [(None, None), ("x.py", "1"), ("-", "1")])
def test_one_source_is_wanted(path: str | None, code: str | None) -> None:
    with pytest.raises(click.UsageError, match="Give one of"):
        read(path, "py", code)


def test_a_folder_comes_whole_but_for_links_and_hidden_folders(tmp_path: Path) -> None:
    for folder in ("pkg", ".git"):
        (tmp_path / folder).mkdir()
    for name in ("main.py", "pkg/util.py", ".git/config", ".env"):
        (tmp_path / name).write_text(name)
    (tmp_path / "link.py").symlink_to("/etc/passwd")
    (tmp_path / "folder").symlink_to("/etc")
    os.mkfifo(tmp_path / "fifo")
    source = read(tmp_path)
    assert source.language == "python"
    assert source.entrypoint is None
    wanted = ("main.py", "pkg/util.py", ".env")
    assert source.files == {name: name.encode() for name in wanted}


@pytest.mark.parametrize(
    ("names", "entrypoint", "language"),
    [
        (["main.py", "data.js"], None, "python"),
        (["index.js", "package.json"], None, "node"),
        (["tool.go", "go.mod"], None, "go"),
        (["Main.java", "B.java"], None, "java"),
        (["a.py", "b.js"], "b.js", "node"),
    ],
)
def test_the_language_of_a_folder_is_told_by_its_entry(
    tmp_path: Path, names: list[str], entrypoint: str | None, language: str
) -> None:
    for name in names:
        (tmp_path / name).write_text("")
    assert read(tmp_path, entrypoint=entrypoint).language == language


@pytest.mark.parametrize("names", [[], ["a.txt"], ["main.py", "main.js"], ["a.py", "b.py"]])
def test_a_folder_that_could_be_anything_is_asked_about(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_text("")
    with pytest.raises(click.UsageError, match="--language"):
        read(tmp_path)
    assert read(tmp_path, "py").language == "py"


@pytest.mark.parametrize("name", ["x", "x.unknown", "Makefile"])
def test_an_unknown_suffix_is_asked_about(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("1")
    with pytest.raises(click.UsageError, match="suffix is unknown"):
        read(tmp_path / name)


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    for name in ("pipe.py", "missing.py"):
        with pytest.raises(click.UsageError, match=name):
            read(tmp_path / name)


def test_sources_are_bounded(tmp_path: Path) -> None:
    big = tmp_path / "big.py"
    with big.open("wb") as file:
        file.truncate(MAX_SOURCE)
    assert len(read(big).files["big.py"]) == MAX_SOURCE
    with big.open("wb") as file:
        file.truncate(MAX_SOURCE + 1)
    with pytest.raises(click.UsageError, match="more than"):
        read(big)


def test_folders_are_bounded_in_number(tmp_path: Path) -> None:
    for number in range(MAX_FILES + 1):
        (tmp_path / f"{number}.py").touch()
    with pytest.raises(click.UsageError, match=str(MAX_FILES)):
        read(tmp_path, "py")
    (tmp_path / "0.py").unlink()
    assert len(read(tmp_path, "py").files) == MAX_FILES
