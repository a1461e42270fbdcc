"""A cgroup for each sandbox: where it may be, its limits, what it used.

Version 2 comes first; the separate hierarchies of version 1 serve where the
controllers still live there. The supervisor puts processes in and takes cgroups away
(``tree.py``); this module makes those of the sandboxes and reads them.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from drybox.backends.local.cgroups.peak_memory import PeakMemory
from drybox.backends.local.cgroups.tree import (
    CONTROLLERS,
    FREEZER,
    USUAL_WEIGHT,
    enable,
    read,
    weigh,
    write,
)

V2_MOUNT = "/sys/fs/cgroup"
LEAF = "server"
"""Where a process goes that has its cgroup for itself."""

MOST_READ = 16 * 1024
"""Bytes of a file of the kernel's; all of those read here have less than a page."""

PERIOD_US = 100_000  # the kernel's default for cpu.max and cfs_period_us

SOCKET_LIMIT = "memory.kmem.tcp.limit_in_bytes"
"""Version 1 counts the buffers of TCP and UDP sockets apart, and only where this is set."""

SOCKET_SHARE = 4
"""A socket buffer is refused beyond one in so many bytes of memory, for version 1 has no limit for
both together; see ``socket_watch.py``."""


@dataclass(frozen=True, slots=True)
class CgroupLocation:
    """A cgroup below which sandboxes may have theirs.

    Attributes:
        version: 1 or 2, or 0 where there is none.
        dirs: Folder by controller; with version 2 all the same.
        missing: Guarantees that cannot be enforced here, and why.
        needs_scope: There is none yet; the systemd user manager can give one.
    """

    version: int
    dirs: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    needs_scope: bool = False

    @property
    def folders(self) -> tuple[str, ...]:
        """Every folder once."""
        return tuple(dict.fromkeys(self.dirs.values()))


def own_paths(pid: str = "self") -> dict[str, str]:
    """The cgroup of a process by controller; the key of version 2 is ""."""
    paths = {}
    for line in read(f"/proc/{pid}/cgroup").splitlines():
        _, names, path = line.split(":", 2)
        for name in names.split(","):
            paths[name] = path
    return paths


def find_location() -> CgroupLocation:
    """Where this process may make cgroups; see :class:`CgroupLocation`."""
    if os.path.exists(f"{V2_MOUNT}/cgroup.controllers"):
        return _find_v2()
    return _find_v1()


def step_aside(mount: str = V2_MOUNT) -> None:
    """Make room where this process is alone in a cgroup that was delegated to it.

    Service managers and containers start a process in the very cgroup that it may divide up, and
    one with processes hands no controllers down. The process goes into a leaf of it, where all
    that bounds it still does.
    """
    own = os.path.normpath(mount + own_paths().get("", "/"))
    is_alone = read(f"{own}/cgroup.procs").split() == [str(os.getpid())]
    if os.path.basename(own) == LEAF or not is_alone or not _is_delegated(own, mount):
        return
    with contextlib.suppress(OSError):  # then it stays, and its location is looked for elsewhere
        os.makedirs(f"{own}/{LEAF}", exist_ok=True)
        write(f"{own}/{LEAF}/cgroup.procs", "0")


def _is_delegated(folder: str, mount: str) -> bool:
    """Whether a cgroup is this process's to divide up; root may write to those that are not."""
    if not os.access(f"{folder}/cgroup.subtree_control", os.W_OK):
        return False
    if os.geteuid() or folder == mount:  # the root of a container's own view
        return True
    try:
        return os.getxattr(folder, "trusted.delegate") == b"1"  # as systemd marks it
    except OSError:
        return False


def _find_v2() -> CgroupLocation:
    own = os.path.normpath(V2_MOUNT + own_paths().get("", "/"))
    at = own
    while at.startswith(V2_MOUNT):
        if _can_hold_sandboxes(at, own):
            return scope_location(at)
        at = os.path.dirname(at)
    if os.geteuid() and _user_manager():
        return CgroupLocation(2, needs_scope=True)
    why = "no cgroup is delegated to this user"
    return CgroupLocation(0, missing=dict.fromkeys(CONTROLLERS, why))


def scope_location(folder: str) -> CgroupLocation:
    """A version 2 folder as a location, with its controllers handed down."""
    enable(folder)
    active = read(f"{folder}/cgroup.subtree_control").split()
    missing = {
        what: f"the {controller} controller is not delegated to {folder}"
        for what, controller in CONTROLLERS.items()
        if controller not in active
    }
    return CgroupLocation(2, dict.fromkeys(active, folder) or {"": folder}, missing)


def _can_hold_sandboxes(folder: str, own: str) -> bool:
    """Version 2 lets a cgroup have processes or children with controllers, not both.

    A process also enters only where its starter may write to the common ancestor.
    """
    if not all(
        os.access(f"{folder}/{name}", os.W_OK)
        for name in (".", "cgroup.procs", "cgroup.subtree_control")
    ):
        return False
    is_root = not os.path.exists(f"{folder}/cgroup.type")
    return is_root or (folder != own and not read(f"{folder}/cgroup.procs").strip())


def _user_manager() -> bool:
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    return os.path.exists(f"{runtime}/systemd/private") or os.path.exists(f"{runtime}/bus")


def _find_v1() -> CgroupLocation:
    mounts = _v1_mounts()
    own = own_paths()
    dirs, missing = {}, {}
    for what, controller in (*CONTROLLERS.items(), (None, "cpuacct"), (None, "freezer")):
        mount = mounts.get(controller)
        folder = os.path.normpath(f"{mount}/{own.get(controller, '/')}") if mount else ""
        if folder and os.access(folder, os.W_OK | os.X_OK):
            dirs[controller] = folder
        elif what is not None:
            missing[what] = (
                f"{folder} is not writable by this user"
                if folder
                else f"the kernel has no {controller} cgroup controller mounted"
            )
    memory = dirs.get("memory")
    if memory and not os.path.exists(f"{memory}/{SOCKET_LIMIT}"):
        missing["memory"] = f"the kernel does not bound socket buffers: there is no {SOCKET_LIMIT}"
    return CgroupLocation(1 if dirs else 0, dirs, missing)


def _v1_mounts() -> dict[str, str]:
    mounts: dict[str, str] = {}
    for line in read("/proc/self/mounts").splitlines():
        _, target, kind, options = line.split()[:4]
        if kind == "cgroup":
            for option in options.split(","):
                mounts.setdefault(option, target)
    return mounts


@dataclass(frozen=True, slots=True)
class Limits:
    """What a cgroup enforces: bytes, share of a CPU, processes; None leaves it open."""

    memory: int
    cpus: float
    pids: int


class Used(NamedTuple):
    """What a sandbox has used since it was made; None for what is not measured.

    Attributes:
        cpu_seconds: CPU time of everything that ever ran in it.
        oom_kills: How many processes the kernel killed for the memory limit.
        peak_memory: Most bytes of memory at once.
    """

    cpu_seconds: float | None
    oom_kills: int
    peak_memory: int | None


class Cgroup:
    """The cgroup of one sandbox, which the supervisor made.

    Args:
        location: The instance's location.
        name: The folder's name in it.
    """

    def __init__(self, location: CgroupLocation, name: str) -> None:
        self._v2 = location.version == 2
        self._dirs = {key: f"{folder}/{name}" for key, folder in location.dirs.items()}
        self._applied: Limits | None = None
        self._weight = USUAL_WEIGHT
        self._open: dict[str, int] = {}
        self._closed = False

    def close(self) -> None:
        """Let go of its files; nothing is measured any more."""
        self._closed = True
        while self._open:
            os.close(self._open.popitem()[1])

    def apply(self, limits: Limits) -> None:
        """Set the limits of the next command.

        Raises:
            OSError: The kernel refused one; it is not enforced.
        """
        if limits == self._applied:
            return
        self._applied = None
        quota = max(1000, int(limits.cpus * PERIOD_US))  # the kernel's least is 1 ms
        if self._v2:
            self._set("memory", "memory.max", limits.memory)
            self._set("memory", "memory.swap.max", 0, optional=True)  # no swap, no file
            self._set("cpu", "cpu.max", f"{quota} {PERIOD_US}")
        else:
            self._set_v1_memory(limits.memory)
            self._set("memory", SOCKET_LIMIT, limits.memory // SOCKET_SHARE, optional=True)
            self._set("cpu", "cpu.cfs_period_us", PERIOD_US)
            self._set("cpu", "cpu.cfs_quota_us", quota)
        self._set("pids", "pids.max", limits.pids)
        self._applied = limits

    def _set_v1_memory(self, limit: int) -> None:
        # memory.limit may never exceed memory+swap, so the order depends on the direction.
        names = ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"]
        old = self._get("memory", names[0])
        if old is not None and old < limit:
            names.reverse()
        for name in names:
            self._set("memory", name, limit, optional="memsw" in name)

    def weigh(self, weight: int) -> None:
        """Set its share of the CPUs beside other sandboxes; no limit, and none is lost without.

        Args:
            weight: See :func:`drybox.backends.local.cgroups.tree.weigh`.
        """
        if weight != self._weight and not self._closed and "cpu" in self._dirs:
            self._weight = weight
            weigh(self._dirs["cpu"], weight)

    def freeze(self, *, frozen: bool) -> None:
        """Have the kernel stop everything in it, or let it go on.

        Raises:
            OSError: It cannot.
        """
        if self._v2:
            folder = next(iter(self._dirs.values()))
            write(f"{folder}/cgroup.freeze", str(int(frozen)))
        elif "freezer" in self._dirs:
            write(f"{self._dirs['freezer']}/{FREEZER}", "FROZEN" if frozen else "THAWED")
        else:
            raise OSError(errno.ENOENT, "there is no freezer controller")

    def is_frozen(self) -> bool:
        """Whether everything in it stands still; it takes a moment until all does."""
        if self._v2:
            folder = next(iter(self._dirs.values()))
            return _field(self._read(f"{folder}/cgroup.events"), "frozen") == 1
        return self._read(f"{self._dirs.get('freezer')}/{FREEZER}").strip() == "FROZEN"

    def memory_used(self) -> int:
        """Bytes in use now; 0 if not measured."""
        name = "memory.current" if self._v2 else "memory.usage_in_bytes"
        return self._get("memory", name) or 0

    @property
    def counts_sockets_apart(self) -> bool:
        """Whether socket buffers have a count of their own, as with version 1."""
        return not self._v2 and "memory" in self._dirs

    def socket_memory(self) -> int:
        """Bytes of socket buffers that :meth:`memory_used` does not count."""
        if not self.counts_sockets_apart:
            return 0
        return self._get("memory", "memory.kmem.tcp.usage_in_bytes") or 0

    def allows_processes(self) -> bool:
        """Whether it has room for one more process; if none starts, the host has not."""
        most, now = self._get("pids", "pids.max"), self._get("pids", "pids.current")
        return most is not None and now is not None and now < most

    def processes(self) -> int:
        """How many processes there are that have not ended; 0 if that cannot be told.

        The file is opened each time: one of version 1 that stays open tells of a second ago.
        """
        return len(read(f"{next(iter(self._dirs.values()), '')}/cgroup.procs").split())

    def memory_kept(self) -> int:
        """Bytes in use now that the kernel cannot drop at will; 0 if not measured.

        What was read of the host's files, an installer for instance, is cached and counted, and
        goes when memory is short. The sandbox's own files are not on these lists: they stay.
        """
        lists = ("active_file", "inactive_file")
        cached = sum(self._field("memory", "memory.stat", name) for name in lists)
        return max(0, self.memory_used() - cached)

    def used(self) -> Used:
        """What was used so far."""
        return Used(self.cpu_seconds(), self.oom_kills(), self._whole_peak())

    def oom_kills(self) -> int:
        """How many processes the kernel killed for the memory limit."""
        name = "memory.events" if self._v2 else "memory.oom_control"
        return self._field("memory", name, "oom_kill")

    def cpu_seconds(self) -> float | None:
        """CPU time of everything that ever ran in it; None if not measured."""
        if self._v2:
            folder = next(iter(self._dirs.values()))
            used = _field(self._read(f"{folder}/cpu.stat"), "usage_usec")
            return used / 1e6 if used is not None else None
        nanos = self._get("cpuacct", "cpuacct.usage")
        return nanos / 1e9 if nanos is not None else None

    def open_peak(self) -> PeakMemory:
        """Begin to measure peak memory; see :class:`PeakMemory`."""
        folder = self._dirs.get("memory")
        return PeakMemory([f"{folder}/{name}" for name in self._peaks()] if folder else [])

    def _whole_peak(self) -> int | None:
        known = [self._get("memory", name) for name in self._peaks()]
        return None if known[0] is None else sum(value or 0 for value in known)

    def _peaks(self) -> tuple[str, ...]:
        """Files that a peak is the sum of; two peaks of version 1 are seldom of one moment."""
        if self._v2:
            return ("memory.peak",)
        return "memory.max_usage_in_bytes", "memory.kmem.tcp.max_usage_in_bytes"

    def _set(self, controller: str, name: str, value: int | str, *, optional: bool = False) -> None:
        folder = self._dirs.get(controller)
        if folder is None or (optional and not os.path.exists(f"{folder}/{name}")):
            return
        write(f"{folder}/{name}", str(value))

    def _get(self, controller: str, name: str) -> int | None:
        folder = self._dirs.get(controller)
        text = self._read(f"{folder}/{name}").strip() if folder else ""
        return int(text) if text.isdigit() else None

    def _field(self, controller: str, name: str, key: str) -> int:
        folder = self._dirs.get(controller)
        return (folder and _field(self._read(f"{folder}/{name}"), key)) or 0

    def _read(self, path: str) -> str:
        """A file of the kernel's, or "" where there is none.

        It stays open: who waits for an answer waits for its last reading.
        """
        try:
            if path not in self._open and not self._closed:
                self._open[path] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            return os.pread(self._open[path], MOST_READ, 0).decode()
        except (OSError, KeyError):
            return ""


def _field(text: str, key: str) -> int | None:
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if name == key and value.isdigit():
            return int(value)
    return None
