"""Whose turn it is on the processor: a program that computes must not keep the next one waiting."""

from __future__ import annotations

import os
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from tests.support import host
from tests.support.attack import attack, held
from tests.support.identity import Runner

from drybox import CodeExecutor, ExecutionRequest
from drybox.backends.local import ticker
from drybox.backends.local.cgroup_tree import read

pytestmark = pytest.mark.walls("local")  # a daemon's containers have what the daemon gives them

BUSY = """
import threading
over = threading.Event()
threads = [threading.Thread(target=over.wait) for _ in range(3)]
for thread in threads:
    thread.start()
hold()
over.set()
"""


def weight(folder: Path) -> float:
    """A cgroup's share of the CPUs in units of the kernel's default."""
    version_2 = folder / "cpu.weight"
    if version_2.exists():
        return int(version_2.read_text()) / 100
    return int((folder / "cpu.shares").read_text()) / 1024


def turns(pid: int) -> list[int]:
    """How long each thread of a process may run before others have their turn, in nanoseconds."""
    found = []
    for entry in Path(f"/proc/{pid}/task").iterdir():
        lines = read(f"{entry}/sched").splitlines()
        found += [int(line.split(":")[1]) for line in lines if line.startswith("se.slice")]
    return found


def test_a_program_has_no_advantage_once_it_has_run_for_a_while(runner: Runner) -> None:
    with held(runner, attack(BUSY, timeout=60.0)) as attacks:
        folder = host.cgroup_of(attacks.pid, "cpu")
        assert host.eventually(lambda: weight(folder) == 1, 5)
        # All sandboxes together count for less than what the host has to do.
        assert weight(folder.parent) == pytest.approx(0.25)
        supervisor = int(host.status(attacks.pid)["PPid"])
        if not turns(supervisor):
            return  # a kernel that does not tell
        assert turns(supervisor) == [100_000]
        assert host.eventually(lambda: min(turns(attacks.pid)) > 1_000_000, 10)
        assert len(turns(attacks.pid)) == 4


def test_a_sandbox_that_waits_has_the_weight_of_one_that_begins() -> None:
    def weights() -> set[float]:
        folders = map(Path, host.sandboxes(os.getpid()))
        kinds = ("cpu.weight", "cpu.shares")
        return {weight(each) for each in folders if any((each / kind).exists() for kind in kinds)}

    with CodeExecutor(isolation="local") as executor:
        assert executor.execute(ExecutionRequest("python", "print(1)")).stdout == "1\n"
        assert host.eventually(lambda: weights() == {10}, host.PATIENCE)


def test_a_program_that_begins_beside_an_older_one_has_the_kernel_look_more_often() -> None:
    def tickers() -> set[int]:
        mine = host.descendants(os.getpid())
        return {p.pid for p in mine if "/bin/ticker-" in "".join(p.cmdline[:1])}

    def begin_one() -> set[int]:
        assert executor.execute(ExecutionRequest("python", "print(1)")).stdout == "1\n"
        return tickers() - before

    def run_another() -> None:
        with suppress(CancelledError):
            executor.execute(ExecutionRequest("python", "import time\ntime.sleep(60)"))

    before = tickers()
    with (
        ThreadPoolExecutor(1) as threads,
        CodeExecutor(isolation="local", concurrency=2) as executor,
    ):
        assert not begin_one()
        threads.submit(run_another)
        if time.clock_getres(ticker.MONOTONIC_COARSE) > ticker.PERIOD:
            assert host.eventually(begin_one, host.PATIENCE)
            assert len(tickers() - before) == 1
        else:
            assert not host.eventually(begin_one, 1)
    assert tickers() <= before
