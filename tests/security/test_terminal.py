"""Attacks on the terminal in which a user started drybox."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Iterator

import pytest
from tests.support.attack import TIMEOUT, answered, attack, drybox_run, probe, source
from tests.support.identity import REPO, Runner

from drybox import ExecutionRequest, ResourceLimits

pytestmark = pytest.mark.promise("ISO-19")

TYPE = """
import fcntl, termios
TIOCLINUX = 0x541C
def type_into(fd):
    answers = []
    for byte in b"escaped\\n":
        answers.append(attempt(fcntl.ioctl, fd, termios.TIOCSTI, bytes([byte])))
    for code in (2, 3, 11):
        answers.append(attempt(fcntl.ioctl, fd, TIOCLINUX, bytes([code]) + bytes(64)))
    answers.append(attempt(fcntl.ioctl, fd, termios.TIOCSETD, (7).to_bytes(4, "little")))
    # Some look at the low half alone; the rest of the word must not fool the filter.
    answers.append("allowed" if libc.ioctl(fd, ctypes.c_ulong(termios.TIOCSTI | 1 << 32), b"x") == 0
                   else errno.errorcode[ctypes.get_errno()])
    return sorted(set(answers))
"""


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """A terminal of the host: the end that the user sits at, and the programs' end."""
    user, programs = pty.openpty()
    yield user, programs
    os.close(user)
    os.close(programs)


def test_nothing_is_typed_into_the_users_terminal(
    runner: Runner, terminal: tuple[int, int]
) -> None:
    user, programs = terminal
    # What is prepared once is announced on the terminal: let it be ready.
    runner.execute(ExecutionRequest("python", ""))
    attack = source(
        TYPE
        + "answer([[type_into(fd) for fd in (0, 1, 2)], attempt(open, '/dev/tty', 'rb', 0),"
        + " [os.isatty(fd) for fd in (0, 1, 2)], attempt(os.ttyname, 1)])"
    )
    argv, env = runner.command([*drybox_run(runner), "-l", "python", "-c", attack])
    # setsid makes the terminal the controlling one of drybox, as a shell's is.
    done = subprocess.run(
        ["setsid", "--wait", "--ctty", *argv],
        env=env, cwd=REPO, stdin=programs, stdout=subprocess.PIPE, stderr=programs,
        timeout=TIMEOUT,
    )  # fmt: skip

    typed, opened, are_terminals, name = json.loads(done.stdout)
    assert typed == [["EPERM"]] * 3
    assert opened in ("ENXIO", "EIO")
    assert (are_terminals, name) == ([False] * 3, "ENOTTY")
    waiting = struct.unpack("i", fcntl.ioctl(programs, termios.FIONREAD, bytes(4)))[0]
    assert waiting == 0
    os.set_blocking(user, False)
    with pytest.raises(BlockingIOError):
        os.read(user, 100)


def test_a_program_has_no_controlling_terminal(runner: Runner) -> None:
    number, opened = probe(
        runner,
        """
        stat = open("/proc/self/stat").read().rpartition(")")[2].split()
        answer([int(stat[4]), attempt(open, "/dev/tty", "rb", 0)])
        """,
    )

    assert number == 0
    assert opened in ("ENXIO", "EIO")


def test_nothing_is_typed_into_a_terminal_of_its_own_either(runner: Runner) -> None:
    answers = probe(
        runner,
        TYPE
        + """
import pty
ours, theirs = pty.openpty()
def inside():
    os.setsid()
    fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
    answer(type_into(theirs))
os.waitpid(child(inside), 0)
""",
    )

    assert answers == ["EPERM"]


def test_terminals_of_the_host_are_unseen(runner: Runner, terminal: tuple[int, int]) -> None:
    name = os.ttyname(terminal[1])

    entries, exists = probe(
        runner, f"answer([sorted(os.listdir('/dev/pts')), os.path.exists({name!r})])"
    )

    assert entries in ([], ["ptmx"])
    assert not exists


def test_terminals_are_bounded(runner: Runner) -> None:
    filling = attack(
        """
        import pty
        def fill():
            for count in range(1000):
                try:
                    os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY)
                except OSError as error:
                    return count, errno.errorcode[error.errno]
            return 1000, "allowed"
        answer(fill())
        """
    )
    result = runner.execute(filling)
    if runner.isolation.from_image and result.status == "memory_limit":
        return  # init has seen more than it lets a container have
    count, problem = answered(result)

    assert count < ResourceLimits().open_files
    assert problem in ("ENOSPC", "ENOENT", "EMFILE")
