"""The default number of sandboxes that run at once on this machine."""

from __future__ import annotations

from collections.abc import Iterable

from drybox.host.resources import usable_cpus, usable_memory
from drybox.model import ResourceLimits

FOR_EACH_CPU = 2
"""Sandboxes for each CPU: while one waits for its files or its input another computes."""

SHARE = 0.75
"""Of the memory, what programs may take together; the rest is for drybox, for sandboxes that
wait, and for the host."""


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
