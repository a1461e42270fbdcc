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

from drybox.backends.local.ticker import Ticker

MEANWHILE = 0.1
"""Seconds: five times as long as it ticks for."""

MOST, LEAST = 24, 12
"""How often it may go to sleep for ticks of 1 ms in 20 ms, and how often where the CPU is free."""


@pytest.fixture
def ticker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ticker]:
    # The test is of the process, whatever this kernel's own tick is.
    monkeypatch.setattr(time, "clock_getres", lambda _: 0.004)
    made = Ticker()
    made.start()
    yield made
    made.close()


def pid_of(ticker: Ticker) -> int:
    """The id of its process, which is there."""
    assert ticker.pid is not None
    assert is_there(ticker.pid)
    return ticker.pid


def is_there(pid: int) -> bool:
    return any(process.pid == pid for process in host.processes())


def ticks_when_told(ticker: Ticker) -> dict[tuple[int, ...], int]:
    """How often each thread wakes, by the CPUs that it may run on, when it is told once."""
    pid = pid_of(ticker)

    def is_still() -> bool:
        before = ticks(pid)
        time.sleep(MEANWHILE)
        return ticks(pid) == before

    assert host.eventually(is_still, host.PATIENCE)
    before = ticks(pid)
    ticker.tick()
    assert host.eventually(lambda: ticks(pid) != before, host.PATIENCE)
    assert host.eventually(is_still, host.PATIENCE)
    return {cpus: count - before[cpus] for cpus, count in ticks(pid).items()}


def test_told_once_it_wakes_each_millisecond_for_twenty_on_every_cpu(ticker: Ticker) -> None:
    best = dict.fromkeys(((cpu,) for cpu in os.sched_getaffinity(0)), 0)
    for _ in range(20):
        found = ticks_when_told(ticker)
        for cpus in best:
            assert found[cpus] <= MOST
            best[cpus] = max(best[cpus], found[cpus])
        if min(best.values()) >= LEAST:
            return
    pytest.fail(f"it woke {best} times at most")


def test_it_is_gone_when_it_is_closed(ticker: Ticker) -> None:
    pid = pid_of(ticker)
    ticker.close()
    assert not is_there(pid)
    ticker.tick()
    assert ticker.pid is None


def test_one_that_was_killed_is_not_missed(ticker: Ticker) -> None:
    pid = pid_of(ticker)
    os.kill(pid, signal.SIGKILL)
    assert host.eventually(lambda: not is_there(pid), host.PATIENCE)
    ticker.tick()
    assert ticker.pid is None


def test_it_ends_with_whoever_started_it_though_a_child_lives_on() -> None:
    code = (
        "import os, time; time.clock_getres = lambda _: 0.004\n"
        "from drybox.backends.local.ticker import Ticker\n"
        "ticker = Ticker(); ticker.start()\n"
        "child = os.fork() or time.sleep(60)\n"
        "print(ticker.pid, child, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        pid, child = map(int, starter.stdout.readline().split())
        try:
            assert is_there(pid)
            starter.kill()
            assert host.eventually(lambda: not is_there(pid), host.PATIENCE)
            assert is_there(child)
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_kernel_whose_own_tick_comes_as_often_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "clock_getres", lambda _: 0.001)
    ticker = Ticker()
    ticker.start()
    ticker.tick()
    assert ticker.pid is None
