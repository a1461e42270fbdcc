"""Which program the CPU runs: a program that computes must not keep the next one waiting."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from tests.support import host
from tests.support.attack import attack, held
from tests.support.identity import Runner
from tests.support.ticks import reschedule_timers, ticks

from drybox import CodeExecutor, ExecutionRequest
from drybox.backends.local.cgroups.reschedule_timer import CLOCK_MONOTONIC_COARSE, PERIOD
from drybox.backends.local.cgroups.tree import read
from drybox.errors import SandboxLost

# a daemon's containers have what the daemon gives them
pytestmark = [pytest.mark.isolations("local"), pytest.mark.promise("ISO-14")]

BUSY = """
import threading
over = threading.Event()
threads = [threading.Thread(target=over.wait) for _ in range(3)]
for thread in threads:
    thread.start()
hold()
over.set()
"""


TICKS_OFTEN = time.clock_getres(CLOCK_MONOTONIC_COARSE) <= PERIOD


def weight(folder: Path) -> float:
    """A cgroup's share of the CPUs in units of the kernel's default."""
    version_2 = folder / "cpu.weight"
    if version_2.exists():
        return int(version_2.read_text()) / 100
    return int((folder / "cpu.shares").read_text()) / 1024


def time_slices(pid: int) -> list[int]:
    """How long each thread of a process may run before others run, in nanoseconds."""
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


@pytest.mark.skipif(not time_slices(os.getpid()), reason="this kernel does not tell time slices")
def test_a_program_has_short_time_slices_only_while_it_begins(runner: Runner) -> None:
    with held(runner, attack(BUSY, timeout=60.0)) as attacks:
        init = int(host.status(attacks.pid)["PPid"])
        assert time_slices(init) == [100_000]
        assert host.eventually(lambda: min(time_slices(attacks.pid), default=0) > 1_000_000, 10)
        assert len(time_slices(attacks.pid)) == 4


def test_a_sandbox_that_waits_has_the_weight_of_one_that_begins() -> None:
    def weights() -> set[float]:
        folders = map(Path, host.sandboxes(os.getpid()))
        kinds = ("cpu.weight", "cpu.shares")
        return {weight(each) for each in folders if any((each / kind).exists() for kind in kinds)}

    with CodeExecutor(isolation="local") as executor:
        assert executor.execute(ExecutionRequest("python", "print(1)")).stdout == "1\n"
        assert host.eventually(lambda: weights() == {10}, host.TIMEOUT)


@pytest.mark.skipif(TICKS_OFTEN, reason="this kernel ticks so often that it needs no help")
def test_a_program_that_begins_beside_an_older_one_has_the_kernel_look_more_often() -> None:
    def ticks_when_one_begins() -> int:
        before = sum(ticks(pid).values())
        assert executor.execute(ExecutionRequest("python", "print(1)")).stdout == "1\n"
        return sum(ticks(pid).values()) - before

    def run(seconds: float) -> None:
        code = f"import time\ntime.sleep({seconds})"
        with suppress(SandboxLost):  # the executor is closed meanwhile
            executor.execute(ExecutionRequest("python", code))

    others = reschedule_timers(os.getpid())
    with (
        ThreadPoolExecutor(1) as threads,
        CodeExecutor(isolation="local", concurrency=2) as executor,
    ):
        run(0.2)
        made = reschedule_timers(os.getpid()) - others
        assert len(made) == 1, (made, others)
        (pid,) = made
        assert not ticks_when_one_begins()  # the older one has ended
        threads.submit(run, 60)
        assert host.eventually(ticks_when_one_begins, host.TIMEOUT)
    assert reschedule_timers(os.getpid()) <= others


@pytest.mark.skipif(not TICKS_OFTEN, reason="this kernel ticks so seldom that it is helped")
def test_a_kernel_that_ticks_often_has_no_help() -> None:
    others = reschedule_timers(os.getpid())
    with CodeExecutor(isolation="local", concurrency=2) as executor:
        assert executor.execute(ExecutionRequest("python", "print(1)")).stdout == "1\n"
        assert reschedule_timers(os.getpid()) == others
