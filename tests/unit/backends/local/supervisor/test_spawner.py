"""The program that forks for the process: whose children they are, what they enter and become."""

from __future__ import annotations

import os
import select
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import host

from drybox.backends.local.supervisor.spawner import PreforkedProcess, Spawner, spawner_path


@pytest.fixture
def spawner() -> Iterator[Spawner]:
    made = Spawner(spawner_path())
    yield made
    if made._control is not None:
        made._control.close()
        os.wait()


def folder(at: Path, *names: str) -> str:
    """What looks like a cgroup: a folder with files to enter it by."""
    at.mkdir()
    for name in names:
        (at / name).touch()
    return str(at)


def run(preforked: PreforkedProcess, *argv: str) -> tuple[str, str, int]:
    """What a process that became this command wrote to stdout and stderr, and its exit code."""
    (out, theirs), (errors, write) = socket.socketpair(), os.pipe()
    with out, theirs:
        preforked.order(argv, "-", "", (theirs.fileno(), write))
        theirs.close()
        os.close(write)
        said = b"".join(iter(lambda: out.recv(65536), b"")).decode()
    with os.fdopen(errors) as file:
        words = file.read()
    # Nobody but a child of this process's own can be waited for.
    return said, words, os.waitstatus_to_exitcode(os.waitpid(preforked.pid, 0)[1])


def test_a_preforked_becomes_what_it_is_told_to(spawner: Spawner) -> None:
    preforked = spawner.fork([])
    said, words, code = run(preforked, "/bin/sh", "-c", "echo $0 $1; pwd; exit 7", "a b", "ü")
    assert (said, words, code) == ("a b ü\n/\n", "", 7)


def test_it_has_no_environment_no_files_and_a_session_of_its_own(spawner: Spawner) -> None:
    with open("/dev/null") as extra:
        os.set_inheritable(extra.fileno(), True)
        preforked = spawner.fork([])
        said, _, _ = run(
            preforked, "/bin/sh", "-c", "ls /proc/self/fd | wc -l; env; ps -o sid= -p $$"
        )
    lines = said.split()
    assert lines[0] == "4"  # the three, and the folder that ls reads
    assert [line for line in lines if "=" in line] == ["PWD=/"]
    assert lines[-1] == str(preforked.pid)


@pytest.mark.parametrize("signum", [signal.SIGPIPE, signal.SIGINT, signal.SIGXFSZ])
def test_no_signal_is_ignored_by_what_it_becomes(spawner: Spawner, signum: int) -> None:
    before = signal.signal(signum, signal.SIG_IGN)
    try:
        _, _, code = run(spawner.fork([]), "/bin/sh", "-c", f"kill -{int(signum)} $$")
    finally:
        signal.signal(signum, before)
    assert code == -signum


@pytest.mark.parametrize(
    ("files", "entered"),
    [(("tasks", "cgroup.procs"), "tasks"), (("cgroup.procs",), "cgroup.procs")],
)
def test_it_enters_its_cgroups_first(
    spawner: Spawner, tmp_path: Path, files: tuple[str, ...], entered: str
) -> None:
    cgroups = [folder(tmp_path / name, *files) for name in ("7", "8")]
    preforked = spawner.fork(cgroups)
    assert (preforked.cgroups, preforked.name) == (cgroups, "7")
    assert run(preforked, "/bin/true") == ("", "", 0)
    for cgroup in cgroups:
        assert Path(cgroup, entered).read_text() == "0"


def test_what_cannot_enter_becomes_nothing(spawner: Spawner, tmp_path: Path) -> None:
    preforked = spawner.fork([str(tmp_path / "gone")])
    said, words, code = run(preforked, "/bin/echo", "free")
    assert said == ""
    assert words.startswith("drybox: cannot enter the sandbox's cgroup: ")
    assert code == 125


def test_a_command_that_is_not_there_is_named(spawner: Spawner) -> None:
    _, words, code = run(spawner.fork([]), "/nowhere/bwrap")
    assert (words, code) == ("drybox: /nowhere/bwrap: No such file or directory\n", 125)


def test_a_preforked_ends_with_its_line(spawner: Spawner) -> None:
    preforked = spawner.fork([])
    preforked._line.close()
    assert os.waitpid(preforked.pid, 0)[1] == 0


def test_a_spawner_that_was_killed_is_told_of_and_replaced(spawner: Spawner) -> None:
    waiting = spawner.fork([])
    own = [p for p in host.processes() if p.ppid == os.getpid()]
    (pid,) = (p.pid for p in own if p.cmdline == (spawner_path(),) and p.pid != waiting.pid)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert spawner._control is not None
    is_told, _, _ = select.select([spawner._control], [], [], host.TIMEOUT)
    assert run(waiting, "/bin/echo", "still") == ("still\n", "", 0)
    assert is_told  # nobody else holds the other end
    with pytest.raises(OSError, match="it has ended"):
        spawner.fork([])
    assert run(spawner.fork([]), "/bin/echo", "again") == ("again\n", "", 0)


def test_nothing_starts_in_the_hosts_network(spawner: Spawner) -> None:
    if os.geteuid():
        said, words, code = run(spawner.fork([]), "/bin/echo", "hello")
        assert (said, code) == ("", 125)
        assert "this sandbox would have the host's network" in words
    else:
        said, _, _ = run(spawner.fork([]), "/bin/cat", "/proc/self/net/dev")
        assert [line.split(":")[0].strip() for line in said.splitlines()[2:]] == ["lo"]
