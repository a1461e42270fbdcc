"""Threads of drybox's own take short time slices; others keep theirs."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from drybox.backends.local.cgroups.tree import read
from drybox.host.time_slice import SHORT_SLICE_NS, request_short_time_slice


def own_time_slices() -> list[int]:
    """Time slice of the calling thread, where the kernel tells."""
    lines = read(f"/proc/self/task/{threading.get_native_id()}/sched").splitlines()
    return [int(line.split(":")[1]) for line in lines if line.startswith("se.slice")]


def in_a_thread(work: Callable[[], object]) -> None:
    """Do it in a thread of its own, which ends afterwards."""
    problems: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as problem:
            problems.append(problem)

    thread = threading.Thread(target=guarded)
    thread.start()
    thread.join()
    for problem in problems:
        raise problem


def test_time_slices_are_short_in_the_thread_that_asks_alone() -> None:
    before = own_time_slices()

    def work() -> None:
        request_short_time_slice()
        assert own_time_slices() == [SHORT_SLICE_NS for _ in before]

    in_a_thread(work)
    assert own_time_slices() == before


def test_a_policy_of_its_own_is_kept() -> None:
    def work() -> None:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        before = own_time_slices()
        request_short_time_slice()
        assert os.sched_getscheduler(0) == os.SCHED_BATCH
        assert own_time_slices() == before

    in_a_thread(work)
