"""The thread that talks with sandboxes has short turns, and its own again afterwards."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from drybox.backends.local.turns import SHORT, ShortTurns


def own_turns() -> list[int]:
    """Length of the calling thread's turns, where the kernel tells."""
    lines = Path(f"/proc/self/task/{threading.get_native_id()}/sched").read_text().splitlines()
    return [int(line.split(":")[1]) for line in lines if line.startswith("se.slice")]


def test_turns_are_short_from_begin_to_end() -> None:
    turns, before = ShortTurns(), own_turns()
    turns.begin()
    assert own_turns() == [SHORT for _ in before]
    turns.end()
    turns.end()
    assert own_turns() == before


def test_a_policy_of_its_own_is_kept() -> None:
    policies = []

    def work() -> None:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        turns = ShortTurns()
        turns.begin()
        turns.end()
        policies.append(os.sched_getscheduler(0))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert policies == [os.SCHED_BATCH]
