"""The process that has the kernel look more often which thread runs next.

As it looks from outside.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.support import host


def reschedule_timers(pid: int) -> set[int]:
    """Those that the drybox in this process has now."""
    return {
        p.pid for p in host.descendants(pid) if "/bin/reschedule_timer-" in "".join(p.cmdline[:1])
    }


def ticks(pid: int) -> dict[tuple[int, ...], int]:
    """How often each thread of one has gone to sleep, by the CPUs that it may run on."""
    found: dict[tuple[int, ...], int] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        lines = (task / "status").read_text().splitlines()
        count = next(line for line in lines if line.startswith("voluntary_ctxt_switches"))
        cpus = tuple(sorted(os.sched_getaffinity(int(task.name))))
        found[cpus] = found.get(cpus, 0) + int(count.split()[1])
    return found
