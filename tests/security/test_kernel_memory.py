"""Attacks with memory of the kernel's own: each kind counts as the sandbox's memory, or is few.

``docs/reference/kernel-memory.md`` is the table of the kinds.
"""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support import host
from tests.support.attack import answered, attack, held, seen_from_host, watched
from tests.support.identity import REPO, Runner

from drybox import ResourceLimits

pytestmark = [pytest.mark.promise("ISO-12"), pytest.mark.usefixtures("counted_alone")]

MIB = 1 << 20
MEMORY = 64 * MIB
LIMITS = ResourceLimits(memory=MEMORY, open_files=4096)

ENTRY = 192 + 256
"""Bytes that the kernel keeps of one long name."""

COMMON = """
import mmap, select, time
last = time.monotonic() + 40
def more():
    return time.process_time() < 8 and time.monotonic() < last

def take_all(take):
    while more():
        take()
    answer("allowed")
"""

COUNTED = {
    # Reading maps the one page of zeroes: all that is used is tables.
    "page tables": """
room = mmap.mmap(-1, 160 << 30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000, mmap.PROT_READ)
at = iter(range(0, 160 << 30, 2 << 20))
take_all(lambda: room[next(at)])
""",
    "mappings": """
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long
libc.mprotect.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
def one():
    base = libc.mmap(None, 60_000 * 4096, 1, 0x22, -1, 0)
    for page in range(0, 60_000, 2):
        libc.mprotect(base + page * 4096, 4096, 0)
    signal.pause()
for _ in range(24):
    child(one)
while more():
    time.sleep(0.01)
answer("allowed")
""",
    "System V messages": """
piece = ctypes.create_string_buffer(bytes([1] + [0] * 7) + bytes(4000))
def take():
    queue = libc.msgget(0, 0o1600)
    while not libc.msgsnd(queue, piece, 4000, 0o4000):
        pass
take_all(take)
""",
    "System V semaphores": "take_all(lambda: libc.semget(0, 32_000, 0o1600))",
    "what epoll watches": """
events = [os.eventfd(0) for _ in range(3000)]
kept = []
def take():
    kept.append(select.epoll())
    for event in events:
        kept[-1].register(event)
take_all(take)
""",
    "attributes of files": """
count = 0
def take():
    global count
    name = f"/tmp/{count // 100}"
    if count % 100 == 0:
        open(name, "w").close()
    count += 1
    os.setxattr(name, f"user.{count}", bytes(60_000))
try:
    take_all(take)
except OSError as error:
    answer(errno.errorcode[error.errno])
""",
    "descriptors on the way": """
ends = [socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(40)]
for near, far in ends:
    near.setblocking(False)
at = 0
def take():
    global at
    reader, writer = os.pipe2(os.O_NONBLOCK)
    os.write(writer, bytes(1 << 16))
    try:
        socket.send_fds(ends[at][0], [b"1"], [reader])
    except BlockingIOError:
        at += 1
    os.close(reader)
    os.close(writer)
try:
    take_all(take)
except OSError as error:
    answer(errno.errorcode[error.errno])
""",
}

CHARGED_AHEAD = 1 << 20
"""Bytes by which a cgroup's figure may be off: the kernel charges each CPU some pages ahead."""

REFUSED = {
    "attributes of files": {"ENOSPC", "EOPNOTSUPP"},
    "descriptors on the way": {"EAGAIN", "ETOOMANYREFS"},
}
"""How an attack may end that comes to another bound before that of memory."""


@pytest.mark.parametrize("kind", COUNTED)
def test_memory_of_the_kernels_own_counts(runner: Runner, kind: str) -> None:
    bomb = attack(COMMON + COUNTED[kind], limits=LIMITS, timeout=60)

    result, figures = watched(runner, bomb, "memory", host.memory_of)

    most = max(used for _, used in figures)
    assert most <= MEMORY + runner.isolation.kernel.memory + CHARGED_AHEAD
    refused = result.stdout.strip().strip('"')
    if refused in REFUSED.get(kind, ()) or runner.isolation.kernel.memory:
        return
    assert result.status == "memory_limit", (result.status, result.stdout, result.stderr)
    assert max(most, result.usage.memory_peak or 0) >= 0.9 * MEMORY, most / MIB


@pytest.mark.timeout(400)
def test_names_that_are_not_there_are_kept_within_memory(runner: Runner) -> None:
    """The kernel remembers that a name is missing; it forgets the sandbox's own first."""
    look = """
    import time
    last = time.monotonic() + 150  # on a busy machine
    count = 0
    while count < 100_000 and time.monotonic() < last:
        count += 1
        attempt(os.stat, f"/usr/bin/missing-{count}-{'x' * 200}")
    answer(count)
    """
    bomb = attack(look, limits=replace(LIMITS, memory=MEMORY // 2), timeout=160)

    result, figures = watched(runner, bomb, "memory", host.memory_of)

    assert max(used for _, used in figures) <= MEMORY // 2 + runner.isolation.kernel.memory
    if result.status == "memory_limit":  # too busy to forget in time: it is bounded all the same
        assert (result.usage.memory_peak or 0) >= 0.9 * (MEMORY // 2)
        return
    assert result.status == "success", result.stderr
    assert int(result.stdout) * ENTRY > MEMORY // 2


def test_terminals_are_few(runner: Runner) -> None:
    """The host has 4,096 for everybody. A container's are not limited, so its program is ended."""
    code = """
    kept = []
    def more():
        for _ in range(1000):
            kept.append(os.openpty())
    attempt(more)
    import time
    time.sleep(2)
    answer(len(kept))
    """
    result = runner.execute(attack(code, limits=replace(LIMITS, open_files=4096)))

    if runner.isolation.from_image:  # behind gVisor they may take too much memory before
        assert result.status == "memory_limit", result
    else:
        assert answered(result) <= 32


def test_every_test_that_the_table_names_is_there() -> None:
    page = (REPO / "docs/reference/kernel-memory.md").read_text()
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", page))
    assert named
    for name in named:
        assert Path(REPO, name).is_file(), name
    for row in (line for line in page.splitlines() if line.startswith("| ")):
        cells = row.strip("|").split("|")
        assert len(cells) == 4, row
        assert all(cell.strip() for cell in cells), row


FREE_LOCKS = 65_536
"""Locks that a program may ask for as fast as it can, as in init's usage.c."""

LOCKS_A_SECOND = 11_000
"""Those that may follow: one in 100 microseconds, and what is forgotten meanwhile."""

WINDOW = 200
"""Locks whose time is taken together."""

LOCKS = f"""
import fcntl, struct, time
files = [os.open(f"/tmp/{{number}}", os.O_CREAT | os.O_RDWR) for number in range(4000)]
taken, times = 0, []
for at in range(1 << 30, 0, -2):
    lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, at, 1, 0)
    for file in files:
        fcntl.fcntl(file, fcntl.F_SETLK, lock)
        taken += 1
        if taken % {WINDOW} == 0:
            times.append(time.monotonic())
    if taken > {FREE_LOCKS} * 1.5:
        break
# A lock is forgotten each millisecond, so after a pause some cost nothing: not the quickest counts.
every = [end - begin for begin, end in zip(times, times[1:])]
late = sorted(every[{FREE_LOCKS} * 5 // 4 // {WINDOW}:])
hold()
answer([taken, late[len(late) // 5]])
"""


@seen_from_host
def test_locks_that_nobody_counts_get_slower(runner: Runner) -> None:
    begun = time.monotonic()

    with held(runner, attack(LOCKS, limits=replace(LIMITS, cpus=2.0), timeout=120.0)) as attacks:
        most = FREE_LOCKS + LOCKS_A_SECOND * (time.monotonic() - begun)
        held_now = sum(
            at.read_text().count("lock:")
            for at in Path(f"/proc/{attacks.pids[0]}/fdinfo").iterdir()
        )

    taken, quick = answered(attacks.result)
    assert taken == held_now
    assert FREE_LOCKS < held_now < most
    assert quick > 0.9 * WINDOW / LOCKS_A_SECOND
