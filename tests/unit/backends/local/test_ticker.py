"""The process that wakes on every CPU: when it does, and that it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import host

from drybox.backends.local.ticker import Ticker

MEANWHILE = 0.1
"""Seconds: five times as long as it ticks for."""


@pytest.fixture
def ticker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ticker]:
    # The test is of the process, whatever this kernel's own tick is.
    monkeypatch.setattr(time, "clock_getres", lambda _: 0.004)
    made = Ticker()
    yield made
    made.close()


def started(ticker: Ticker) -> int:
    """The id of its process."""
    ticker.tick()
    assert ticker._process is not None
    assert is_there(ticker._process.pid)
    return ticker._process.pid


def is_there(pid: int) -> bool:
    return any(process.pid == pid for process in host.processes())


def wakes(pid: int) -> dict[tuple[int, ...], int]:
    """How often each of its threads has gone to sleep, by the CPUs that it may run on."""
    found: dict[tuple[int, ...], int] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        lines = (task / "status").read_text().splitlines()
        count = next(line for line in lines if line.startswith("voluntary_ctxt_switches"))
        cpus = tuple(sorted(os.sched_getaffinity(int(task.name))))
        found[cpus] = found.get(cpus, 0) + int(count.split()[1])
    return found


def test_it_wakes_on_every_cpu_for_as_long_as_it_is_told(ticker: Ticker) -> None:
    pid = started(ticker)
    cpus = [(cpu,) for cpu in os.sched_getaffinity(0)]

    def ticked() -> bool:
        ticker.tick()
        found = wakes(pid)
        return all(found.get(cpu, 0) > 100 for cpu in cpus)

    def is_still() -> bool:
        before = wakes(pid)
        time.sleep(MEANWHILE)
        return wakes(pid) == before

    assert host.eventually(ticked, host.PATIENCE)
    assert host.eventually(is_still, host.PATIENCE)


def test_it_is_gone_when_it_is_closed(ticker: Ticker) -> None:
    pid = started(ticker)
    ticker.close()
    assert not is_there(pid)
    ticker.tick()
    assert ticker._process is None


def test_one_that_was_killed_is_not_missed(ticker: Ticker) -> None:
    pid = started(ticker)
    os.kill(pid, signal.SIGKILL)
    assert host.eventually(lambda: not is_there(pid), host.PATIENCE)
    for _ in range(3):
        ticker.tick()


def test_it_ends_with_whoever_started_it() -> None:
    code = (
        "import time; time.clock_getres = lambda _: 0.004\n"
        "from drybox.backends.local.ticker import Ticker\n"
        "ticker = Ticker(); ticker.tick(); print(ticker._process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        assert is_there(pid)
        starter.kill()
    assert host.eventually(lambda: not is_there(pid), host.PATIENCE)


def test_a_kernel_whose_own_tick_comes_as_often_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "clock_getres", lambda _: 0.001)
    ticker = Ticker()
    ticker.tick()
    assert ticker._process is None
