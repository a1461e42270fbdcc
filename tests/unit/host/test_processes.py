"""Names of processes: unique, and no process is taken for gone that may be alive."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from drybox.backends.docker import labels as docker_labels
from drybox.host.processes import GONE, identity, is_gone, is_identity, start_time

NOBODY = 2**22 + 1  # beyond the kernel's greatest id
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces as root")

TELL = "from drybox.host.processes import *; import sys; "


def changed(name: str, field: int, value: object) -> str:
    parts = name.split("-")
    parts[field] = str(value)
    return "-".join(parts)


@pytest.mark.promise("LEFT-5")
def test_a_process_is_known_by_its_id_and_its_start() -> None:
    mine = identity()
    pid, started, *_ = mine.split("-")
    assert is_identity(mine)
    assert (int(pid), started) == (os.getpid(), start_time(os.getpid()))
    assert not is_gone(mine)
    assert is_gone(changed(mine, 1, int(started) + 1))
    assert is_gone(changed(mine, 0, NOBODY))
    assert start_time(NOBODY) == GONE


@pytest.mark.promise("LEFT-5")
def test_one_that_has_ended_is_gone_even_before_it_is_asked_how() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        name = identity(process.pid)
        assert not is_gone(name)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert is_gone(name)
    assert is_gone(name)


@pytest.mark.promise("LEFT-5")
def test_what_cannot_be_told_is_alive() -> None:
    mine = identity()
    assert not is_gone(changed(mine, 1, 0)), "its start was not known"
    assert not is_gone(changed(changed(mine, 1, 1), 3, 1)), "its start is of another time namespace"
    assert not is_gone(changed(changed(mine, 0, NOBODY), 2, 0)), "its PID namespace is not known"


@pytest.mark.promise("LEFT-5")
@pytest.mark.parametrize(
    "text", ["", "1-2", "1-2-3", "1-2-3-4-5", "1-2-3-x", "1-2--4", "1-2-3-\u00b2"]
)
def test_other_words_are_no_identity(text: str) -> None:
    assert not is_identity(text)


@pytest.mark.promise("LEFT-5")
def test_a_process_with_a_strange_name_has_a_start_too() -> None:
    code = "import pathlib; pathlib.Path('/proc/self/comm').write_text('a) S 1 (b'); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as process:
        comm = Path(f"/proc/{process.pid}/comm")
        while process.poll() is None and comm.read_text() != "a) S 1 (b\n":
            os.sched_yield()
        assert int(start_time(process.pid) or 0) >= int(start_time(os.getpid()) or 0)
        process.communicate(b"\n")


@pytest.mark.promise("LEFT-5")
@as_root
@pytest.mark.parametrize("proc", [(), ("--mount-proc",)], ids=["its starter's /proc", "its own"])
def test_nobody_of_another_pid_namespace_is_gone(proc: tuple[str, ...]) -> None:
    """A process is asked for from a namespace in which its id is nobody's, or another's."""
    mine = identity()
    inside = ["unshare", "-pf", *proc, sys.executable, "-c"]
    code = (
        TELL + "print(identity(), is_gone(sys.argv[1]), is_gone(identity()), flush=True); input()"
    )
    with subprocess.Popen(
        [*inside, code, mine], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        theirs, mine_is_gone, theirs_is_gone = process.stdout.readline().split()
        assert (mine_is_gone, theirs_is_gone) == ("False", "False")
        assert theirs.split("-")[0] == "1"
        assert theirs.split("-")[2] != mine.split("-")[2]
        assert not is_gone(theirs)
        process.communicate("\n")
    if os.readlink("/proc/self/ns/pid") == "pid:[4026531836]":
        assert is_gone(theirs), "root of the initial namespace sees that nobody is in there"


@pytest.mark.promise("LEFT-5")
@as_root
def test_nobody_of_another_time_namespace_is_gone() -> None:
    mine = identity()
    code = TELL + "print(is_gone(sys.argv[1]))"
    done = subprocess.run(
        ["unshare", "-T", "--boottime", "1000", "-f", sys.executable, "-c", code, mine],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"


@pytest.mark.promise("LEFT-5")
@as_root
def test_a_container_of_another_pid_namespace_s_process_is_no_orphan() -> None:
    code = (
        "from drybox.backends.docker import labels as owner; import sys; "
        "print(owner.is_orphan({owner.OWNER: sys.argv[1]}))"
    )
    for inside in ([], ["unshare", "-pf"], ["unshare", "-pf", "--mount-proc"]):
        done = subprocess.run(
            [*inside, sys.executable, "-c", code, docker_labels.owner()],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "False\n", inside


@pytest.mark.promise("LEFT-5")
def test_a_container_of_a_dead_process_of_this_boot_is_an_orphan() -> None:
    boot, _, name = docker_labels.owner().partition(":")
    gone = changed(name, 0, NOBODY)
    assert docker_labels.is_orphan({docker_labels.OWNER: f"{boot}:{gone}"})
    assert not docker_labels.is_orphan({docker_labels.OWNER: f"another-boot:{gone}"})
    assert not docker_labels.is_orphan({docker_labels.OWNER: f"{boot}:what"})
    assert not docker_labels.is_orphan({})
