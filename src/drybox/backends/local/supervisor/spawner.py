"""The supervisor's end of the socket to the program that forks for it (``spawner.c``).

The supervisor loads this as it starts, so it imports next to nothing.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Sequence

from drybox.errors import Unavailable

_PID = struct.Struct("<i")


def spawner_path() -> str:
    """Path of the spawner.

    Raises:
        Unavailable: This installation has none.
    """
    machine = os.uname().machine
    path = os.path.join(os.path.dirname(__file__), "bin", f"spawner-{machine}")
    if not os.access(path, os.X_OK):
        raise Unavailable(
            f"this installation of drybox starts no sandboxes on {machine}: {path} is missing.",
            hint="Install drybox from a wheel, or run 'pip install .' in its source tree.",
        )
    return path


class PreforkedProcess:
    """A process in a cgroup of its own that waits to be told what to become.

    Args:
        pid: Its id.
        line: The socket that its order goes over.
        cgroups: Folders of its cgroup.
    """

    def __init__(self, pid: int, line: socket.socket, cgroups: list[str]) -> None:
        self.pid = pid
        self.cgroups = cgroups
        self.name = os.path.basename(cgroups[0]) if cgroups else ""
        self._line = line

    def order(self, argv: Sequence[str], user: str, devices: str, fds: Sequence[int]) -> None:
        """Say what it is to become.

        Args:
            argv: The command line.
            user: Who to be, as ``spawner.c`` spells it.
            devices: Folder in which it is to have device nodes of its own; "" for none.
            fds: Its standard input and output, its standard error, perhaps its descriptor 3 and
                the template's whose namespaces it joins.

        Raises:
            OSError: It is gone.
        """
        with self._line:
            words = _message([user, devices or "-", *argv])
            socket.send_fds(self._line, [words], list(fds))


class Spawner:
    """Makes processes that are children of this one. It starts with the first of them.

    Args:
        path: The program.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._control: socket.socket | None = None

    def fork(self, cgroups: list[str]) -> PreforkedProcess:
        """A new process in these cgroups.

        Raises:
            OSError: There could be none.
        """
        ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        try:
            with theirs:
                pid = self._ask(entries(cgroups), theirs.fileno())
        except BaseException:
            ours.close()
            raise
        return PreforkedProcess(pid, ours, cgroups)

    def close(self) -> None:
        """Have it end, if it has started."""
        if self._control is not None:
            self._control.close()
            self._control = None

    def _ask(self, entries: list[str], line: int) -> int:
        if self._control is None:
            self._control = self._start()
        try:
            socket.send_fds(self._control, [_message(entries)], [line])
            answer = self._control.recv(_PID.size)
        except OSError:
            answer = b""
        if not answer:  # it was killed; the next one is a new one
            self._control.close()
            self._control = None
            raise ChildProcessError(0, "it has ended", self._path)
        (pid,) = _PID.unpack(answer)
        if pid < 0:
            raise OSError(-pid, os.strerror(-pid), "fork")
        return int(pid)

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        with theirs:
            actions = [(os.POSIX_SPAWN_DUP2, theirs.fileno(), 0)]
            os.posix_spawn(self._path, [self._path], {}, file_actions=actions)
        return ours


def entries(cgroups: list[str]) -> list[str]:
    """How a process enters, then the files that it does so by.

    Entering by ``cgroup.procs`` has every other process of the host wait that forks, starts a
    program or ends. Being born in a cgroup of version 2 does not, nor, for a process of one
    thread, what version 1 calls ``tasks``.
    """
    if any(os.path.exists(f"{folder}/tasks") for folder in cgroups):
        return ["move", *(f"{folder}/tasks" for folder in cgroups)]
    return ["born", *(f"{folder}/cgroup.procs" for folder in cgroups)]


def _message(words: Sequence[str]) -> bytes:
    return b"".join(os.fsencode(word) + b"\0" for word in words)
