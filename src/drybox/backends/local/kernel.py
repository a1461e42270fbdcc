"""Small questions to the kernel about processes."""

from __future__ import annotations


def start_time(pid: int) -> str:
    """When a process started, in clock ticks since boot; "" if there is none.

    With the process id it names one process for good: ids are used again, pairs are not.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except OSError:
        return ""
    # The name in parentheses may hold anything, so count from its end; fields 3 and 22 of proc(5).
    fields = text.rpartition(b")")[2].split()
    is_dead = fields[0] in (b"Z", b"X")  # but nobody has asked how it ended
    return "" if is_dead else fields[19].decode("ascii")


def is_alive(pid: int, started: str) -> bool:
    """Whether the process with this id is the one that started then."""
    return start_time(pid) == started
