"""The process that starts sandboxes, and clears them away when drybox dies.

It has one thread and knows nothing of jobs. drybox talks to it over a Unix socket:
a 32-bit length and JSON, with the file descriptors of a new sandbox beside it. When
drybox ends, in whatever way, the warden kills every sandbox, takes away every cgroup
and ends too. It runs in a session of its own, out of reach of the terminal's signals.
Standard library only, and little of it: its start is part of the first run's time.
"""

from __future__ import annotations

import array
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from typing import TYPE_CHECKING, Any

from drybox.backends.local import cgroup_tree

if TYPE_CHECKING:
    from drybox.backends.local.stage import Stage

REMOVE_PATIENCE = 5.0
"""Seconds that a killed process may take until its cgroup is empty."""

LENGTH = struct.Struct("<I")


class Warden:
    """Starts, kills and clears away.

    Args:
        connection: The socket to drybox.
        parent: Process id of drybox.
        folders: Folders in which the instance's cgroups go.
        own_scope: Make them in this process's own cgroup instead, which is its alone.
    """

    def __init__(
        self, connection: socket.socket, parent: int, folders: list[str], *, own_scope: bool
    ) -> None:
        self._connection = connection
        self._parent = os.pidfd_open(parent)
        self._pids: dict[int, int] = {}  # id of a sandbox -> pid of its bubblewrap
        self._cgroups: dict[int, list[str]] = {}
        self._closing: dict[int, float] = {}  # id -> when patience ends
        self._instances: list[str] = []
        self._buffer = bytearray()
        self._fds: list[int] = []
        self._stage: Stage | None = None
        for left in cgroup_tree.abandoned(folders):
            cgroup_tree.kill_all(left)
            self._remove_patiently(left)
        scope = ""
        if own_scope:
            scope = self._leave_scope_root()
            folders = [scope]
        try:
            self._instances = [cgroup_tree.make_instance(f, os.getpid()) for f in folders]
        except OSError as error:
            self._tell(error=f"{error.strerror}: {error.filename}")
            raise SystemExit(1) from None
        self._tell(instances=self._instances, scope=scope)

    def _leave_scope_root(self) -> str:
        """Move to a leaf: a cgroup with processes may not hand controllers down."""
        path = cgroup_tree.read("/proc/self/cgroup").strip().rpartition("::")[2]
        scope = "/sys/fs/cgroup" + path
        os.mkdir(f"{scope}/warden")
        cgroup_tree.enter([f"{scope}/warden"])
        cgroup_tree.enable(scope)
        return scope

    def serve(self) -> None:
        """Do as drybox says until it is gone; then clear everything away."""
        waker, wake = socket.socketpair()
        waker.setblocking(False)
        wake.setblocking(False)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        poll = select.poll()
        for item in (self._connection, self._parent, waker):
            poll.register(item, select.POLLIN)
        try:
            while True:
                # An empty cgroup sends no signal, so those on their way out are polled.
                ready = dict(poll.poll(2 if self._closing else None))
                if waker.fileno() in ready:
                    waker.recv(4096)
                if self._parent in ready or (
                    self._connection.fileno() in ready and not self._receive()
                ):
                    return
                self._reap()
                self._remove_closing()
        except (BrokenPipeError, ConnectionResetError):
            return
        finally:
            self._clear()

    def _receive(self) -> bool:
        fds = array.array("i")
        data, ancillary, _, _ = self._connection.recvmsg(65536, socket.CMSG_SPACE(16 * 4))
        for level, kind, payload in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds.frombytes(payload[: len(payload) - len(payload) % fds.itemsize])
        self._fds += fds
        self._buffer += data
        while len(self._buffer) >= LENGTH.size:
            (size,) = LENGTH.unpack_from(self._buffer)
            if len(self._buffer) < LENGTH.size + size:
                break
            message = json.loads(self._buffer[LENGTH.size : LENGTH.size + size])
            del self._buffer[: LENGTH.size + size]
            self._obey(message)
        return bool(data)

    def _obey(self, message: dict[str, Any]) -> None:
        number = message["id"]
        if message["do"] == "spawn":
            fds, self._fds = self._fds[:2], self._fds[2:]
            self._cgroups[number] = message["cgroups"]
            self._pids[number] = self._spawn(message, *fds)
            for fd in fds:
                os.close(fd)
        elif message["do"] == "close":
            self._kill(number)
            self._closing[number] = time.monotonic() + REMOVE_PATIENCE
        elif message["do"] == "stage":
            try:
                self._tell(id=number, staged=self._build_stage(message))
            except OSError as error:
                self._tell(id=number, error=str(error))

    def _build_stage(self, message: dict[str, Any]) -> list[str]:
        from drybox.backends.local.stage import Stage  # ctypes: only where it is needed

        if self._stage is None:
            self._stage = Stage(message["needed"])
        exposed = [self._stage.expose(path) for path in message["expose"]]
        return [self._stage.build(message["tree"]), *exposed]

    def _spawn(self, message: dict[str, Any], stream: int, errors: int) -> int:
        pid = os.fork()
        if pid:
            return pid
        try:
            os.setsid()
            os.dup2(errors, 2)
            os.dup2(stream, 0)
            os.dup2(stream, 1)
            for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            cgroup_tree.enter(message["cgroups"])
            if message["uid"] is not None:
                os.setgroups([])
                os.setresgid(message["uid"], message["uid"], message["uid"])
                os.setresuid(message["uid"], message["uid"], message["uid"])
            os.umask(0o022)
            os.chdir("/")
            os.execve(message["argv"][0], message["argv"], {})
        except BaseException as error:  # whatever it is, this process must not return
            os.write(2, f"drybox: {error}\n".encode())
        finally:
            os._exit(125)

    def _reap(self) -> None:
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            for number, known in self._pids.items():
                if known == pid:
                    self._pids[number] = 0

    def _kill(self, number: int) -> None:
        for folder in self._cgroups.get(number, ()):
            cgroup_tree.kill_all(folder)
        if self._pids.get(number):
            # Its death takes the sandbox's PID 1 along, and with it everything inside.
            os.kill(self._pids[number], signal.SIGKILL)

    def _remove_closing(self) -> None:
        now = time.monotonic()
        for number, deadline in list(self._closing.items()):
            if self._pids.get(number) and now < deadline:
                continue
            removed = [cgroup_tree.remove(f) for f in self._cgroups.get(number, ())]
            gone = all(removed)
            if gone or now >= deadline:
                del self._closing[number]
                self._cgroups.pop(number, None)
                self._pids.pop(number, None)
                self._tell(id=number, closed=gone)
            else:
                self._kill(number)

    def _clear(self) -> None:
        for number in list(self._cgroups):
            self._kill(number)
        for folder in self._instances:
            cgroup_tree.kill_all(folder)
        for folder in self._instances:
            self._remove_patiently(folder)

    def _remove_patiently(self, folder: str) -> None:
        deadline = time.monotonic() + REMOVE_PATIENCE
        while not cgroup_tree.remove(folder) and time.monotonic() < deadline:
            cgroup_tree.kill_all(folder)
            self._reap()
            time.sleep(0.001)

    def _tell(self, **message: Any) -> None:
        data = json.dumps(message).encode()
        self._connection.sendall(LENGTH.pack(len(data)) + data)


def main() -> None:
    """Serve the socket on standard input: ``main PARENT_PID MODE [FOLDER...]``."""
    os.setsid() if os.getsid(0) != os.getpid() else None
    connection = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    parent, mode, *folders = sys.argv[1:]
    Warden(connection, int(parent), folders, own_scope=mode == "scope").serve()
