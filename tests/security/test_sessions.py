"""Sessions, seen from outside: who shares nothing, who stands still, who is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from tests.support import host
from tests.support.attack import new_marker
from tests.support.identity import Runner
from tests.support.isolations import Isolation

from drybox import CodeExecutor, SandboxLost, Session, SessionClosed

pytestmark = pytest.mark.promise("SES-2")

ESCAPES = """
trap '' TERM INT HUP QUIT
(trap '' TERM INT HUP; exec setsid bash -c 'kill -STOP $$; sleep 300' {marker}) >/dev/null 2>&1 &
(setsid setsid bash -c 'while :; do (sleep 300 & ) ; sleep 1; done' {marker} >/dev/null 2>&1 &) &
bash -c 'trap "" TERM INT HUP; while :; do sleep 1; done' {marker} &
wait
"""


STOPPED_WITHIN = 0.02
"""Seconds of CPU time that a kernel of the sandbox's own may take in which its programs take none:
it is what is stopped there, and its runtime still looks after itself."""


@pytest.fixture
def isolation(runner: Runner) -> Isolation:
    return runner.isolation


class Sessions:
    """Sessions of one isolation."""

    def __init__(self, executor: CodeExecutor, isolation: Isolation) -> None:
        self._executor = executor
        self._isolation = isolation

    def kept(self, **fields: str) -> AbstractContextManager[Session]:
        env = fields or None
        return self._executor.session("bash", isolation=self._isolation.name, env=env)

    def open(self) -> Session:
        return self._executor.open_session("bash", isolation=self._isolation.name)


@pytest.fixture
def sessions(executor: CodeExecutor, isolation: Isolation) -> Sessions:
    return Sessions(executor, isolation)


def keep(session: Session, isolation: Isolation, marker: str, script: str = "") -> None:
    """Have a process in a session that stays, and is seen from outside."""
    session.start(["bash", "-c", script or "while :; do sleep 60; done", marker])
    assert host.eventually(lambda: isolation.runs(marker))


def test_it_is_sealed_as_an_execution_is(
    executor: CodeExecutor, sessions: Sessions, isolation: Isolation
) -> None:
    words = ["Seccomp", "CapEff", "CapBnd", "CapPrm", "CapAmb", "NoNewPrivs"]
    words += [] if isolation.from_image else ["Uid", "Gid"]  # each container is another user
    script = f"grep -E '^({'|'.join(words)}):' /proc/self/status; ulimit -a; "
    script += "grep -v '/kernel ' /proc/self/mounts | cut -d' ' -f2,3,4 | sort | "
    # Numbers of users and of descriptors, and where layers are, are each container's own.
    script += "sed -E 's/(.id|.fdno)=[0-9]*//g; s/,(lower|upper|work)dir=[^,]*//g'"
    once = executor.execute("bash", script, isolation=isolation.name).stdout
    with sessions.kept() as session:
        kept = session.command(["bash", "-c", script]).stdout
        # The toolchains of other languages are there too.
        more = Counter(kept.splitlines()) - Counter(once.splitlines())
        assert not Counter(once.splitlines()) - Counter(kept.splitlines())
        assert all(" overlay ro,nosuid,nodev," in line for line in more), more
        if not isolation.shows_processes:
            return
        marker = new_marker()
        keep(session, isolation, marker)
        process = host.confined(marker)[0]
        status = host.status(process.pid)
        assert (status["Seccomp"], status["NoNewPrivs"], status["CapEff"]) == ("2", "1", "0" * 16)
        own, theirs = host.namespaces("self"), host.namespaces(process.pid)
        kinds = ["pid", "mnt", "net", "ipc", "uts", "cgroup"]
        for kind in kinds + ([] if isolation.one_user_namespace else ["user"]):
            assert own[kind] != theirs[kind], kind
        # Nothing of PID 1's way to drybox is open in it.
        assert set(host.descriptors(process.pid)) <= {0, 1, 2, 255}


def test_nothing_of_one_is_in_another_or_a_later_one(
    executor: CodeExecutor, sessions: Sessions, isolation: Isolation
) -> None:
    secret = new_marker()
    look = "cat /sandbox/* /tmp/* /build/* /dev/shm/*; ls -A /sandbox /tmp /build /dev/shm"
    hide = f"for at in /sandbox /tmp /build /dev/shm; do echo {secret} > $at/{secret}; done"
    with sessions.kept(SECRET=secret) as first:
        assert first.command(hide).status == "success"
        keep(first, isolation, secret)
        with sessions.kept() as beside:
            assert secret not in beside.command(look).stdout
            seen = beside.command(
                "env; cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' ' '"
            )
            assert secret not in seen.stdout
    with sessions.kept() as later:
        assert secret not in later.command(look).stdout
    listed = executor.execute(
        "bash", "ls -A /sandbox /tmp /build /dev/shm", isolation=isolation.name
    )
    assert secret not in listed.stdout


def are_up(isolation: Isolation, marker: str) -> bool:
    """Whether those of ESCAPES are, as far as they are seen from outside."""
    if isolation.shows_processes:
        return len(host.confined(marker)) >= 3
    return isolation.runs(marker)


def test_closing_ends_everything(sessions: Sessions, isolation: Isolation) -> None:
    marker = new_marker()
    with sessions.kept() as session:
        session.start(ESCAPES.format(marker=marker))
        assert host.eventually(lambda: are_up(isolation, marker))
    assert host.eventually(lambda: not isolation.runs(marker))


def test_a_lifetime_ends_whoever_forks_stops_or_ignores_signals(
    sessions: Sessions, isolation: Isolation
) -> None:
    marker = new_marker()
    session = sessions.open()
    session.start(ESCAPES.format(marker=marker))
    assert host.eventually(lambda: are_up(isolation, marker))
    session.update(expires_in=0.1)
    assert host.eventually(lambda: session.state == "closed")
    assert host.eventually(lambda: not isolation.runs(marker))
    with pytest.raises(SessionClosed):
        session.command("true")


def cgroup_of(isolation: Isolation, marker: str) -> Path:
    """The cgroup of the sandbox in which a process with a marker runs, or of the only one."""
    if isolation.shows_processes:
        return host.cgroup_of(host.confined(marker)[0].pid, "cpuacct")
    found = isolation.cgroup("cpuacct")
    assert found is not None
    return found


def test_one_that_is_paused_uses_no_cpu(sessions: Sessions, isolation: Isolation) -> None:
    marker, other = new_marker(), new_marker()
    spin = "while :; do :; done"
    with sessions.kept() as paused:
        keep(paused, isolation, marker, spin)
        of_paused = cgroup_of(isolation, marker)
        paused.pause()
        with sessions.kept() as beside:  # which is open while the first one stands still
            beside.start(["bash", "-c", spin, other])
            before, began = host.cpu_seconds_of(of_paused), time.monotonic()
            worked = 0
            while worked < 3 or time.monotonic() < began + 0.5:
                assert beside.command("echo on").stdout == "on\n"
                worked += 1
            used = host.cpu_seconds_of(of_paused) - before
        assert used <= (STOPPED_WITHIN if isolation.kernel.memory else 0.0)
        paused.resume()
        assert host.eventually(lambda: host.cpu_seconds_of(of_paused) > before + 0.05)
        paused.pause()
    assert host.eventually(lambda: not isolation.runs(marker))


def test_one_that_is_paused_ends_when_its_time_is_over(
    sessions: Sessions, isolation: Isolation
) -> None:
    """Nothing goes on for that; what is left of it on the host is looked for after every test."""
    for idle in (2, 20, 200):  # it may end before it is paused, on a busy machine
        marker = new_marker()
        session = sessions.open()
        keep(session, isolation, marker)
        session.update(idle_timeout=idle)
        try:
            session.pause()
        except SessionClosed:
            continue
        break
    assert host.eventually(lambda: session.state == "closed", idle + host.TIMEOUT)
    assert host.eventually(lambda: not isolation.runs(marker))


OWNER = """
import sys, time
from drybox import CodeExecutor
executor = CodeExecutor(isolation=sys.argv[2]).open()
for index in range(2):
    session = executor.open_session("bash")
    session.start(["bash", "-c", 'exec -a "$0" sleep 600', sys.argv[1]])
session.pause()
print("up", flush=True)
time.sleep(300)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_left_of_an_owner_that_dies(
    isolation: Isolation, number: signal.Signals
) -> None:
    marker, before = new_marker(), isolation.sandboxes(os.getpid())
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, marker, isolation.name], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == "up\n"
    if isolation.shows_processes:
        assert len(host.confined(marker)) == 2
    owner.send_signal(number)
    owner.wait()
    owner.stdout.close()
    assert host.eventually(lambda: not isolation.runs(marker), isolation.gone_within + host.TIMEOUT)
    if isolation.from_image:

        def is_swept() -> bool:
            """One that was not paused has ended, and the next drybox removes it."""
            with CodeExecutor(isolation=isolation.name) as other:
                assert other.execute("bash", "echo on").stdout == "on\n"
            return isolation.sandboxes(os.getpid()) <= before

        assert host.eventually(is_swept, isolation.gone_within)


def test_closing_the_executor_ends_its_sessions(isolation: Isolation) -> None:
    marker = new_marker()
    executor = CodeExecutor(isolation=isolation.name).open()
    session = executor.open_session("bash")
    keep(session, isolation, marker)
    session.pause()
    executor.close()
    assert host.eventually(lambda: not isolation.runs(marker))
    with pytest.raises(SessionClosed):
        session.command("true")


def test_pid_1_cannot_be_reached_from_a_session(sessions: Sessions, isolation: Isolation) -> None:
    """Neither by what runs in it, nor by names that its owner is told to use."""
    with sessions.kept() as session:
        session.command("ln -s /proc/1/fd/1 out; ln -s /proc/self/fd/1 own; ln -s /proc/1/mem mem")
        done = session.command("kill -9 1; kill -STOP 1; cat /proc/1/environ")
        if isolation.kernel.init_shows:
            assert "drybox" not in done.stdout.lower()
        else:
            assert done.status == "failed"
        for name in ("out", "own", "mem"):
            with pytest.raises(Exception, match="path"):
                session.files.write(name, b"Zxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")
        assert session.command("echo on").stdout == "on\n"
        try:
            session.command("echo x > /proc/1/fd/1")
            assert session.command("echo on").stdout == "on\n"
        except SandboxLost:  # what is not init's ends the talk, where a kernel lets it be written
            assert "fd" in isolation.kernel.init_shows


def test_a_flood_of_processes_stays_its_own(sessions: Sessions, isolation: Isolation) -> None:
    with sessions.kept() as session:
        session.start(":(){ :|:& };:")
        started = time.monotonic()
        try:
            done = session.command("sleep 300", timeout=1.0)
            assert done.status in ("timeout", "failed")
        except SandboxLost:  # the threads of all of it are counted, and it ends with the first
            assert not isolation.kernel.counts_processes
        assert time.monotonic() - started < host.TIMEOUT
    with sessions.kept() as other:
        assert other.command("echo on").stdout == "on\n"
