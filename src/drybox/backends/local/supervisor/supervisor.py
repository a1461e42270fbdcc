"""The process that starts sandboxes, and removes them when drybox dies.

It has one thread and knows nothing of jobs. drybox talks to it over a Unix socket:
a 32-bit length and JSON, with the file descriptors of a new sandbox beside it. When
drybox ends, in whatever way, the supervisor kills every sandbox, takes away every cgroup
and ends too. It runs in a session of its own, out of reach of the terminal's signals.
Standard library only, and little of it: its start is part of the first run's time.
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from typing import TYPE_CHECKING, Any

from drybox.backends.local.cgroups import tree
from drybox.backends.local.supervisor.spawner import PreforkedProcess, Spawner
from drybox.backends.local.supervisor.templates import Templates

if TYPE_CHECKING:
    from drybox.backends.local.rootfs.mount_namespace import MountNamespace

REMOVE_TIMEOUT = 5.0
"""Seconds that a killed process may take until its cgroup is empty."""

DYING = 0.02
"""Seconds that what bubblewrap's death takes along may need until it is gone."""

IGNORED = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)
"""Signals that a terminal or a service manager sends to all; drybox says when to end."""

PREFORKED = 2
"""Processes kept ready to become the next sandboxes, once there was a second one: a command that
runs one program ends before it would have any use of them."""

PR_SET_CHILD_SUBREAPER = 36

LENGTH = struct.Struct("<I")


class Supervisor:
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
        self._closing: dict[int, float] = {}  # id -> when it has had time enough
        self._cpu: dict[int, float | None] = {}  # id -> what somebody waits to be told
        self._instances: list[str] = []
        self._buffer = bytearray()
        self._fds: list[int] = []
        self._mount_namespace: MountNamespace | None = None
        self._preforked: list[PreforkedProcess] = []
        self._templates = Templates()
        self._may_prefork = False
        self._count = 0
        for left in tree.abandoned(folders):
            tree.kill_all(left)
            self._remove_with_retries(left)
        scope = ""
        if own_scope:
            scope = self._leave_scope_root()
            folders = [scope]
        try:
            for folder in folders:
                self._instances.append(tree.make_instance(folder, os.getpid()))
            self._tell(instances=self._instances, scope=scope)
        except OSError as error:
            self._clear()
            with contextlib.suppress(OSError):  # drybox may have gone meanwhile
                self._tell(error=f"{error.strerror}: {error.filename}")
            raise SystemExit(1) from None

    def _leave_scope_root(self) -> str:
        """Move to a leaf: a cgroup with processes may not hand controllers down."""
        path = tree.read("/proc/self/cgroup").strip().rpartition("::")[2]
        scope = "/sys/fs/cgroup" + path
        os.mkdir(f"{scope}/supervisor")
        tree.enter([f"{scope}/supervisor"])
        tree.enable(scope)
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
                lacks_preforked = self._lacks_preforked()
                ready = dict(poll.poll(5 if self._closing or lacks_preforked else None))
                if waker.fileno() in ready:
                    waker.recv(4096)
                if self._parent in ready or (
                    self._connection.fileno() in ready and not self._receive()
                ):
                    return
                self._reap()
                self._remove_closing()
                if self._lacks_preforked() and not (ready and self._preforked):
                    self._prefork()
        except (BrokenPipeError, ConnectionResetError):
            return
        finally:
            self._clear()

    def _lacks_preforked(self) -> bool:
        """Whether to prefork a process when idle, or at once if there is none.

        Not before the second sandbox, and never before the first: a spawner started before there
        is a mount namespace would not see it.
        """
        return self._may_prefork and len(self._preforked) < PREFORKED

    def _prefork(self) -> None:
        """Make a preforked process; if there can be none, whoever needs one next is told why."""
        try:
            self._preforked.append(self._make_preforked())
        except OSError:
            self._may_prefork = False

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
            self._templates.end(number)
            self._kill_first(number)
            if message.get("tell"):
                self._cpu[number] = None
            self._closing[number] = time.monotonic() + REMOVE_TIMEOUT
        elif message["do"] == "mount":
            try:
                self._tell(id=number, mounted=self._build_tree(message))
            except OSError as error:
                self._tell(id=number, error=str(error))

    def _spawn(self, number: int, message: dict[str, Any], fds: list[int]) -> None:
        preforked = self._preforked.pop(0) if self._preforked else self._make_preforked()
        self._may_prefork = self._count > 1
        self._pids[number], self._cgroups[number] = preforked.pid, preforked.cgroups
        with contextlib.ExitStack() as stack:
            if message["key"]:
                fds = [*fds, *stack.enter_context(self._templates.begin(number, message["key"]))]
            elif message["template"]:
                pid, cgroups = self._pids.get(message["template"], 0), preforked.cgroups
                fork = self._templates.fork(message["template"], pid, cgroups)
                fds = [*fds, *stack.enter_context(fork)]
            preforked.order(message["argv"], message["user"], message["devices"], fds)
        self._tell(id=number, cgroup=preforked.name)

    def _make_preforked(self) -> PreforkedProcess:
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
                tree.remove(folder)
            raise

    def _build_tree(self, message: dict[str, Any]) -> list[str]:
        from drybox.backends.local.rootfs.mount_namespace import (
            MountNamespace,  # ctypes: only where it is needed
        )

        if self._mount_namespace is None:
            self._mount_namespace = MountNamespace(message["needed"])
        exposed = [self._mount_namespace.expose(path) for path in message["expose"]]
        return [self._mount_namespace.build(message["tree"]), *exposed]

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
            tree.kill_all(folder)
        self._kill_first(number)

    def _kill_first(self, number: int) -> None:
        """Kill bubblewrap: it takes the sandbox's PID 1 along, and with it everything inside.

        Its whole process group: its child, which becomes that PID 1, waits for ever for one that
        dies before it has told it to go on, and where there is no cgroup nothing else ends it.
        """
        for folder in self._cgroups.get(number, ()):
            tree.thaw(folder)
        pid = self._pids.get(number)
        if pid:
            try:
                os.killpg(pid, signal.SIGKILL)
            except ProcessLookupError:  # it has no group of its own yet
                os.kill(pid, signal.SIGKILL)

    def _remove_closing(self) -> None:
        now = time.monotonic()
        for number, deadline in list(self._closing.items()):
            if self._pids.get(number) and now < deadline:
                continue
            folders = self._cgroups.get(number, ())
            if number in self._cpu:
                self._cpu[number] = tree.cpu_seconds(folders) or self._cpu[number]
            gone = all(tree.remove(f) for f in folders)
            if gone or now >= deadline:
                del self._closing[number]
                self._cgroups.pop(number, None)
                self._pids.pop(number, None)
                if number in self._cpu:
                    self._tell(id=number, cpu=self._cpu.pop(number))
            elif now > deadline - REMOVE_TIMEOUT + DYING:
                self._kill(number)

    def _clear(self) -> None:
        _adopt_orphans()
        for preforked in self._preforked:
            os.kill(preforked.pid, signal.SIGKILL)
        for number in list(self._cgroups):
            self._kill(number)
        for folder in self._instances:
            tree.kill_all(folder)
        for folder in self._instances:
            self._remove_with_retries(folder)
        self._spawner.close()
        self._wait_for_children()

    def _wait_for_children(self) -> None:
        """Wait until all are gone: a dead one has a number until its parent takes note of it.

        The host's first process may take seconds to.
        """
        deadline = time.monotonic() + REMOVE_TIMEOUT
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0] or time.monotonic() < deadline:
                time.sleep(0.001)

    def _remove_with_retries(self, folder: str) -> None:
        deadline = time.monotonic() + REMOVE_TIMEOUT
        while not tree.remove(folder) and time.monotonic() < deadline:
            tree.kill_all(folder)
            self._reap()
            time.sleep(0.001)

    def _tell(self, **message: Any) -> None:
        data = json.dumps(message).encode()
        self._connection.sendall(LENGTH.pack(len(data)) + data)


def _adopt_orphans() -> None:
    """Become the parent of what loses its own: an init whose bubblewrap dies before it."""
    import ctypes  # loaded where there is a mount namespace

    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def main() -> None:
    """Serve the socket on standard input, once a first message there has said for whom."""
    os.setsid() if os.getsid(0) != os.getpid() else None
    connection = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    _load_what_the_first_sandbox_takes()
    begin = _receive_first(connection)
    if begin is not None:
        Supervisor(connection, **begin).serve()
    # The interpreter's own end would take time that drybox waits for.
    sys.stderr.flush()
    os._exit(0)


def _load_what_the_first_sandbox_takes() -> None:
    """While drybox still loads its own modules."""
    import drybox.backends.local.rootfs.mount_namespace  # noqa: F401  # with ctypes


def _receive_first(connection: socket.socket) -> dict[str, Any] | None:
    """The arguments of a supervisor; None if drybox has gone before it needed one."""
    try:
        head = connection.recv(LENGTH.size, socket.MSG_WAITALL)
        if len(head) < LENGTH.size:
            return None
        data = connection.recv(LENGTH.unpack(head)[0], socket.MSG_WAITALL)
        message: dict[str, Any] = json.loads(data)
    except (ConnectionResetError, ValueError):  # half a message is the end, too
        return None
    return message
