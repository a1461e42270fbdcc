"""``--artifact``: what a stranger's program names cannot leave the folder that was given."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.support.cli import Done, drybox

WRITE = """\
import os
os.makedirs("out/deep")
open("top.txt", "w").write("top")
open("out/deep/x.bin", "wb").write(bytes(range(256)))
"""


def run(folder: Path, code: str, *words: str, where: str = "kept") -> Done:
    return drybox(
        *("run", "-l", "python", "-c", code, "--artifact", "**", "--artifact-dir", where, *words),
        cwd=folder,
    )


def tree(folder: Path) -> dict[str, bytes]:
    """Every regular file below the folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and path.name != "main.py"
    }


def test_artifacts_are_written_below_the_folder(tmp_path: Path) -> None:
    done = run(tmp_path, WRITE + "raise SystemExit(5)")
    assert (done.returncode, done.stdout) == (5, b"")
    named = done.stderr.removesuffix(b".\n").partition(b"kept: ")[2].split(b", ")
    assert sorted(named) == [b"main.py", b"out/deep/x.bin", b"top.txt"]
    written = {"kept/top.txt": b"top", "kept/out/deep/x.bin": bytes(range(256))}
    assert tree(tmp_path) == written


def test_the_folder_is_called_artifacts_by_default(tmp_path: Path) -> None:
    done = drybox("run", "-l", "python", "-c", WRITE, "--artifact", "*.txt", cwd=tmp_path)
    assert done.returncode == 0
    assert tree(tmp_path) == {"artifacts/top.txt": b"top"}


def test_globs_choose(tmp_path: Path) -> None:
    words = ("--artifact", "*.txt", "--artifact", "out/**/*.bin", "--artifact-dir", "a/b/c")
    done = drybox("run", "-l", "python", "-c", WRITE, *words, cwd=tmp_path)
    assert done.returncode == 0
    assert tree(tmp_path / "a/b/c").keys() == {"top.txt", "out/deep/x.bin"}


def test_nothing_is_written_that_nobody_asked_for(tmp_path: Path) -> None:
    assert drybox("run", "-l", "python", "-c", WRITE, cwd=tmp_path).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_with_json_they_are_in_the_document_only(tmp_path: Path) -> None:
    done = run(tmp_path, WRITE, "--json")
    assert json.loads(done.stdout)["artifacts"]["top.txt"] == "dG9w"
    assert list(tmp_path.iterdir()) == []


def test_files_in_the_way_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/top.txt").write_text("an older and longer text")
    (tmp_path / "kept/other.txt").write_text("stays")
    assert run(tmp_path, WRITE).returncode == 0
    assert tree(tmp_path)["kept/top.txt"] == b"top"
    assert tree(tmp_path)["kept/other.txt"] == b"stays"


def test_links_in_the_way_are_not_followed(tmp_path: Path) -> None:
    outside, kept = tmp_path / "outside", tmp_path / "kept"
    outside.mkdir()
    kept.mkdir()
    (outside / "victim.txt").write_text("mine")
    (kept / "top.txt").symlink_to(outside / "victim.txt")
    (kept / "out").symlink_to(outside)
    done = run(tmp_path, WRITE)
    assert done.returncode == 0
    assert tree(outside) == {"victim.txt": b"mine"}
    assert b"top.txt" in done.stderr
    assert b"out/deep/x.bin" in done.stderr


def test_links_of_the_program_are_not_artifacts(tmp_path: Path) -> None:
    code = (
        "import os\n"
        "os.symlink('/etc/passwd', 'passwd')\n"
        "os.symlink('/etc', 'etc')\n"
        "os.link('main.py', 'hard.py')\n"
        "os.mkfifo('pipe')\n"
        "open('real', 'w').write('x')\n"
    )
    assert run(tmp_path, code).returncode == 0
    assert tree(tmp_path).keys() == {"kept/hard.py", "kept/real"}


@pytest.mark.parametrize(
    "name",
    [r"..\..\up.txt", "line\nbreak", "\x1b[2Jclear", "con", "aux.txt", " ", "~", "-rf", "a" * 255],
    ids=ascii,
)
def test_hostile_names_stay_below_the_folder(tmp_path: Path, name: str) -> None:
    code = f"open({name!r}, 'w').write('x')\nopen('good', 'w').write('y')\n"
    done = run(tmp_path, code)
    assert done.returncode == 0
    assert tree(tmp_path).pop("kept/good") == b"y"
    assert {path.name for path in tmp_path.iterdir()} == {"kept"}
    assert {path.name for path in (tmp_path / "kept").iterdir()} <= {name, "good", "main.py"}
    assert b"\x1b" not in done.stderr  # what is said of it cannot command the terminal


def test_names_that_are_no_text(tmp_path: Path) -> None:
    code = "open(b'\\xff\\xfe', 'w').write('x')\nopen('good', 'w').write('y')\n"
    done = run(tmp_path, code)
    assert done.returncode == 0
    assert tree(tmp_path)["kept/good"] == b"y"


def test_a_tree_that_is_deep_or_wide(tmp_path: Path) -> None:
    code = (
        "import os\n"
        "os.makedirs('d/' * 60)\n"
        "open('d/' * 60 + 'deep', 'w').write('x')\n"
        "for i in range(300): open(f'f{i}', 'w').write(str(i))\n"
    )
    done = run(tmp_path, code)
    assert done.returncode == 0
    assert tree(tmp_path)["kept/f299"] == b"299"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = run(tmp_path, WRITE, where="file/kept")
    assert done.returncode == 2
    assert b"file/kept" in done.stderr
    assert tree(tmp_path) == {"file": b"in the way"}


def test_files_are_written_as_plain_ones(tmp_path: Path) -> None:
    code = "import os\nopen('x', 'w').write('x')\nos.chmod('x', 0o6777)\n"
    assert run(tmp_path, code).returncode == 0
    assert os.stat(tmp_path / "kept/x").st_mode & 0o7133 == 0
