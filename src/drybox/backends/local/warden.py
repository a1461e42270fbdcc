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
from drybox.backends.local.spawner import Spare, Spawner

if TYPE_CHECKING:
    from drybox.backends.local.stage import Stage

REMOVE_PATIENCE = 5.0
"""Seconds that a killed process may take until its cgroup is empty."""

DYING = 0.02
"""Seconds that what bubblewrap's death takes along may need until it is gone."""

IGNORED = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)
"""Signals that a terminal or a service manager sends to all; drybox says when to end."""

SPARES = 2
"""Processes kept ready to become the next sandboxes."""

LENGTH = struct.Struct("<I")


class Warden:
    """Starts, kills and clears away.

    Args:
        connection: The socket to drybox.
        parent: Process id of drybox.
        spawner: Path of the program that forks for it.
        folders: Folders in which the instance's cgroups go.
        own_scope: Make them in this process's own cgroup instead, which is its alone.
    """

    def __init__(
        self,
        connection: socket.socket,
        parent: int,
        spawner: str,
        folders: list[str],
        *,
        own_scope: bool,
    ) -> None:
        self._connection = connection
        self._spawner = Spawner(spawner)
        self._parent = os.pidfd_open(parent)
        self._pids: dict[int, int] = {}  # id of a sandbox -> pid of its bubblewrap
        self._cgroups: dict[int, list[str]] = {}
        self._closing: dict[int, float] = {}  # id -> when patience ends
        self._instances: list[str] = []
        self._buffer = bytearray()
        self._fds: list[int] = []
        self._stage: Stage | None = None
        self._spares: list[Spare] = []
        self._may_stock = False
        self._count = 0
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
                lacks_spares = self._lacks_spares()
                ready = dict(poll.poll(5 if self._closing or lacks_spares else None))
                if waker.fileno() in ready:
                    waker.recv(4096)
                if self._parent in ready or (
                    self._connection.fileno() in ready and not self._receive()
                ):
                    return
                self._reap()
                self._remove_closing()
                if self._lacks_spares() and not (ready and self._spares):
                    self._stock()
        except (BrokenPipeError, ConnectionResetError):
            return
        finally:
            self._clear()

    def _lacks_spares(self) -> bool:
        """Whether to make a spare as soon as nothing else is to do, or at once if there is none.

        Not before the first sandbox: a spawner started before there is a stage would not see it.
        """
        return self._may_stock and len(self._spares) < SPARES

    def _stock(self) -> None:
        """Make a spare; if there can be none, whoever needs one next is told why."""
        try:
            self._spares.append(self._make_spare())
        except OSError:
            self._may_stock = False

    def _receive(self) -> bool:
        fds = array.array("i")
        # The spawner must not hold a sandbox's stream open: its end is how drybox learns of it.
        data, ancillary, _, _ = self._connection.recvmsg(
            65536, socket.CMSG_SPACE(16 * 4), socket.MSG_CMSG_CLOEXEC
        )
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
            try:
                self._spawn(number, message, fds)
            except OSError as error:
                self._tell(id=number, error=f"{error.strerror}: {error.filename}")
            for fd in fds:
                os.close(fd)
        elif message["do"] == "close":
            self._kill_first(number)
            self._closing[number] = time.monotonic() + REMOVE_PATIENCE
        elif message["do"] == "stage":
            try:
                self._tell(id=number, staged=self._build_stage(message))
            except OSError as error:
                self._tell(id=number, error=str(error))

    def _spawn(self, number: int, message: dict[str, Any], fds: list[int]) -> None:
        spare = self._spares.pop(0) if self._spares else self._make_spare()
        self._may_stock = True
        self._pids[number], self._cgroups[number] = spare.pid, spare.cgroups
        spare.order(message["argv"], message["uid"], fds)
        self._tell(id=number, cgroup=spare.name)

    def _make_spare(self) -> Spare:
        """A process that waits in a new cgroup for its order to become a bubblewrap.

        As root it waits in a network of its own, too, which the kernel takes long to make; an
        ordinary user's bubblewrap makes it.
        """
        self._count += 1
        cgroups = [f"{instance}/{self._count}" for instance in self._instances]
        try:
            for folder in cgroups:
                os.mkdir(folder)
            return self._spawner.fork(cgroups)
        except OSError:
            for folder in cgroups:
                cgroup_tree.remove(folder)
            raise

    def _build_stage(self, message: dict[str, Any]) -> list[str]:
        from drybox.backends.local.stage import Stage  # ctypes: only where it is needed

        if self._stage is None:
            self._stage = Stage(message["needed"])
        exposed = [self._stage.expose(path) for path in message["expose"]]
        return [self._stage.build(message["tree"]), *exposed]

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
        self._kill_first(number)

    def _kill_first(self, number: int) -> None:
        """Kill bubblewrap: it takes the sandbox's PID 1 along, and with it everything inside."""
        if self._pids.get(number):
            os.kill(self._pids[number], signal.SIGKILL)

    def _remove_closing(self) -> None:
        now = time.monotonic()
        for number, deadline in list(self._closing.items()):
            if self._pids.get(number) and now < deadline:
                continue
            gone = all(cgroup_tree.remove(f) for f in self._cgroups.get(number, ()))
            if gone or now >= deadline:
                del self._closing[number]
                self._cgroups.pop(number, None)
                self._pids.pop(number, None)
            elif now > deadline - REMOVE_PATIENCE + DYING:
                self._kill(number)

    def _clear(self) -> None:
        for spare in self._spares:
            os.kill(spare.pid, signal.SIGKILL)
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
    """Serve the socket on standard input: ``main PARENT_PID SPAWNER MODE [FOLDER...]``."""
    os.setsid() if os.getsid(0) != os.getpid() else None
    connection = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    parent, spawner, mode, *folders = sys.argv[1:]
    Warden(connection, int(parent), spawner, folders, own_scope=mode == "scope").serve()
