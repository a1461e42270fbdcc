"""Threads of drybox's own take short turns; others keep theirs."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from drybox.backends.local.cgroup_tree import read
from drybox.turns import SHORT, take_short_turns


def own_turns() -> list[int]:
    """Length of the calling thread's turns, where the kernel tells."""
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


def test_turns_are_short_in_the_thread_that_asks_alone() -> None:
    before = own_turns()

    def work() -> None:
        take_short_turns()
        assert own_turns() == [SHORT for _ in before]

    in_a_thread(work)
    assert own_turns() == before


def test_a_policy_of_its_own_is_kept() -> None:
    def work() -> None:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        before = own_turns()
        take_short_turns()
        assert os.sched_getscheduler(0) == os.SCHED_BATCH
        assert own_turns() == before

    in_a_thread(work)
