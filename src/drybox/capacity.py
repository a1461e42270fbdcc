"""How many sandboxes may run at once on this machine, where nobody says."""

from __future__ import annotations

import os
from collections.abc import Iterable

from drybox.model import ResourceLimits

FOR_EACH_CPU = 2
"""Sandboxes for each CPU: while one waits for its files or its input another computes."""

SHARE = 0.75
"""Of the memory, what programs may take together; the rest is for drybox, for sandboxes that
wait, and for the host."""

_GROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""What a container's own memory is bounded by; on a host these are its root's, without a bound."""


def default_concurrency(memory_each: int, cpus: int, memory: int) -> int:
    """As many as there are CPUs for, and no more than can all take what they are allowed.

    Args:
        memory_each: Bytes that one may take.
        cpus: CPUs of the machine.
        memory: Bytes of the machine.
    """
    return max(1, min(FOR_EACH_CPU * cpus, int(SHARE * memory) // max(1, memory_each)))


def concurrency_for(phases: Iterable[ResourceLimits]) -> int:
    """What :func:`default_concurrency` gives on this machine, by the hungriest of some limits."""
    hungriest = max(limits.memory for limits in phases)
    return default_concurrency(hungriest, usable_cpus(), usable_memory())


def usable_cpus() -> int:
    """CPUs that this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not every system lets processes be kept to some
        return os.cpu_count() or 1


def usable_memory() -> int:
    """Bytes of memory of this machine, or of the container that this is."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in _GROUP_LIMITS:
        try:
            with open(path, encoding="ascii") as file:
                text = file.read().strip()
        except OSError:
            continue
        if text.isdigit():
            found.append(int(text))
    return min(found)


def make_way() -> None:
    """Let whoever was just woken, and is queued for this CPU, go first.

    The kernel often wakes who waits for an answer on the CPU of who gives it, who then goes on to
    clear up.
    """
    if hasattr(os, "sched_yield"):
        os.sched_yield()
