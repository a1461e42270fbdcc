"""What ``drybox run`` is told to run, read from files, folders and standard input."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import click
import pytest

from drybox import InvalidRequest
from drybox.cli.program.source import Source, read_source
from drybox.execution.validation import MAX_FILES, MAX_SOURCE


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
    assert read("-", "py") == Source("py", {"main.py": b"ab\xff"}, None, "main.py")


@pytest.mark.parametrize(("path", "code"), [("x.py", "1"), ("-", "1")])
def test_one_source_is_wanted(path: str | None, code: str | None) -> None:
    with pytest.raises(click.UsageError, match="Give one of"):
        read(path, "py", code)


def test_standard_input_needs_no_dash_where_the_language_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"print(1)")))
    assert read(language="py") == Source("py", {}, "print(1)", None)
    with pytest.raises(click.UsageError, match="Give one of"):
        read()


def test_a_terminal_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

        def read(self, size: int | None = -1) -> str:
            raise AssertionError("it was read")

    monkeypatch.setattr(sys, "stdin", Terminal())
    with pytest.raises(click.UsageError, match="Give one of"):
        read(language="py")


def test_an_unknown_language_is_told_before_anything_is_read() -> None:
    for path in ("-", "missing.py", None):
        with pytest.raises(InvalidRequest, match="'ruby' is not known"):
            read(path, "ruby")


def test_a_folder_comes_whole_but_for_what_is_documented(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "project"
    for name in ("pkg", ".git", ".config", ".venv", "node_modules", "env"):
        (folder / name).mkdir(parents=True)
    names = ["main.py", "pkg/util.py", ".config/x.json", ".hidden"]
    left = [".git/config", ".env", ".env.local", "node_modules/x.js", "env/pyvenv.cfg"]
    for name in names + left:
        (folder / name).write_text(name)
    (folder / "in.py").symlink_to("pkg/util.py")
    (folder / "inner").symlink_to("pkg")
    (folder / "pkg/loop").symlink_to("..")
    (folder / "out.py").symlink_to("/etc/passwd")
    (folder / "etc").symlink_to("/etc")
    (folder / "gone").symlink_to("nowhere")
    (folder / "sly").symlink_to(".git/config")
    os.mkfifo(folder / "fifo")
    Path(os.fsdecode(bytes(folder) + b"/\xff")).write_bytes(b"odd")
    source = read(folder)
    assert source.language == "python"
    assert source.entrypoint is None
    wanted = {name: name.encode() for name in names}
    wanted |= {"in.py": b"pkg/util.py", "inner/util.py": b"pkg/util.py"}
    assert source.files == wanted
    told = capsys.readouterr().err
    for name in (".git", ".env", ".env.local", ".venv", "node_modules", "env", "pkg/loop"):
        assert name in told, name
    for name in ("out.py", "etc", "gone", "sly", "fifo", "dcff", "inner/loop"):
        assert name in told, name
    assert all(line.startswith("drybox: left out of ") for line in told.splitlines())


def test_paths_that_no_sandbox_takes_stay_out_of_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deep = Path(tmp_path, *"d" * 140)
    deep.mkdir(parents=True)
    long = Path(tmp_path, *["n" * 250] * 5)
    long.mkdir(parents=True)
    (tmp_path / "odd\nfolder").mkdir()
    for path in (
        "main.py",
        "Icon\r",
        "new\nline.py",
        "odd\nfolder/x",
        "\x7f",
        deep / "x",
        long / "x",
    ):
        (tmp_path / path).write_text("1")
    assert read(tmp_path).files == {"main.py": b"1"}
    told = capsys.readouterr().err
    for name in ("Icon\\r", "new\\nline.py", "odd\\nfolder", "\\x7f", "too deep", "too long"):
        assert name in told, name


def test_a_folder_that_comes_whole_is_not_talked_about(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "main.py").write_text("1")
    read(tmp_path)
    assert capsys.readouterr().err == ""


def test_folders_that_link_to_one_another_come_to_an_end(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"{number}").mkdir()
        for name in "ab":
            (tmp_path / f"{number}" / name).symlink_to(f"../{number + 1}")
    (tmp_path / "30").mkdir()
    with pytest.raises(click.UsageError, match="more than 2000"):
        read(tmp_path, "py")


def test_data_comes_beside_the_program(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(b"1")
    (tmp_path / "a=b").write_bytes(b"2")
    (tmp_path / "many/node_modules").mkdir(parents=True)
    (tmp_path / "many/node_modules/x").write_bytes(b"3")
    (tmp_path / "main.py").write_bytes(b"4")
    data = [f"{tmp_path}/{item}" for item in ("data.csv", "data.csv=in/d.csv", "a=b", "many")]
    source = read_source(None, "py", "code", None, data)
    assert source.files == {
        "data.csv": b"1",
        "in/d.csv": b"1",
        "a=b": b"2",
        "many/node_modules/x": b"3",
    }
    for wrong in (f"{tmp_path}/main.py", f"{tmp_path}/none", f"{tmp_path}/data.csv=main.py"):
        with pytest.raises(click.UsageError, match="--file"):
            read_source(f"{tmp_path}/main.py", None, None, None, [wrong])


def test_data_is_bounded_by_the_disk_alone(tmp_path: Path) -> None:
    big = tmp_path / "big.bin"
    with big.open("wb") as file:
        file.truncate(40 << 20)
    assert len(read_source(None, "py", "1", None, [str(big)]).files["big.bin"]) == 40 << 20
    with pytest.raises(click.UsageError, match="--disk"):
        read_source(None, "py", "1", None, [str(big), f"{big}=again"])
    twice = read_source(None, "py", "1", None, [str(big), f"{big}=again"], 128 << 20)
    assert len(twice.files) == 2


def test_a_script_that_names_drybox_is_a_comment_where_it_would_not_compile(
    tmp_path: Path,
) -> None:
    shebang = "#!/usr/bin/env -S drybox run\n"
    for name, begin in (("a.go", b"///usr"), ("A.java", b"///usr"), ("a.py", b"#!/usr")):
        (tmp_path / name).write_text(shebang + "x")
        content = read(tmp_path / name).files[name]
        assert content.startswith(begin)
        assert len(content) == len(shebang) + 1
    (tmp_path / "other.go").write_text("#!/bin/go\nx")
    assert read(tmp_path / "other.go").files["other.go"].startswith(b"#!")


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
    with pytest.raises(click.UsageError, match="not known"):
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
