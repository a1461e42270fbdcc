"""Folders of cgroups: whose they are, and that they go."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from drybox.backends.local.cgroups import tree
from drybox.host.processes import identity


def test_an_instance_says_whose_it_is(tmp_path: Path) -> None:
    folder = tree.make_instance(str(tmp_path), os.getpid())
    assert os.path.dirname(folder) == str(tmp_path)
    assert os.path.basename(folder) == f"drybox-{identity()}"
    with pytest.raises(FileExistsError):
        tree.make_instance(str(tmp_path), os.getpid())


def test_only_what_a_dead_supervisor_of_ours_left_is_abandoned(tmp_path: Path) -> None:
    mine = tree.make_instance(str(tmp_path), os.getpid())
    pid, started, *where = identity().split("-")
    earlier = "-".join(["drybox", pid, str(int(started) - 1), *where])
    gone = "-".join(["drybox", str(2**22 + 1), "1", *where])
    of_others = (
        "drybox",
        "drybox-",
        "drybox-4194305-1",
        "drybox-x-1-2-3",
        "drybox-4194305-1-0-0",
        "-".join(["other", "4194305", "1", *where]),
        "-".join(["drybox", "4194305", "1", *where, "1"]),
    )
    for name in (earlier, gone, *of_others):
        (tmp_path / name).mkdir()
    found = set(tree.abandoned([str(tmp_path)]))
    assert found == {str(tmp_path / earlier), str(tmp_path / gone)}
    assert mine not in found


@pytest.mark.parametrize("present", [False, True])
def test_controllers_are_handed_down_where_there_is_a_file_for_it(
    tmp_path: Path, present: bool
) -> None:
    file = tmp_path / "cgroup.subtree_control"
    if present:
        file.write_text("")
    tree.enable(str(tmp_path))
    assert file.exists() == present
    if present:
        assert file.read_text() in {f"+{name}" for name in tree.CONTROLLERS.values()}


def test_a_folder_goes_with_all_below(tmp_path: Path) -> None:
    (tmp_path / "a/b/c").mkdir(parents=True)
    assert tree.remove(str(tmp_path / "a"))
    assert not (tmp_path / "a").exists()
    assert tree.remove(str(tmp_path / "a"))


def test_a_folder_that_is_still_in_use_stays(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/busy").write_text("")
    assert not tree.remove(str(tmp_path / "a"))
    assert (tmp_path / "a/b").exists()


def test_everything_in_and_below_is_killed_where_the_kernel_does_not(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    argv = [sys.executable, "-c", "input()"]
    with (
        subprocess.Popen(argv, stdin=subprocess.PIPE) as one,
        subprocess.Popen(argv, stdin=subprocess.PIPE) as two,
        subprocess.Popen(argv, stdin=subprocess.PIPE) as other,
    ):
        (tmp_path / "cgroup.kill").mkdir()  # cannot be written: a kernel before 5.14
        (tmp_path / "cgroup.procs").write_text(f"{one.pid}\n")
        (tmp_path / "below/cgroup.procs").write_text(f"0\n4194305\n{two.pid}\n")
        tree.kill_all(str(tmp_path))
        assert (one.wait(20), two.wait(20)) == (-9, -9)
        assert other.poll() is None
        other.communicate(b"\n")


def test_the_kernel_kills_where_it_can(tmp_path: Path) -> None:
    (tmp_path / "cgroup.kill").write_text("")
    (tmp_path / "cgroup.procs").write_text(f"{os.getpid()}\n")  # were it read, this would end
    tree.kill_all(str(tmp_path))
    assert (tmp_path / "cgroup.kill").read_text() == "1"


def test_entering_writes_the_caller_into_every_folder(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    tree.enter(map(str, folders))
    assert [(folder / "cgroup.procs").read_text() for folder in folders] == ["0", "0"]
    with pytest.raises(OSError, match="nowhere"):
        tree.enter([str(tmp_path / "nowhere")])


def test_what_cannot_be_read_is_empty(tmp_path: Path) -> None:
    assert tree.read(str(tmp_path)) == tree.read(str(tmp_path / "none")) == ""
    (tmp_path / "x").write_bytes(b"\xff1")
    assert tree.read(str(tmp_path / "x")) == "\ufffd1"
