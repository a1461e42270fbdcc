"""Sessions, seen from outside: who shares nothing, who stands still, who is gone."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest
from tests.support import host
from tests.support.attack import new_marker

from drybox import CodeExecutor, Session, SessionClosed

pytestmark = [pytest.mark.isolations("local"), pytest.mark.promise("SES-2")]

ESCAPES = """
trap '' TERM INT HUP QUIT
(trap '' TERM INT HUP; exec setsid bash -c 'kill -STOP $$; sleep 300' {marker}) >/dev/null 2>&1 &
(setsid setsid bash -c 'while :; do (sleep 300 & ) ; sleep 1; done' {marker} >/dev/null 2>&1 &) &
bash -c 'trap "" TERM INT HUP; while :; do sleep 1; done' {marker} &
wait
"""


def held(session: Session, marker: str) -> host.Process:
    """A process of a session that stays, as the host sees it."""
    session.start(["bash", "-c", "while :; do sleep 60; done", marker])
    assert host.eventually(lambda: host.confined(marker))
    return host.confined(marker)[0]


def test_it_is_sealed_as_an_execution_is(executor: CodeExecutor) -> None:
    words = ("Seccomp", "CapEff", "CapBnd", "CapPrm", "CapAmb", "NoNewPrivs", "Uid", "Gid")
    script = f"grep -E '^({'|'.join(words)}):' /proc/self/status; ulimit -a; "
    script += "grep -v '/kernel ' /proc/self/mounts | cut -d' ' -f2,3,4 | sed 's/[ug]id=[0-9]*//g'"
    once = executor.execute("bash", script).stdout
    with executor.session("bash") as session:
        assert session.command(["bash", "-c", script]).stdout == once
        process = held(session, new_marker())
        status = host.status(process.pid)
        assert (status["Seccomp"], status["NoNewPrivs"], status["CapEff"]) == ("2", "1", "0" * 16)
        own, theirs = host.namespaces("self"), host.namespaces(process.pid)
        for kind in ("user", "pid", "mnt", "net", "ipc", "uts", "cgroup"):
            assert own[kind] != theirs[kind], kind
        # Nothing of PID 1's way to drybox is open in it.
        assert set(host.descriptors(process.pid)) <= {0, 1, 2, 255}


def test_nothing_of_one_is_in_another_or_a_later_one(executor: CodeExecutor) -> None:
    secret = new_marker()
    look = "cat /sandbox/* /tmp/* /build/* /dev/shm/*; ls -A /sandbox /tmp /build /dev/shm"
    hide = f"for at in /sandbox /tmp /build /dev/shm; do echo {secret} > $at/{secret}; done"
    with executor.session("bash", env={"SECRET": secret}) as first:
        assert first.command(hide).status == "success"
        held(first, secret)
        with executor.session("bash") as beside:
            assert secret not in beside.command(look).stdout
            seen = beside.command(
                "env; cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' ' '"
            )
            assert secret not in seen.stdout
    with executor.session("bash") as later:
        assert secret not in later.command(look).stdout
    assert secret not in executor.execute("bash", "ls -A /sandbox /tmp /build /dev/shm").stdout


def test_closing_ends_everything(executor: CodeExecutor) -> None:
    marker = new_marker()
    with executor.session("bash") as session:
        session.start(ESCAPES.format(marker=marker))
        assert host.eventually(lambda: len(host.confined(marker)) >= 3)
    assert host.eventually(lambda: not host.running(marker))


def test_a_lifetime_ends_whoever_forks_stops_or_ignores_signals(executor: CodeExecutor) -> None:
    marker = new_marker()
    session = executor.open_session("bash")
    session.start(ESCAPES.format(marker=marker))
    assert host.eventually(lambda: len(host.confined(marker)) >= 3)
    session.extend(0.1)  # from now on
    assert host.eventually(lambda: session.state == "closed")
    assert host.eventually(lambda: not host.running(marker))
    with pytest.raises(SessionClosed):
        session.command("true")


def test_one_that_is_paused_uses_no_cpu(executor: CodeExecutor) -> None:
    marker, other = new_marker(), new_marker()
    spin = "while :; do :; done"
    with executor.session("bash") as paused, executor.session("bash") as beside:
        paused.start(["bash", "-c", spin, marker])
        beside.start(["bash", "-c", spin, other])
        assert host.eventually(lambda: host.confined(marker) and host.confined(other))
        of_paused = host.cgroup_of(host.confined(marker)[0].pid, "cpuacct")
        of_beside = host.cgroup_of(host.confined(other)[0].pid, "cpuacct")
        paused.pause()
        before, clock = host.cpu_seconds_of(of_paused), host.cpu_seconds_of(of_beside)
        assert host.eventually(lambda: host.cpu_seconds_of(of_beside) > clock + 0.3)
        assert host.cpu_seconds_of(of_paused) == before
        paused.resume()
        assert host.eventually(lambda: host.cpu_seconds_of(of_paused) > before + 0.05)
        paused.pause()
    assert host.eventually(lambda: not host.running(marker))


OWNER = """
import sys, time
from drybox import CodeExecutor
executor = CodeExecutor(isolation="local").open()
for index in range(2):
    session = executor.open_session("bash")
    session.start(["bash", "-c", "while :; do sleep 60; done", sys.argv[1]])
session.pause()
print("up", flush=True)
time.sleep(300)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_left_of_an_owner_that_dies(number: signal.Signals) -> None:
    marker = new_marker()
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, marker], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == "up\n"
    assert len(host.confined(marker)) == 2
    owner.send_signal(number)
    owner.wait()
    owner.stdout.close()
    assert host.eventually(lambda: not host.running(marker))


def test_closing_the_executor_ends_its_sessions() -> None:
    marker = new_marker()
    executor = CodeExecutor(isolation="local").open()
    session = executor.open_session("bash")
    held(session, marker)
    session.pause()
    executor.close()
    assert host.eventually(lambda: not host.running(marker))
    with pytest.raises(SessionClosed):
        session.command("true")


def test_pid_1_cannot_be_reached_from_a_session(executor: CodeExecutor) -> None:
    """Neither by what runs in it, nor by names that its owner is told to use."""
    with executor.session("bash") as session:
        session.command("ln -s /proc/1/fd/1 out; ln -s /proc/self/fd/1 own; ln -s /proc/1/mem mem")
        done = session.command(
            "kill -9 1; kill -STOP 1; echo x > /proc/1/fd/1; cat /proc/1/environ"
        )
        assert done.status == "failed"
        for name in ("out", "own", "mem"):
            with pytest.raises(Exception, match="path"):
                session.files.write(name, b"Zxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")
        assert session.command("echo on").stdout == "on\n"


def test_a_flood_of_processes_stays_its_own(executor: CodeExecutor) -> None:
    with executor.session("bash") as session:
        session.start(":(){ :|:& };:")
        started = time.monotonic()
        done = session.command("sleep 300", timeout=1.0)
        assert done.status in ("timeout", "failed")
        assert time.monotonic() - started < host.TIMEOUT
    with executor.session("bash") as other:
        assert other.command("echo on").stdout == "on\n"
