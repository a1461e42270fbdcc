"""Small questions to the kernel about processes, and what it does for one."""

from __future__ import annotations

UNSHARE_NET = "--unshare-net"
"""With it bubblewrap makes the network namespace; without, whoever starts it must have."""

_CLONE_NEWNET = 0x4000_0000
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1


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


def leave_network() -> None:
    """Give the calling process a network namespace with nothing in it but a loopback of its own.

    Raises:
        OSError: The kernel does not allow it.
    """
    import ctypes
    import fcntl
    import os
    import socket
    import struct

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "network namespace")
    # The loopback that the old namespace's sockets would name is not this one: ask in the new.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        fcntl.ioctl(asking, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", _IFF_UP))
