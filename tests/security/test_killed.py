"""drybox killed in the middle of a run: nothing that it started stays."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support import host, images
from tests.support.attack import DRYBOX, GONE_WITHIN, TIMEOUT, new_marker, run_cli, source
from tests.support.identity import REPO, Runner

from drybox import CodeExecutor, ExecutionRequest, Unavailable
from drybox.backends.local.supervisor import client as supervisor_client

pytestmark = pytest.mark.isolations("local")  # it is about the supervisor

DRYBOX_FAILED = 125

# A program with a crowd, a daemon out of reach, and every signal ignored.
STUBBORN = """
def ignore():
    for number in range(1, 65):
        if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33):
            signal.signal(number, signal.SIG_IGN)

def stay():
    ignore()
    os.setsid()
    child(lambda: [os.write(ready, b".")] and [signal.pause() for _ in range(10 ** 6)])
    signal.pause()

up, ready = os.pipe()
for _ in range(3):
    child(stay)
for _ in range(3):
    os.read(up, 1)
open("/tmp/file", "wb").write(bytes(1 << 20))
ignore()
answer("up")
while True:
    os.write(2, b"")
"""


@dataclass
class Started:
    """A ``drybox run`` in the middle of a run, and all that belongs to it."""

    drybox: subprocess.Popen[bytes]
    marker: str
    supervisor: int
    family: list[int]
    folders: list[Path]

    def is_gone(self) -> bool:
        return (
            not host.running(self.marker)
            and not any(_lives(pid) for pid in self.family)
            and not any(folder.exists() for folder in self.folders)
        )


@pytest.fixture
def started(runner: Runner) -> Iterator[Started]:
    marker = new_marker()
    argv, env = runner.command(
        [*DRYBOX, "run", "-l", "python", "--timeout", "120s", "-c", source(STUBBORN), "--", marker]
    )
    # In a session of its own, as a shell's job is.
    drybox = subprocess.Popen(
        argv, env=env, cwd=REPO, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    with drybox:
        try:
            assert drybox.stdout is not None
            assert drybox.stdout.readline() == b'"up"\n'
            yield _started(drybox, marker)
        finally:
            drybox.kill()


def _started(drybox: subprocess.Popen[bytes], marker: str) -> Started:
    inside = host.confined(marker)
    assert len(inside) == 7
    (supervisor,) = host.supervisors(drybox.pid)
    folders = {host.cgroup_of(inside[0].pid, name) for name in ("memory", "pids", "cpu")}
    folders |= {folder.parent for folder in folders}
    assert all(folder.exists() for folder in folders)
    family = [process.pid for process in host.descendants(drybox.pid)]
    assert supervisor.pid in family
    assert {process.pid for process in inside} <= set(family)
    return Started(drybox, marker, supervisor.pid, family, sorted(folders))


def _lives(pid: int) -> bool:
    return host.status(pid).get("State", "Z")[0] not in "ZX"


@contextlib.contextmanager
def _host_is_as_before() -> Iterator[None]:
    # What the lanes beside this one do to their daemon's images and folders is theirs.
    def facts() -> tuple[set[str], set[str]]:
        mounts = {line for line in host.mounts() if "drybox" in line or " /sandbox " in line}
        folders = {name for name in os.listdir(tempfile.gettempdir()) if "drybox" in name}
        return (
            {line for line in mounts if str(images.CACHE) not in line},
            {name for name in folders if not name.startswith(("drybox-test-", "drybox-ssh-"))},
        )

    before = facts()
    yield
    assert facts() == before


def kill_drybox(started: Started) -> None:
    os.kill(started.drybox.pid, signal.SIGKILL)


def kill_group(started: Started) -> None:
    os.killpg(started.drybox.pid, signal.SIGKILL)


def interrupt(started: Started) -> None:
    os.kill(started.drybox.pid, signal.SIGINT)
    started.drybox.wait(TIMEOUT)


def terminate(started: Started) -> None:
    os.killpg(started.drybox.pid, signal.SIGTERM)
    started.drybox.wait(TIMEOUT)


def hang_up(started: Started) -> None:
    os.killpg(started.drybox.pid, signal.SIGHUP)
    started.drybox.wait(TIMEOUT)


@pytest.mark.promise("LEFT-1")
@pytest.mark.parametrize("end", [kill_drybox, kill_group, interrupt, terminate, hang_up])
def test_nothing_is_left_of_a_drybox_that_was_ended(
    started: Started, end: Callable[[Started], None]
) -> None:
    with _host_is_as_before():
        end(started)

        assert host.eventually(started.is_gone, GONE_WITHIN), _left(started)


def test_a_sandbox_that_is_killed_is_not_waited_for(started: Started) -> None:
    (init,) = (pid for pid in started.family if host.status(pid)["NSpid"].split()[1:] == ["1"])
    os.kill(init, signal.SIGKILL)

    assert started.drybox.wait(host.TIMEOUT) == DRYBOX_FAILED


@pytest.mark.promise("LEFT-3")
def test_processes_of_a_killed_supervisor_are_gone(started: Started) -> None:
    os.kill(started.supervisor, signal.SIGKILL)

    assert host.eventually(lambda: not host.confined(started.marker), GONE_WITHIN)
    assert started.drybox.wait(TIMEOUT) != 0


@pytest.mark.promise("LEFT-3")
def test_processes_are_gone_when_the_supervisor_is_killed_with_drybox(
    runner: Runner, started: Started
) -> None:
    with _host_is_as_before():
        # Stopped first, so that it does not come to clear up.
        os.kill(started.supervisor, signal.SIGSTOP)
        os.kill(started.drybox.pid, signal.SIGKILL)
        os.kill(started.supervisor, signal.SIGKILL)

        assert host.eventually(
            lambda: not any(_lives(pid) for pid in started.family), GONE_WITHIN
        ), _left(started)
        assert not host.running(started.marker)
        done = run_cli(runner, "answer('next')")
        assert done.stdout == '"next"\n'
        assert host.eventually(started.is_gone, GONE_WITHIN), _left(started)


@pytest.mark.promise("LEFT-1")
def test_a_drybox_that_is_stopped_still_ends_the_program_at_its_deadline(runner: Runner) -> None:
    marker = new_marker()
    code = source("answer('up')\nwhile True:\n    pass")
    argv, env = runner.command(
        [*DRYBOX, "run", "-l", "python", "--timeout", "5s", "-c", code, "--", marker]
    )
    with subprocess.Popen(argv, env=env, cwd=REPO, stdout=subprocess.PIPE) as drybox:
        assert drybox.stdout is not None
        assert drybox.stdout.readline() == b'"up"\n'
        begin = time.monotonic()
        os.kill(drybox.pid, signal.SIGSTOP)

        assert host.eventually(lambda: not host.confined(marker), TIMEOUT)

        assert time.monotonic() - begin < 5 + 20
        os.kill(drybox.pid, signal.SIGCONT)
        assert drybox.wait(TIMEOUT) == 124


def _left(started: Started) -> str:
    folders = [str(folder) for folder in started.folders if folder.exists()]
    return f"{host.running(started.marker)} {[p for p in started.family if _lives(p)]} {folders}"


@pytest.mark.promise("LEFT-3")
def test_a_supervisor_that_hangs_is_ended_and_another_takes_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = {process.pid for process in host.supervisors(os.getpid())}
    request = ExecutionRequest("python", "print(1)")
    with CodeExecutor(isolation="local", pool=None) as executor:
        assert executor.execute(request).stdout == "1\n"
        (supervisor,) = {process.pid for process in host.supervisors(os.getpid())} - before
        os.kill(supervisor, signal.SIGSTOP)
        with monkeypatch.context() as patch:
            patch.setattr(supervisor_client, "ANSWER_TIMEOUT", 0.5)
            with pytest.raises(Unavailable, match="did not respond"):
                executor.execute(request)
        assert host.eventually(lambda: not _lives(supervisor), TIMEOUT)
        assert executor.execute(request).stdout == "1\n"
