"""The isolations that the suites run behind: those of drybox's registry, and how each is seen."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.support import host
from tests.support.daemon import CGROUPS, Daemon

from drybox.backends import isolation as registered
from drybox.backends.docker.runtime import KERNEL_MEMORY, KERNEL_PIDS

NO_DAEMON = "unix:///nonexistent/drybox-tests.sock"
"""Where no daemon of a developer's is, for tests that are not about containers."""

EXEC_TIMEOUT = 20.0
"""Seconds for a command in a container; the daemon may wait for ever where that ends meanwhile."""

COUNTED_LATE = 16 << 20
"""Bytes that a kernel may count before it enforces a limit: it counts in batches for each CPU."""


@dataclass(frozen=True)
class Kernel:
    """The kernel that programs run on: what it does otherwise than the host's Linux.

    Attributes:
        memory: Bytes that it may need for itself, where it is the sandbox's own.
        threads: Threads of the host's that it may have beside the program's.
        counts_processes: Whether a program that has too many is refused one more; otherwise the
            host counts the threads of the whole sandbox, and too many are its end.
        crowds_end: How a run may end that makes processes without end.
        locks_programs: Whether the file of a program cannot be written while it runs.
        counts_waiting: Whether time that a program waits for its share counts as its CPU time.
        other_architectures: Whether system calls of other architectures exist.
        init_shows: What a program sees of PID 1 that Linux shows to nobody.
        devices: Devices of its own that a program sees.
        never_end: Programs of tests/fidelity that wait for ever for what Linux would do.
    """

    memory: int = 0
    threads: int = 0
    counts_processes: bool = True
    crowds_end: frozenset[str] = frozenset({"timeout"})
    locks_programs: bool = True
    counts_waiting: bool = False
    other_architectures: bool = True
    init_shows: frozenset[str] = frozenset()
    devices: frozenset[str] = frozenset()
    never_end: frozenset[str] = frozenset()


LINUX = Kernel()
SENTRY = Kernel(
    memory=KERNEL_MEMORY,
    threads=KERNEL_PIDS,
    counts_processes=False,
    crowds_end=frozenset({"timeout", "memory_limit", "sandbox_error"}),
    locks_programs=False,
    counts_waiting=True,
    other_architectures=False,
    init_shows=frozenset({"auxv", "environ", "fd", "fdinfo", "maps", "smaps"}),
    devices=frozenset({"/dev/fuse"}),
    # One end of a terminal is not hung up when the other is closed.
    never_end=frozenset({"python-pseudo_terminal"}),
)
"""gVisor's, as of Debian's runsc of 2022."""


class Isolation(Protocol):
    """One isolation, and how it is seen from outside."""

    @property
    def name(self) -> str:
        """What ``isolation`` takes, and what a result says."""

    @property
    def shows_processes(self) -> bool:
        """Whether a program is a process of the host."""

    @property
    def from_image(self) -> bool:
        """Whether a sandbox's folders are an image's, and not some of the host's."""

    @property
    def one_disk(self) -> bool:
        """Whether the writable places share ``limits.disk``; otherwise each has all of it."""

    @property
    def one_user_namespace(self) -> bool:
        """Whether sandboxes share the host's user namespace, where each is another user."""

    @property
    def carries_files(self) -> bool:
        """Whether each phase has a sandbox of its own, to which the files before are carried."""

    @property
    def kernel(self) -> Kernel:
        """The kernel that programs run on."""

    def runs(self, marker: str) -> bool:
        """Whether a program with this word among its arguments is alive."""

    def end(self, marker: str) -> None:
        """Destroy the sandbox of that program from outside, as a crash would."""

    def sandboxes(self, pid: int) -> set[str]:
        """All sandboxes that the drybox in this process has now, by a word for each."""

    def cgroup(self, controller: str) -> Path | None:
        """The cgroup of the only sandbox there is, for isolations that show no process of it."""

    @property
    def gone_within(self) -> float:
        """Seconds in which nothing is left of a sandbox whose program has ended."""

    def given(self) -> dict[str, str]:
        """The environment in which drybox finds what the isolation is made with."""


@dataclass(frozen=True)
class Namespaces:
    """The local backend's."""

    name: str = "local"
    shows_processes: bool = True
    from_image: bool = False
    one_disk: bool = True
    one_user_namespace: bool = False
    carries_files: bool = False
    kernel: Kernel = LINUX
    gone_within: float = 2.0

    def runs(self, marker: str) -> bool:
        return bool(host.running(marker))

    def end(self, marker: str) -> None:
        everything = {process.pid: process for process in host.processes()}
        at = host.running(marker)[0]
        while "bwrap" not in os.path.basename(at.cmdline[0]):
            at = everything[at.ppid]
        os.kill(at.pid, signal.SIGKILL)

    def sandboxes(self, pid: int) -> set[str]:
        return host.sandboxes(pid)

    def cgroup(self, controller: str) -> Path | None:
        return None

    def given(self) -> dict[str, str]:
        return {}


@dataclass(frozen=True)
class Containers:
    """Those of the Docker backend; the tests' own daemon has no container but drybox's."""

    daemon: Daemon = field(repr=False)
    name: str = "docker"
    shows_processes: bool = True
    from_image: bool = True
    one_disk: bool = False
    one_user_namespace: bool = True  # but of a daemon that is set up with userns-remap
    carries_files: bool = False
    kernel: Kernel = LINUX
    gone_within: float = 60.0  # a busy daemon takes its time to forget a container that has ended

    def runs(self, marker: str) -> bool:
        return self._find(marker) is not None

    def end(self, marker: str) -> None:
        found = self._find(marker)
        assert found is not None, f"no container has {marker}"
        self.daemon.docker("kill", found)

    def sandboxes(self, pid: int) -> set[str]:
        return set(self.daemon.containers())

    def cgroup(self, controller: str) -> Path | None:
        running = self.running()
        if not running:
            return None
        (found,) = running
        version_1 = CGROUPS / controller
        return (version_1 if version_1.is_dir() else CGROUPS) / self.daemon.folder.name / found

    def given(self) -> dict[str, str]:
        return {"DOCKER_HOST": self.daemon.host}

    def running(self) -> list[str]:
        """Ids of the containers that run."""
        return self.daemon.containers(running=True)

    def _find(self, marker: str) -> str | None:
        """The container that a process with the marker is in."""
        for process in host.running(marker):
            try:
                groups = Path(f"/proc/{process.pid}/cgroup").read_text()
            except OSError:
                continue
            for container in self.running():
                if container in groups:
                    return container
        return None


@dataclass(frozen=True)
class GVisor(Containers):
    """Containers with a kernel of their own, which keeps their processes to itself."""

    name: str = "gvisor"
    shows_processes: bool = False
    carries_files: bool = True
    kernel: Kernel = SENTRY

    def _find(self, marker: str) -> str | None:
        for container in self.running():
            if self._has(container, marker):
                return container
        return None

    def _has(self, container: str, marker: str) -> bool:
        """Look from a process that joins the container; it does not have the marker itself."""
        look = "cat /proc/[0-9]*/cmdline 2>/dev/null; :"
        command = ("exec", container, "/bin/sh", "-c", look)
        try:
            return marker in self.daemon.docker(*command, seconds=EXEC_TIMEOUT)
        except (AssertionError, subprocess.TimeoutExpired):  # it has ended meanwhile
            return False


UNTESTED = {
    "kata": "needs a virtual machine with nested virtualization",
    "firecracker": "needs a virtual machine with nested virtualization",
}
"""Isolations that no suite runs behind, and why."""

_MADE: dict[str, type[Namespaces | Containers]] = {
    "local": Namespaces,
    "docker": Containers,
    "gvisor": GVisor,
}

ISOLATIONS = {name: _MADE[name] for name in registered.ISOLATIONS if name not in UNTESTED}
"""How each isolation is made; those of containers are given the tests' own daemon."""

SHARES: dict[str, dict[str, int]] = {
    "docker": {"conformance": 1, "security": 5, "fidelity": 11},
    "gvisor": {"conformance": 1, "security": 11, "fidelity": 47},
}
"""Of the tests behind containers, which take their time, one in so many of a suite runs unless
told otherwise: all for 1, none of a suite that is not named. ``--isolations`` and ``--nightly``
take them all. Numbers that divide nothing else let languages and the like alternate."""

LATER = ""
"""A turn of no isolation: the night's."""


@dataclass(frozen=True)
class Turns:
    """How the tests of a suite are shared out unless told otherwise.

    Attributes:
        takers: What takes turns, and ``LATER``. A test that runs for each language, and the like,
            runs for some of them behind one taker, for some behind another, and for the rest in
            the night alone.
        of_files: Other takers for some files.
        single: Whether a test without such parameters runs behind one of the takers too, and not
            behind each.
    """

    takers: tuple[str, ...]
    of_files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    single: bool = False

    def of(self, file: str) -> tuple[str, ...]:
        """Who takes turns with the tests of a file; nobody where all run behind each."""
        return self.of_files.get(file, self.takers)


_WHO_MATTERS = (
    *("test_fail_closed", "test_host_secrets", "test_killed", "test_network", "test_owners"),
    *("test_planted_files", "test_privileges", "test_syscalls"),
)

IN_TURNS = {
    "conformance": Turns(
        ("docker", LATER, LATER, "gvisor", LATER, LATER),
        {"test_statuses": ("docker", LATER, "gvisor", LATER)},
        single=True,
    ),
    # Each attack, as whoever runs the tests or as an ordinary user, but where that is the point.
    "security": Turns(("own", "user"), dict.fromkeys(_WHO_MATTERS, ())),
}


def out_of_turn(
    tests: Iterable[tuple[Hashable, str]], isolations: tuple[str, ...], *, single: bool = False
) -> Iterator[bool]:
    """Whether it is another isolation's turn, for each test.

    Args:
        tests: The function and the isolation of each.
        isolations: Those that take turns, and ``LATER`` for turns in which none runs.
        single: Whether a function that is one test has its turn behind one of them as well.
    """
    tests = list(tests)
    counts = Counter(tests)
    place = {function: index for index, (function, _) in enumerate(dict(tests).items())}
    seen: Counter[tuple[Hashable, str]] = Counter()
    for function, name in tests:
        takers = [each for each in isolations if each == LATER or counts[function, each]]
        turn = place[function] + seen[function, name]
        seen[function, name] += 1
        if counts[function, name] == 1:
            takers = [each for each in takers if each != LATER]
            is_alone = not single or len(takers) < 2
        else:
            is_alone = len({*takers} - {LATER}) < 2
        yield name in takers and not is_alone and takers[turn % len(takers)] != name


def chosen(suite: str, asked: str, *, nightly: bool) -> list[str]:
    """The isolations for a suite.

    Args:
        suite: Name of its folder.
        asked: What ``--isolations`` says; "" for nothing.
        nightly: Whether time does not matter.

    Raises:
        ValueError: There is no such isolation.
    """
    if asked:
        names = asked.split(",")
        if unknown := sorted({*names} - {*ISOLATIONS}):
            raise ValueError(
                f"no isolation is called {unknown[0]!r}; there are {', '.join(ISOLATIONS)}"
            )
        return names
    return [name for name in ISOLATIONS if nightly or share(suite, name)]


def share(suite: str, name: str) -> int:
    """Of a suite's tests with an isolation one in so many runs every time; 0 for none."""
    return SHARES[name].get(suite, 0) if name in SHARES else 1


@contextmanager
def finding(*isolations: Isolation) -> Iterator[None]:
    """Meanwhile drybox in this process, and in those it starts, finds what the isolations need."""
    given = {name: value for isolation in isolations for name, value in isolation.given().items()}
    before = {name: os.environ[name] for name in given if name in os.environ}
    os.environ.update(given)
    try:
        yield
    finally:
        for name in given:
            del os.environ[name]
        os.environ.update(before)
