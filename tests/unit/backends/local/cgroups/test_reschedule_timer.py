"""The process that wakes on every CPU: when it does, and that it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from tests.support import host
from tests.support.ticks import ticks

from drybox.backends.local.cgroups.reschedule_timer import RescheduleTimer

pytestmark = pytest.mark.promise("ISO-14")

MEANWHILE = 0.1
"""Seconds: five times as long as it ticks for."""

MOST, LEAST = 24, 12
"""How often it may go to sleep for ticks of 1 ms in 20 ms, and how often where the CPU is free."""


@pytest.fixture
def reschedule_timer(monkeypatch: pytest.MonkeyPatch) -> Iterator[RescheduleTimer]:
    # The test is of the process, whatever this kernel's own tick is.
    monkeypatch.setattr(time, "clock_getres", lambda _: 0.004)
    made = RescheduleTimer()
    made.start()
    yield made
    made.close()


def pid_of(reschedule_timer: RescheduleTimer) -> int:
    """The id of its process, which is there."""
    assert reschedule_timer.pid is not None
    assert is_there(reschedule_timer.pid)
    return reschedule_timer.pid


def is_there(pid: int) -> bool:
    return any(process.pid == pid for process in host.processes())


def ticks_when_told(reschedule_timer: RescheduleTimer) -> dict[tuple[int, ...], int]:
    """How often each thread wakes, by the CPUs that it may run on, when it is told once."""
    pid = pid_of(reschedule_timer)

    def is_still() -> bool:
        before = ticks(pid)
        time.sleep(MEANWHILE)
        return ticks(pid) == before

    assert host.eventually(is_still, host.TIMEOUT)
    before = ticks(pid)
    reschedule_timer.wake()
    assert host.eventually(lambda: ticks(pid) != before, host.TIMEOUT)
    assert host.eventually(is_still, host.TIMEOUT)
    # Where it is slow to start, its threads are not yet bound to their CPUs before.
    return {cpus: count - before.get(cpus, 0) for cpus, count in ticks(pid).items()}


def test_told_once_it_wakes_each_millisecond_for_twenty_on_every_cpu(
    reschedule_timer: RescheduleTimer,
) -> None:
    best = dict.fromkeys(((cpu,) for cpu in os.sched_getaffinity(0)), 0)
    for _ in range(20):
        found = ticks_when_told(reschedule_timer)
        for cpus in best:
            assert found[cpus] <= MOST
            best[cpus] = max(best[cpus], found[cpus])
        if min(best.values()) >= LEAST:
            return
    pytest.fail(f"it woke {best} times at most")


def test_it_is_gone_when_it_is_closed(reschedule_timer: RescheduleTimer) -> None:
    pid = pid_of(reschedule_timer)
    reschedule_timer.close()
    assert not is_there(pid)
    reschedule_timer.wake()
    assert reschedule_timer.pid is None


def test_one_that_was_killed_is_not_missed(reschedule_timer: RescheduleTimer) -> None:
    pid = pid_of(reschedule_timer)
    os.kill(pid, signal.SIGKILL)

    def is_noticed() -> bool:  # of its threads the last one closes what it is told by
        reschedule_timer.wake()
        return reschedule_timer.pid is None

    assert host.eventually(is_noticed, host.TIMEOUT)
    assert not is_there(pid)


def test_it_ends_with_whoever_started_it_though_a_child_lives_on() -> None:
    code = (
        "import os, time; time.clock_getres = lambda _: 0.004\n"
        "from drybox.backends.local.cgroups.reschedule_timer import RescheduleTimer\n"
        "reschedule_timer = RescheduleTimer(); reschedule_timer.start()\n"
        "child = os.fork() or time.sleep(60)\n"
        "print(reschedule_timer.pid, child, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        pid, child = map(int, starter.stdout.readline().split())
        try:
            assert is_there(pid)
            starter.kill()
            assert host.eventually(lambda: not is_there(pid), host.TIMEOUT)
            assert is_there(child)
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_kernel_whose_own_tick_comes_as_often_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "clock_getres", lambda _: 0.001)
    reschedule_timer = RescheduleTimer()
    reschedule_timer.start()
    reschedule_timer.wake()
    assert reschedule_timer.pid is None
