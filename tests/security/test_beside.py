"""What the host does beside an attack takes at most twice as long as without the attack.

The host, for it shares most with sandboxes: what slows another sandbox slows it as well. Compared
are medians of times taken in turns with the attack and without; ``--record-attacks`` keeps them for
the page. An attack that computes has its share of the CPUs, which is no attack: most operations end
before somebody else is given the CPU.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from tests.support.attack import attack, held, seen_from_host
from tests.support.host_operations import MOST, operations, times_of
from tests.support.identity import Runner

TURNS = 3
"""Turns with the attack and without, where the first do not show that all is well."""

PREPARED = """
import fcntl, mmap, select, struct, tempfile, time
SHARED = os.path.realpath(os.__file__)
FOLDER = os.path.dirname(SHARED)

def go_on(action):
    try:
        while True:
            action()
    except OSError:
        signal.pause()

def crowd_of(action, most=40):
    for _ in range(most):
        try:
            child(lambda: (action(), signal.pause()))
        except OSError:
            break

def again_and_again(action, processes=2):
    for _ in range(processes):
        child(lambda: go_on(action))

def from_libc(name, *arguments):
    return getattr(libc, name)(*arguments)
"""


@dataclass(frozen=True)
class Beside:
    """An attack, and what it might slow.

    Attributes:
        code: The attack; it goes on until its program ends.
        operations: Names of functions in ``OPERATIONS``.
    """

    code: str
    operations: tuple[str, ...]


ATTACKS = {
    "directory notices": Beside(
        """
def notify():
    for _ in range(8):
        fd = os.open(FOLDER, os.O_RDONLY)
        for command, argument in ((8, -os.getpgrp()), (10, 40), (1026, 0x80000021)):
            libc.fcntl(fd, command, ctypes.c_long(argument))
crowd_of(notify)
""",
        ("read a shared file", "open a shared file"),
    ),
    "watches": Beside(
        """
def watch():
    for _ in range(16):
        fd = libc.inotify_init1(0)
        for path in (FOLDER, SHARED):
            libc.inotify_add_watch(fd, path.encode(), 0x306)
crowd_of(watch)
""",
        ("read a shared file", "open a shared file"),
    ),
    "record locks": Beside(
        """
at = os.open(SHARED, os.O_RDONLY)
for number in range(10_000):
    fcntl.fcntl(at, fcntl.F_SETLK, struct.pack("hhqqi4x", 0, 0, 2 * number, 1, 0))
""",
        ("open a shared file", "lock a file"),
    ),
    "locks taken and let go": Beside(
        """
def lock():
    with tempfile.TemporaryFile() as file:
        for _ in range(1000):
            fcntl.lockf(file, fcntl.LOCK_EX)
            fcntl.lockf(file, fcntl.LOCK_UN)
again_and_again(lock)
""",
        ("lock a file", "open a shared file"),
    ),
    "full sockets": Beside(
        """
kept = []
def fill():
    near, far = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    far.bind(("127.0.0.1", 0))
    near.connect(far.getsockname())
    near.setblocking(False)
    for _ in range(1000):
        near.send(bytes(60_000))
    far.close()
    near.close()
again_and_again(fill)
""",
        ("talk over the loopback", "connect over the loopback"),
    ),
    "memory taken and given back": Beside(
        """
def churn():
    with mmap.mmap(-1, 32 << 20) as piece:
        for at in range(0, 32 << 20, 4096):
            piece[at] = 1
again_and_again(churn)
""",
        ("take memory", "start a process"),
    ),
    "processes without end": Beside(
        "again_and_again(lambda: os.waitpid(child(lambda: None), 0))",
        ("start a process", "take memory"),
    ),
    "files without end": Beside(
        """
def churn():
    with tempfile.NamedTemporaryFile() as file:
        file.write(bytes(4096))
        os.rename(file.name, file.name + "1")
        os.rename(file.name + "1", file.name)
again_and_again(churn)
""",
        ("write a file", "open a shared file"),
    ),
    "names that are not there": Beside(
        """
def look():
    for number in range(10_000):
        os.path.exists(f"{FOLDER}/{number}-{time.time()}")
again_and_again(look)
""",
        ("open a shared file", "write a file"),
    ),
    "flushing disks, dropping caches": Beside(
        """
def flush():
    with open(SHARED, "rb") as file:
        os.fsync(file.fileno())
        libc.syncfs(file.fileno())
        libc.sync()
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
again_and_again(flush)
""",
        ("read a shared file", "write a file"),
    ),
    "listing interfaces": Beside(
        "again_and_again(lambda: socket.if_nameindex())",
        ("list interfaces", "talk over the loopback"),
    ),
    "terminals that are written to": Beside(
        """
def talk():
    master, slave = os.openpty()
    os.set_blocking(slave, False)
    os.set_blocking(master, False)
    while True:
        attempt(os.write, slave, b"x" * 4096)
        attempt(os.read, master, 65536)
again_and_again(talk)
""",
        ("start a process", "talk over the loopback"),
    ),
    "pipes and descriptors under way": Beside(
        """
import array
def pass_on():
    near, far = socket.socketpair()
    ends = os.pipe()
    for _ in range(50):
        near.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", ends))])
    for end in ends:
        os.close(end)
    near.close()
    far.close()
again_and_again(pass_on)
""",
        ("pass a descriptor on", "make a pipe"),
    ),
}


@pytest.fixture(scope="module", name="operations")
def operations_of_the_host() -> Iterator[dict[str, Callable[[], object]]]:
    """What the host does, by name."""
    with operations() as found:
        yield found


@pytest.mark.promise("ISO-14")
@pytest.mark.timeout(300)
@seen_from_host
@pytest.mark.parametrize("kind", ATTACKS)
def test_what_the_host_does_beside_an_attack_goes_on(
    runner: Runner,
    operations: dict[str, Callable[[], object]],
    kind: str,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    tried = ATTACKS[kind]
    program = attack(f"{PREPARED}\n{tried.code}\nhold()\nanswer('done')", timeout=60.0)
    alone: dict[str, list[float]] = {name: [] for name in tried.operations}
    beside: dict[str, list[float]] = {name: [] for name in tried.operations}
    least = TURNS if request.config.getoption("record_attacks") else 1
    for turn in range(TURNS):
        for name, times in alone.items():
            times += times_of(name, operations[name])
        with held(runner, program) as attacks:
            for name, times in beside.items():
                times += times_of(name, operations[name])
        assert attacks.result.status == "success", attacks.result
        ratios = {
            name: statistics.median(beside[name]) / statistics.median(alone[name])
            for name in tried.operations
        }
        if turn + 1 >= least and max(ratios.values()) <= MOST:
            break
    rounded = {name: round(ratio, 2) for name, ratio in ratios.items()}
    record_property("beside", {"attack": kind, "times as long": rounded})
    assert max(ratios.values()) <= MOST, ratios
