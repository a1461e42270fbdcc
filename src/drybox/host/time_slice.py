"""Short time slices for drybox's own threads that talk with sandboxes.

Who wakes with short time slices ahead need not wait until a program's long one is over. Init has
them, too; ``guest/init/time_slice.c`` has the other half of this.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from typing import ClassVar


def yield_cpu() -> None:
    """Let whoever was just woken, and is queued for this CPU, go first.

    The kernel often wakes who waits for an answer on the CPU of who gives it, who then goes on to
    clear up.
    """
    if hasattr(os, "sched_yield"):
        os.sched_yield()


SHORT_SLICE_NS = 100_000
"""Nanoseconds: the least that the kernel takes (``sched_runtime`` in sched_setattr(2))."""

_NUMBERS = {"x86_64": (314, 315), "aarch64": (274, 275)}
"""Of sched_setattr and sched_getattr, for which most C libraries have no function."""


class _Attributes(ctypes.Structure):
    """``struct sched_attr`` of linux/sched/types.h, in its first version."""

    _fields_: ClassVar = [
        *(("size", ctypes.c_uint32), ("policy", ctypes.c_uint32), ("flags", ctypes.c_uint64)),
        *(("nice", ctypes.c_int32), ("priority", ctypes.c_uint32)),
        *(("runtime", ctypes.c_uint64), ("deadline", ctypes.c_uint64)),
        ("period", ctypes.c_uint64),
    ]


def request_short_time_slice() -> None:
    """Shorten those of the calling thread, and of all that it starts.

    A kernel that knows of none (before Linux 6.12) goes on as ever, as does a thread with a
    scheduling policy of its own.
    """
    found = _Attributes(size=ctypes.sizeof(_Attributes))
    if _call(1, found, found.size) and found.policy == os.SCHED_OTHER:
        _call(0, _Attributes(size=found.size, nice=found.nice, runtime=SHORT_SLICE_NS))


def _call(which: int, attributes: _Attributes, *more: int) -> bool:
    """Whether the kernel did it, for the calling thread."""
    numbers = _NUMBERS.get(platform.machine()) if sys.platform == "linux" else None
    if numbers is None:
        return False
    words = [ctypes.c_long(item) for item in (*more, 0)]
    call = ctypes.CDLL(None).syscall
    failed: int = call(
        ctypes.c_long(numbers[which]), ctypes.c_long(0), ctypes.byref(attributes), *words
    )
    return not failed
