"""A container's own cgroup, where the daemon is on this host and lets itself be looked at.

Two things are better settled with the kernel than with the daemon. Why a container ended, a daemon
learns from a process that may have ended, or found the cgroup gone, before it told: on a busy
machine one container in some dozens then looks as if somebody had killed it. And version 1 counts
socket buffers apart, for which no daemon sets a limit.
"""

from __future__ import annotations

import contextlib
import os
import time

MOUNT = "/sys/fs/cgroup"

SOCKET_LIMIT = "memory.kmem.tcp.limit_in_bytes"

SOCKET_SHARE = 4
"""One in so many bytes of memory may be socket buffers, as in local sandboxes."""

REMOVAL_TIMEOUT = 1.0
"""Seconds in which the kernel tells that a cgroup is gone."""

LOOK_DELAY = 0.02


class ContainerCgroup:
    """The cgroup of one container. Every call here is quick, but :meth:`ran_out`, which blocks.

    Args:
        container: The daemon's word for it.
        pid: Its first process, as the daemon knows it; on another host it is somebody else's here.
    """

    def __init__(self, container: str, pid: int) -> None:
        self._fd = self._signals = -1
        self._folder = ""
        with contextlib.suppress(OSError):
            self._open(container, _cgroup_of(pid))

    def _open(self, container: str, paths: dict[str, str]) -> None:
        """Have the kernel signal what happens, with version 1; else keep its count open."""
        folder = MOUNT + paths.get("", "")
        if container in folder and os.path.exists(f"{folder}/memory.events"):
            self._folder = folder
            self._fd = os.open(f"{folder}/memory.events", os.O_RDONLY | os.O_CLOEXEC)
            return
        folder = f"{MOUNT}/memory{paths.get('memory', '')}"
        if container not in folder:
            return
        self._folder = folder
        self._fd = os.open(f"{folder}/memory.oom_control", os.O_RDONLY | os.O_CLOEXEC)
        signals = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        try:
            with open(f"{folder}/cgroup.event_control", "w", encoding="ascii") as control:
                control.write(f"{signals} {self._fd}")
        except OSError:  # only root may
            os.close(signals)
        else:
            self._signals = signals

    def limit_sockets(self, memory: int) -> None:
        """Bound the buffers of TCP and UDP to a share of its memory, where they count apart.

        Args:
            memory: Bytes of all memory that it may have.
        """
        path = f"{self._folder}/{SOCKET_LIMIT}"
        if self._folder and os.path.exists(path):
            with contextlib.suppress(OSError), open(path, "w", encoding="ascii") as file:
                file.write(str(memory // SOCKET_SHARE))

    def ran_out(self) -> bool | None:
        """Whether memory was short in there; None where that cannot be known. Blocks.

        The container must have ended.
        """
        if self._fd < 0:
            return None
        with contextlib.suppress(OSError, ValueError):
            text = os.pread(self._fd, 4096, 0).decode()
            figures = dict(line.split() for line in text.splitlines())
            if int(figures.get("oom_kill", 0)):
                return True
            if os.path.exists(self._folder):
                return False
        if self._signals < 0:
            return None
        # It is gone. That is one signal; every other was for want of memory.
        count, deadline = 0, time.monotonic() + REMOVAL_TIMEOUT
        while count < 2 and time.monotonic() < deadline:
            try:
                count += os.eventfd_read(self._signals)
            except BlockingIOError:
                time.sleep(LOOK_DELAY)
        return count > 1

    def close(self) -> None:
        """Let go of it."""
        for fd in (self._fd, self._signals):
            if fd >= 0:
                os.close(fd)
        self._fd = self._signals = -1


def _cgroup_of(pid: int) -> dict[str, str]:
    """Paths of a process's cgroups, by controller."""
    paths: dict[str, str] = {}
    with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
        for line in file:
            _, names, path = line.rstrip("\n").split(":", 2)
            paths |= dict.fromkeys(names.split(","), path)
    return paths
