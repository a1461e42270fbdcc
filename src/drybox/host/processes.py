"""A unique name for a process, and whether that process is provably gone.

A process id means something in one PID namespace only, and the time at which a process started
in one time namespace only: both belong to the name. What cannot be told is taken for alive. The
supervisor loads this as it starts, so it imports next to nothing.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select

INITIAL_PID_NAMESPACE = 0xEFFFFFFC
"""Its inode, the same on every kernel (``PROC_PID_INIT_INO``): from there all processes show."""

GONE = ""
UNKNOWN = "0"


def identity(pid: int | None = None) -> str:
    """``PID-START-PIDNAMESPACE-TIMENAMESPACE``, all numbers.

    Args:
        pid: A process of this process's own PID namespace; this one itself if None.
    """
    pid = os.getpid() if pid is None else pid
    return f"{pid}-{start_time(pid) or UNKNOWN}-{_namespace('pid')}-{_namespace('time')}"


def is_identity(text: str) -> bool:
    """Whether :func:`identity` may have made it."""
    parts = text.split("-")
    return len(parts) == 4 and all(part.isascii() and part.isdigit() for part in parts)


def is_gone(name: str) -> bool:
    """Whether a process is no more, without doubt.

    Args:
        name: Its :func:`identity`, of the same boot of the same machine.
    """
    pid, started, pid_namespace, time_namespace = name.split("-")
    if UNKNOWN in (pid_namespace, _namespace("pid")):
        return False
    if started == UNKNOWN or time_namespace != _namespace("time"):
        started = ""
    if pid_namespace != _namespace("pid"):
        return _is_nowhere(int(pid), started)
    now = start_time(int(pid))
    if now is None or now == GONE:
        return now == GONE
    return bool(started) and now != started


def start_time(pid: int) -> str | None:
    """When a process started, in clock ticks since boot as this time namespace has it.

    With the process id it names one process for good: ids are used again, pairs are not.

    Args:
        pid: Its id in this process's own PID namespace, whichever one /proc shows.

    Returns:
        ``GONE`` if there is none, or only one that has ended; None if it cannot be told.
    """
    try:
        handle = os.pidfd_open(pid)
    except OSError as error:  # EINVAL: by now the id is only a thread's
        return GONE if error.errno in (errno.ESRCH, errno.EINVAL) else None
    try:
        with open(f"/proc/self/fdinfo/{handle}", "rb") as file:
            lines = dict(line.split(b":", 1) for line in file.read().splitlines() if b":" in line)
        with open(f"/proc/{int(lines[b'Pid'])}/stat", "rb") as file:
            text = file.read()
    except (OSError, KeyError, ValueError):
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return GONE if poll.poll(0) else None
    finally:
        os.close(handle)
    # The name in parentheses may hold anything, so count from its end; fields 3 and 22 of proc(5).
    fields = text.rpartition(b")")[2].split()
    is_dead = fields[0] in (b"Z", b"X")  # but nobody has asked how it ended
    return GONE if is_dead else fields[19].decode("ascii")


def _namespace(kind: str) -> str:
    """The inode of one of this process's namespaces; ``UNKNOWN`` where /proc does not tell."""
    try:
        return str(os.stat(f"/proc/self/ns/{kind}").st_ino)
    except OSError:
        return UNKNOWN


def _is_nowhere(pid: int, started: str) -> bool:
    """Whether no other PID namespace has such a process; only root of the initial one sees all.

    Args:
        pid: Its id in its own namespace.
        started: Its start, or "" if it is of another time namespace.
    """
    if os.geteuid() or _namespace("pid") != str(INITIAL_PID_NAMESPACE):
        return False
    try:
        if os.readlink("/proc/self") != str(os.getpid()):  # some other namespace's
            return False
        for number in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                with open(f"/proc/{number}/status", encoding="utf-8", errors="replace") as file:
                    ids = next(line for line in file if line.startswith("NSpid:")).split()[1:]
                # Not compared by the namespace's inode: root may be kept from seeing it.
                is_candidate = len(ids) > 1 and int(ids[-1]) == pid
                if is_candidate and (not started or start_time(int(number)) in (started, None)):
                    return False
    except (OSError, StopIteration):
        return False
    return True
