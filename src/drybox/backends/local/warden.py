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
from typing import TYPE_CHECKING, Any, NoReturn

from drybox.backends.local import cgroup_tree, kernel

if TYPE_CHECKING:
    from drybox.backends.local.stage import Stage

REMOVE_PATIENCE = 5.0
"""Seconds that a killed process may take until its cgroup is empty."""

IGNORED = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)
"""Signals that a terminal or a service manager sends to all; drybox says when to end."""

SPARES = 2
"""Processes kept ready to become the next sandboxes."""

ORDER_SIZE = 1 << 18
"""Most bytes of an order; a command line has some thousand."""

LENGTH = struct.Struct("<I")


class Spare:
    """A process in a cgroup of its own that waits to be told what to become.

    Args:
        pid: Its id.
        line: The socket that its order goes over.
        cgroups: Folders of its cgroup.
        name: The cgroup's name in each of them.
    """

    def __init__(self, pid: int, line: socket.socket, cgroups: list[str], name: str) -> None:
        self.pid = pid
        self.line = line
        self.cgroups = cgroups
        self.name = name


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
        self._spares: list[Spare] = []
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
                ready = dict(poll.poll(2 if self._closing else 5 if lacks_spares else None))
                if waker.fileno() in ready:
                    waker.recv(4096)
                if self._parent in ready or (
                    self._connection.fileno() in ready and not self._receive()
                ):
                    return
                self._reap()
                self._remove_closing()
                if not ready and lacks_spares:
                    self._spares.append(self._make_spare())
        except (BrokenPipeError, ConnectionResetError):
            return
        finally:
            self._clear()

    def _lacks_spares(self) -> bool:
        """Whether to make a spare as soon as nothing else is to do.

        Not before the first sandbox: one forked before there is a stage would not see it.
        And beside a sandbox only the last: while a process enters a cgroup the kernel lets
        no other fork, start a program or end, which would hold up whatever runs.
        """
        wanted = 1 if len(self._pids) > len(self._closing) else SPARES
        return self._count > 0 and len(self._spares) < wanted

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
            try:
                self._spawn(number, message, fds)
            except OSError as error:
                self._tell(id=number, error=f"{error.strerror}: {error.filename}")
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

    def _spawn(self, number: int, message: dict[str, Any], fds: list[int]) -> None:
        spare = self._spares.pop(0) if self._spares else self._make_spare()
        self._pids[number], self._cgroups[number] = spare.pid, spare.cgroups
        order = json.dumps([message["argv"], message["uid"]]).encode()
        with spare.line:
            socket.send_fds(spare.line, [order], fds)
        self._tell(id=number, cgroup=spare.name)

    def _make_spare(self) -> Spare:
        """A process that waits in a new cgroup for its order to become a bubblewrap.

        Entering a cgroup waits for the kernel's other CPUs, some 10 ms, and a network takes
        long to make: both is done ahead. An ordinary user's bubblewrap makes the network.
        """
        self._count += 1
        cgroups = [f"{instance}/{self._count}" for instance in self._instances]
        for folder in cgroups:
            os.mkdir(folder)
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if not pid:
            _await_order(theirs, cgroups)
        theirs.close()
        return Spare(pid, ours, cgroups, str(self._count))

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


def _await_order(line: socket.socket, cgroups: list[str]) -> NoReturn:
    """What a spare does: enter its cgroup, wait, become the user and bubblewrap."""
    try:
        # Other spares' lines must not be held open here: their end is how those end.
        os.dup2(line.fileno(), 3)
        os.closerange(4, os.sysconf("SC_OPEN_MAX"))
        os.set_inheritable(3, False)
        os.setsid()
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        for number in IGNORED:
            signal.signal(number, signal.SIG_DFL)
        problem: OSError | None = None
        has_network = os.geteuid() == 0
        try:
            cgroup_tree.enter(cgroups)
            if has_network:
                kernel.leave_network()
        except OSError as error:
            problem = error
        order, fds, _, _ = socket.recv_fds(socket.socket(fileno=3), ORDER_SIZE, 2)
        if not order:
            os._exit(0)
        os.dup2(fds[1], 2)
        if problem is not None:
            raise problem
        os.dup2(fds[0], 0)
        os.dup2(fds[0], 1)
        argv, uid = json.loads(order)
        if not has_network and kernel.UNSHARE_NET not in argv:
            raise OSError("this sandbox would have the host's network")
        if uid is not None:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
        os.umask(0o022)
        os.chdir("/")
        os.closerange(3, 64)
        os.execve(argv[0], argv, {})
    except BaseException as error:  # whatever it is, this process must not return
        os.write(2, f"drybox: {error}\n".encode())
    finally:
        os._exit(125)


def main() -> None:
    """Serve the socket on standard input: ``main PARENT_PID MODE [FOLDER...]``."""
    os.setsid() if os.getsid(0) != os.getpid() else None
    connection = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    parent, mode, *folders = sys.argv[1:]
    Warden(connection, int(parent), folders, own_scope=mode == "scope").serve()
