"""The host as it looks from outside the sandboxes."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from drybox.backends.local.cgroups.cgroup import V2_MOUNT, find_location, own_paths
from drybox.backends.local.cgroups.tree import PREFIX, instance_name, read
from drybox.backends.local.supervisor.spawner import spawner_path

FORK_SERVER = "TESTS_FORK_SERVER"
"""Set by pytest's option ``--fork-server``, for the processes that tests start too."""

TIMEOUT = 20.0
"""Seconds for what happens at once, but on a busy machine; less than a program's default timeout,
so that one whose end is waited for has not come to it by itself."""


@dataclass(frozen=True)
class Process:
    """A process as /proc shows it."""

    pid: int
    ppid: int
    cmdline: tuple[str, ...]


def processes() -> list[Process]:
    """Every process of the host that is not a zombie."""
    found = (_process(entry) for entry in os.listdir("/proc") if entry.isdigit())
    return [process for process in found if process]


# Tests look through all processes again and again: with few calls, or half of what the suites
# take goes into it.
def _process(pid: str) -> Process | None:
    """None if it is a zombie, or ends at this very moment."""
    try:
        # The name, which is the program's choice, ends with the last bracket.
        state, parent = _content(f"/proc/{pid}/stat").rpartition(b")")[2].split(maxsplit=2)[:2]
        cmdline = _content(f"/proc/{pid}/cmdline").decode("utf-8", "replace").split("\0")
    except (OSError, ValueError):
        return None
    return None if state == b"Z" else Process(int(pid), int(parent), tuple(cmdline[:-1]))


def _content(path: str) -> bytes:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        content = bytearray()
        while piece := os.read(file, 1 << 16):
            content += piece
        return bytes(content)
    finally:
        os.close(file)


def running(marker: str) -> list[Process]:
    """Processes with the marker in their command line, this one and its kind left out.

    With ``--fork-server`` those that map a file of that name, too.
    """
    found = (_process(pid) for pid in os.listdir("/proc") if pid.isdigit() and _bears(pid, marker))
    return [process for process in found if process]


def _bears(pid: str, marker: str) -> bool:
    try:
        is_told = marker.encode() in _content(f"/proc/{pid}/cmdline")
    except OSError:  # it ends at this very moment
        return False
    return is_told or (FORK_SERVER in os.environ and _maps(int(pid), marker))


def _maps(pid: int, name: str) -> bool:
    try:
        return name in Path(f"/proc/{pid}/maps").read_text()
    except OSError:  # it ends at this very moment
        return False


def confined(marker: str) -> list[Process]:
    """Processes with the marker in their command line that are in a sandbox."""
    return [p for p in running(marker) if len(status(p.pid).get("NSpid", "").split()) > 1]


def descendants(pid: int) -> list[Process]:
    """Every process that came of this one and has not been given to another parent."""
    everything = processes()
    family, size = {pid}, 0
    while len(family) > size:
        size = len(family)
        family |= {p.pid for p in everything if p.ppid in family}
    return [p for p in everything if p.pid in family and p.pid != pid]


def supervisors(pid: int) -> list[Process]:
    """The supervisors that the drybox in this process has started."""
    return [
        p
        for p in processes()
        if p.ppid == pid
        and any("drybox.backends.local.supervisor.supervisor" in word for word in p.cmdline)
    ]


def status(pid: int) -> dict[str, str]:
    """What /proc tells of a process; empty if there is none."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return {}
    lines = (line.partition(":") for line in text.splitlines())
    return {name: value.strip() for name, _, value in lines}


def resident(pid: int) -> int:
    """Bytes of memory that a process has of its own; files it maps do not count."""
    return int(status(pid)["RssAnon"].split()[0]) * 1024


def namespaces(pid: int | str) -> dict[str, str]:
    """The namespaces of a process by kind."""
    return {entry.name: os.readlink(entry) for entry in Path(f"/proc/{pid}/ns").iterdir()}


def waits_in(pid: int) -> str:
    """The function of the kernel that a process waits in; "" for none."""
    try:
        return Path(f"/proc/{pid}/wchan").read_text()
    except OSError:  # it has ended meanwhile
        return ""


def thread_waits(pid: int) -> set[str]:
    """The functions of the kernel that the threads of a process wait in."""
    found = set()
    for entry in Path(f"/proc/{pid}/task").glob("*/wchan"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            found.add(entry.read_text())
    return found


def descriptors(pid: int) -> dict[int, str]:
    """The open file descriptors of a process and what they lead to."""
    found = {}
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        # The process goes on meanwhile, and may close one that was listed.
        with contextlib.suppress(FileNotFoundError):
            found[int(entry.name)] = os.readlink(entry)
    return found


def cgroup_of(pid: int, controller: str) -> Path:
    """The folder of a process's cgroup in which a controller has its files."""
    paths = own_paths(str(pid))
    if os.path.exists(f"{V2_MOUNT}/cgroup.controllers"):
        return Path(V2_MOUNT + paths[""])
    # Version 1 mounts each controller of its own in a folder of its name, or a link to it.
    return Path(f"{V2_MOUNT}/{controller}{paths[controller]}")


def processes_of(folder: str) -> list[int]:
    """Ids of the processes in a cgroup; none if it is gone."""
    return list(map(int, read(f"{folder}/cgroup.procs").split()))


def processes_in(folder: Path) -> float:
    """Processes and threads in a cgroup."""
    return int((folder / "pids.current").read_text())


def memory_of(folder: Path) -> float:
    """Bytes that a cgroup has in use."""
    version_2 = folder / "memory.current"
    path = version_2 if version_2.exists() else folder / "memory.usage_in_bytes"
    return int(path.read_text())


def cpu_seconds_of(folder: Path) -> float:
    """CPU time that a cgroup has had."""
    version_1 = folder / "cpuacct.usage"
    if version_1.exists():
        return int(version_1.read_text()) / 1e9
    figures = dict(line.split() for line in (folder / "cpu.stat").read_text().splitlines())
    return int(figures["usage_usec"]) / 1e6


def sandboxes(pid: int) -> set[str]:
    """Folders of the cgroups of all sandboxes that the drybox in this process has now.

    Left out are those where a process of the supervisor waits to become the next sandbox's.
    """
    found = set()
    for supervisor in supervisors(pid):
        waiting = {str(p.pid) for p in processes() if p.cmdline == (spawner_path(),)}
        instance = instance_name(supervisor.pid)
        for folder in cgroups():
            if Path(folder).parent.name == instance:
                inside = set(read(f"{folder}/cgroup.procs").split())
                if len(inside) != 1 or not inside <= waiting:
                    found.add(folder)
    return found


def cgroups(uid: int | None = None) -> set[str]:
    """Folders of drybox's cgroups, each sandbox's own among them; of one owner if given."""
    found = set()
    for folder in find_location().folders:
        for at, names, _ in os.walk(folder):
            for name in names:
                path = f"{at}/{name}"
                try:
                    if PREFIX in path and uid in (None, os.stat(path).st_uid):
                        found.add(path)
                except OSError:
                    continue
    return found


def mounts() -> list[str]:
    """The mount table of this process."""
    return Path("/proc/self/mounts").read_text().splitlines()


class Listener:
    """Sockets of the host that nobody may reach: TCP and UDP on loopback, and abstract Unix."""

    def __init__(self, name: str) -> None:
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._tcp.getsockname()[1]
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", self.port))
        self._unix = socket.socket(socket.AF_UNIX)
        self._unix.bind("\0" + name)
        self._unix.listen()

    def visitors(self) -> list[str]:
        """Which of the sockets somebody has reached since the last time."""
        found = []
        for name, each in (("tcp", self._tcp), ("udp", self._udp), ("unix", self._unix)):
            each.setblocking(False)
            try:
                if each is self._udp:
                    each.recv(1)
                else:
                    each.accept()[0].close()
            except BlockingIOError:
                continue
            found.append(name)
        return found

    def close(self) -> None:
        for each in (self._tcp, self._udp, self._unix):
            each.close()


MOST_WAITED = 120.0
"""Seconds that a busy machine may make of a deadline, in addition to it."""


def eventually(condition: Callable[[], object], seconds: float = TIMEOUT) -> bool:
    """Whether the condition comes true in time; asks again and again.

    Args:
        condition: Is asked.
        seconds: How long it asks: so long where processors are free. Beside other work the time
            passes as slowly as a sandbox runs there, which the kernel gives a quarter of a share.
    """
    begun = last = time.monotonic()
    spent = 0.0
    while spent < seconds and last - begun < seconds + MOST_WAITED:
        asked = time.monotonic()
        if condition():
            return True
        # Looking through all processes takes long, and takes it from those that are waited for.
        time.sleep(max(0.01, 3 * (time.monotonic() - asked)))
        now = time.monotonic()
        spent += (now - last) * min(1.0, _PROCESSORS / max(4 * _others(), 1))
        last = now
    return bool(condition())


_PROCESSORS = os.cpu_count() or 1


def _others() -> int:
    """Threads of the host that run or would, without the one that asks."""
    return int(read("/proc/loadavg").split()[3].partition("/")[0]) - 1
