"""Attacks with processes: too many of them, stopping and killing them, outliving the run."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator

import pytest
from tests.support import host
from tests.support.attack import GONE_WITHIN, attack, marked, new_marker, probe, run_as, watched
from tests.support.identity import Runner

from drybox import ResourceLimits

PIDS = 32
OWN = 2  # init is in the sandbox's cgroup too, and bubblewrap where there is one
FEW = ResourceLimits(pids=PIDS)


def most_counted(runner: Runner) -> int:
    """What the kernel counts at most: on each CPU it counts a new process before it refuses it."""
    return PIDS + OWN + runner.isolation.kernel.threads + (os.cpu_count() or 1)


DAEMON = """
def outlive():
    for number in range(1, 65):
        if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33):
            signal.signal(number, signal.SIG_IGN)
    while True:
        os.write(2, b"")

def daemon():
    os.setsid()
    child(lambda: (os.write(ready, b"."), outlive()))

up, ready = os.pipe()
child(daemon)
os.read(up, 1)
"""


@pytest.fixture
def bystander(runner: Runner) -> Iterator[int]:
    """A process of the host that belongs to the same user as drybox, and lives on."""
    argv, env = runner.command(["sleep", "600"])
    with subprocess.Popen(argv, env=env) as process:
        assert host.eventually(lambda: host.status(process.pid)["Name"] == "sleep")
        yield process.pid
        assert host.status(process.pid)["State"].startswith("S")
        process.kill()


@pytest.mark.promise("ISO-11")
def test_fork_bomb_is_contained(runner: Runner) -> None:
    bomb = attack(
        """
        while True:
            attempt(os.fork)
        """,
        limits=FEW,
        timeout=4,
    )

    result, counts = watched(runner, bomb, "pids", host.processes_in)

    assert result.status in runner.isolation.kernel.crowds_end
    assert PIDS < max(count for _, count in counts) <= most_counted(runner)
    assert run_as(runner, ["true"]).returncode == 0


@pytest.mark.promise("ISO-11")
def test_fork_bomb_in_nested_user_namespaces_is_contained(runner: Runner) -> None:
    bomb = "crowd()" if runner.isolation.kernel.counts_processes else "None"
    refused, by_program, crowded = probe(
        runner,
        f"""
        def clone(flags):
            number = {{"x86_64": 56, "aarch64": 220}}[platform.machine()]
            if libc.syscall(number, ctypes.c_long(flags | signal.SIGCHLD), 0, 0, 0, 0) < 0:
                raise OSError(ctypes.get_errno(), "clone")

        user, pid = 0x1000_0000, 0x2000_0000
        refused = [attempt(call, "unshare", flags) for flags in (user, user | pid, pid)]
        refused += [attempt(clone, flags) for flags in (user, user | pid, pid)]
        refused += [attempt(call, "clone3", 0, 0)]
        by_program = os.spawnlp(os.P_WAIT, "unshare", "unshare", "-Ur", "true")
        answer([refused, by_program, {bomb}])
        """,
        limits=FEW,
    )

    assert refused == ["EPERM"] * 6 + ["ENOSYS"]
    assert by_program == 1
    if runner.isolation.kernel.counts_processes:
        assert crowded == [PIDS - 1, "EAGAIN"]


@pytest.mark.promise("ISO-11")
def test_thread_bomb_is_contained(runner: Runner) -> None:
    bomb = attack(
        """
        import threading
        started = 0
        gate = threading.Event()
        try:
            while started < 4000:
                threading.Thread(target=gate.wait, daemon=True).start()
                started += 1
        except RuntimeError as error:
            answer([started, str(error)])
        os._exit(0)
        """,
        limits=FEW,
    )

    result, counts = watched(runner, bomb, "pids", host.processes_in)

    if runner.isolation.kernel.counts_processes:
        assert result.stdout == f'[{PIDS - 1}, "can\'t start new thread"]\n'
    assert max(count for _, count in counts) <= most_counted(runner)


@pytest.mark.promise("ISO-11")
def test_cpu_hog_gets_no_more_than_its_share(runner: Runner) -> None:
    cpus = 0.2  # less than even a loaded machine has left
    hog = attack(
        """
        for _ in range(3):
            os.fork()
        while True:
            pass
        """,
        limits=ResourceLimits(cpus=cpus),
        timeout=3,
    )

    result, figures = watched(runner, hog, "cpuacct", host.cpu_seconds_of)

    (begin, before), (end, after) = figures[0], figures[-1]
    assert result.status == "timeout"
    # The kernel hands the share out for a tenth of a second at a time.
    assert 0 < after - before <= cpus * (end - begin + 0.2)
    assert end - begin > 1
    assert result.usage.cpu_time is not None
    share = (os.cpu_count() or 1) if runner.isolation.kernel.counts_waiting else cpus
    assert result.usage.cpu_time <= share * (result.execution_time + 0.5)


@pytest.mark.promise("ISO-18")
def test_kill_of_everybody_reaches_nobody_outside(runner: Runner, bystander: int) -> None:
    fates = probe(
        runner,
        """
        fates = []
        for number in (signal.SIGTERM, signal.SIGKILL):
            victim = child(signal.pause)
            os.kill(-1, number)
            fates.append(os.waitstatus_to_exitcode(os.waitpid(victim, 0)[1]))
        answer(fates)
        """,
    )

    assert fates == [-15, -9]


@pytest.mark.promise("ISO-18")
def test_every_signal_to_init_is_in_vain(runner: Runner) -> None:
    sent = probe(
        runner,
        "answer([attempt(os.kill, 1, number) for number in range(1, 65)])",
    )

    assert set(sent) == {"allowed"}


@pytest.mark.promise("ISO-17")
def test_a_program_that_stops_itself_ends_at_the_deadline(runner: Runner) -> None:
    marker = new_marker()
    stop = attack("answer(1)\nos.kill(os.getpid(), signal.SIGSTOP)\nanswer(2)", timeout=5)

    result = runner.execute(marked(stop, marker))

    assert (result.status, result.stdout) == ("timeout", "1\n")
    assert host.eventually(lambda: not host.running(marker), GONE_WITHIN)


@pytest.mark.promise("ISO-17")
def test_a_child_that_stops_its_parent_ends_at_the_deadline(runner: Runner) -> None:
    marker = new_marker()
    stop = attack(
        """
        parent = os.getpid()
        child(lambda: os.kill(parent, signal.SIGSTOP))
        signal.pause()
        """,
        timeout=1,
    )

    result = runner.execute(marked(stop, marker))

    assert result.status == "timeout"
    assert host.eventually(lambda: not host.running(marker), GONE_WITHIN)


@pytest.mark.promise("ISO-18")
def test_the_parent_of_the_program_cannot_be_stopped(runner: Runner, bystander: int) -> None:
    stop = attack(
        """
        os.kill(os.getppid(), signal.SIGSTOP)
        answer(os.getppid())
        """
    )

    result = runner.execute(stop)

    assert (result.status, result.stdout) == ("success", "1\n")


@pytest.mark.promise("ISO-17")
def test_a_daemon_does_not_outlive_the_program(runner: Runner) -> None:
    marker = new_marker()
    started = time.monotonic()

    result = runner.execute(marked(attack(DAEMON + "\nanswer('ended')", timeout=60), marker))

    assert (result.status, result.stdout) == ("success", '"ended"\n')
    assert time.monotonic() - started < 30
    assert host.eventually(lambda: not host.running(marker), GONE_WITHIN)


@pytest.mark.promise("ISO-17")
def test_a_daemon_does_not_outlive_the_deadline(runner: Runner) -> None:
    marker = new_marker()

    result = runner.execute(marked(attack(DAEMON + "\noutlive()", timeout=1), marker))

    assert result.status == "timeout"
    assert result.execution_time < 30
    assert host.eventually(lambda: not host.running(marker), GONE_WITHIN)


@pytest.mark.promise("ISO-17")
def test_a_storm_of_orphans_does_not_outlive_the_deadline(runner: Runner) -> None:
    marker = new_marker()
    storm = attack(
        """
        while True:
            attempt(child, lambda: attempt(child, lambda: attempt(child, os.setsid)))
            attempt(os.waitpid, -1, os.WNOHANG)
        """,
        limits=FEW,
        timeout=1,
    )

    result = runner.execute(marked(storm, marker))

    assert result.status in runner.isolation.kernel.crowds_end
    assert result.execution_time < 30
    assert host.eventually(lambda: not host.running(marker), GONE_WITHIN)
