"""What the host does beside attacks, and how long it takes: to be compared with and without one."""

from __future__ import annotations

import fcntl
import mmap
import os
import resource
import socket
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MOST = 2.0
"""Times as long as without an attack that an operation may take beside it."""

AT_ONCE = 0.06
"""Seconds for which an operation is tried in one turn."""

LEAST_TRIES = 12

SHARED = os.path.realpath(os.__file__)
"""A file that attacks are on, for sandboxes have it too."""


def _open() -> None:
    os.close(os.open(SHARED, os.O_RDONLY))


def _take_memory() -> None:
    with mmap.mmap(-1, 1 << 20) as piece:
        for at in range(0, 1 << 20, 4096):
            piece[at] = 1


def _start() -> None:
    os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)


def _write() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(bytes(16_384))


def _connect() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()),
    ):
        server.accept()[0].close()


def _pipe() -> None:
    for end in os.pipe():
        os.close(end)


@contextmanager
def operations() -> Iterator[dict[str, Callable[[], object]]]:
    """What the host does, by name."""
    shared = os.open(SHARED, os.O_RDONLY)
    near, far = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    one, other = socket.socketpair()
    with near, far, one, other, tempfile.TemporaryFile() as file:
        far.bind(("127.0.0.1", 0))
        near.connect(far.getsockname())

        def lock() -> None:
            fcntl.lockf(file, fcntl.LOCK_EX)
            fcntl.lockf(file, fcntl.LOCK_UN)

        def talk() -> None:
            near.send(b"x" * 1000)
            far.recv(2000)

        def pass_on() -> None:
            rights = struct.pack("i", shared)
            one.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
            _, found, _, _ = other.recvmsg(1, socket.CMSG_SPACE(4))
            os.close(struct.unpack("i", found[0][2])[0])

        yield {
            "read a shared file": lambda: os.pread(shared, 16, 0),
            "open a shared file": _open,
            "lock a file": lock,
            "talk over the loopback": talk,
            "connect over the loopback": _connect,
            "take memory": _take_memory,
            "start a process": _start,
            "write a file": _write,
            "list interfaces": socket.if_nameindex,
            "pass a descriptor on": pass_on,
            "make a pipe": _pipe,
        }
        os.close(shared)


def _cpu_time() -> float:
    """CPU seconds that this process and its children have had."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + used.ru_utime + used.ru_stime


CLOCKS = {"start a process": _cpu_time, "take memory": time.thread_time}
"""What takes long enough for others to get the CPU meanwhile is measured in CPU time."""


def times_of(name: str, operation: Callable[[], object]) -> list[float]:
    """Seconds that each of some tries takes."""
    clock = CLOCKS.get(name, time.perf_counter)
    times, last = list[float](), time.monotonic() + AT_ONCE
    while time.monotonic() < last or len(times) < LEAST_TRIES:
        begun = clock()
        operation()
        times.append(clock() - begun)
    return times
