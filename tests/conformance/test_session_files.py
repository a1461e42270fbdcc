"""Files of sessions, behind every isolation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.isolations import Isolation

from drybox import CodeExecutor, InvalidRequest, Session, SessionFileError

pytestmark = [pytest.mark.promise("SES-1")]


@pytest.fixture
def session(executor: CodeExecutor, isolation: Isolation) -> Iterator[Session]:
    with executor.session("bash", isolation=isolation.name) as opened:
        yield opened


def test_files_go_in_and_out(session: Session, tmp_path: Path) -> None:
    files = session.files
    made = files.write("folder/data.bin", bytes(range(256)) * 5000)
    assert (made.path, made.size, made.type) == ("/sandbox/folder/data.bin", 1280000, "file")
    assert files.read("folder/data.bin") == bytes(range(256)) * 5000
    assert sum(map(len, files.read_pieces("folder/data.bin"))) == 1280000
    assert [item.path for item in files.list(depth=2)] == [
        "/sandbox/folder",
        "/sandbox/folder/data.bin",
    ]
    files.rename("folder/data.bin", "other/moved")
    assert not files.exists("folder/data.bin")
    files.make_dir("a/b/c")
    files.remove("folder")
    assert files.stat("a/b").type == "directory"
    session.command("ln -s nowhere link; touch \"$(printf 'odd\\377name')\"")
    assert files.stat("link").target == "nowhere"
    odd = next(item for item in files.list() if item.name.startswith("odd"))
    assert files.read(odd.path) == b""
    (tmp_path / "up/deep").mkdir(parents=True)
    (tmp_path / "up/deep/file").write_text("up")
    (tmp_path / "up/link").symlink_to("/etc/passwd")
    (tmp_path / "up/within").symlink_to("deep")
    (tmp_path / "up/deep/tool").write_text("#!/bin/sh\necho works\n")
    (tmp_path / "up/deep/tool").chmod(0o700)
    uploaded = files.upload(tmp_path / "up", "in")
    copies = [f"/sandbox/in/{at}/{name}" for at in ("deep", "within") for name in ("file", "tool")]
    assert sorted(item.path for item in uploaded) == copies
    assert uploaded.left_out == {"link": "a link that leads out of the folder"}
    session.command("ln -s /etc/hostname in/link; echo down > in/new; mkdir in/empty")
    downloaded = files.download("in", tmp_path / "down")
    assert downloaded.left_out == {"link": "a symbolic link"}
    found = sorted(p.relative_to(tmp_path / "down") for p in (tmp_path / "down").rglob("*"))
    expected = ["deep", "deep/file", "deep/tool", "empty", "new"]
    expected += ["within", "within/file", "within/tool"]
    assert list(map(str, found)) == expected
    (tmp_path / "named").symlink_to("up/deep/file")
    assert [item.path for item in files.upload(tmp_path / "named", "one")] == ["/sandbox/one"]


def test_a_program_that_is_copied_can_be_run(session: Session, tmp_path: Path) -> None:
    files, tool = session.files, tmp_path / "tool"
    tool.write_text("#!/bin/sh\necho works\n")
    files.upload(tool, "there")
    assert session.command(["./there"]).status == "failed"
    tool.chmod(0o755)
    assert files.upload(tool, "there")[0].mode == 0o755
    assert session.command(["./there"]).stdout == "works\n"
    session.command("mkdir a; cp there a; touch a/plain; chmod 4711 a/there; ln -s there link")
    files.download("a", tmp_path / "down")
    modes = {path.name: path.stat().st_mode & 0o7777 for path in (tmp_path / "down").iterdir()}
    assert modes == {"there": 0o755, "plain": 0o644}
    files.download("there", tmp_path / "down")  # over what is there
    files.download("link", tmp_path)
    assert (tmp_path / "link").stat().st_mode & 0o777 == 0o755
    tool.chmod(0o644)
    assert files.upload(tool, "there")[0].mode == 0o644
    files.download("there", tmp_path / "down")
    assert (tmp_path / "down/there").stat().st_mode & 0o777 == 0o644
    assert files.write("there", "echo 1", mode=0o700).mode == 0o700
    assert files.write("there", "echo 2").mode == 0o700
    assert files.stat("link").type == "symlink"
    assert files.stat("link", follow_links=True).mode == 0o700
    wrong: Any
    for wrong in (0o1777, -1, "755", True):
        with pytest.raises(InvalidRequest, match="mode"):
            files.write("there", "", mode=wrong)


def test_what_stands_in_the_way_of_files_is_named(session: Session) -> None:
    files = session.files
    files.write("file", "x")
    session.command("mkdir folder; mkfifo fifo")
    reasons = {}
    acts: dict[str, Callable[[], object]] = {
        "not_found": lambda: files.read("nothing"),
        "is_directory": lambda: files.read("folder"),
        "not_directory": lambda: files.write("file/below", ""),
        "not_a_file": lambda: files.read("fifo"),
        "not_permitted": lambda: files.write("/etc/new", ""),
        "no_space": lambda: files.write("large", bytes(80 << 20)),
        "too_large": lambda: files.read("file", max_bytes=0),
    }
    for word, act in acts.items():
        with pytest.raises(SessionFileError) as caught:
            act()
        reasons[word] = caught.value.reason
    assert reasons == {word: word for word in reasons}
    for path in ("/proc/1/environ", "/proc/self/mem"):
        with pytest.raises(SessionFileError):
            files.read(path)
    assert not files.exists("large")


def test_what_holds_all_files_is_not_removed(session: Session) -> None:
    session.files.write("folder/file", "kept")
    for path in (".", "/", "/sandbox", "/sandbox/", "//sandbox/.", "folder/..", "../sandbox", ".."):
        with pytest.raises(SessionFileError, match="working directory") as caught:
            session.files.remove(path)
        assert caught.value.reason == "not_permitted"
    assert session.files.read("folder/file") == b"kept"
