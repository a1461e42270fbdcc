"""Attacks on pools that the whole host has but one of, and that no limit of a sandbox counts."""

from __future__ import annotations

import re
import resource
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support import host
from tests.support.attack import answered, attack, held, probe, seen_from_host
from tests.support.identity import Runner

from drybox import ResourceLimits

pytestmark = pytest.mark.usefixtures("counted_alone")

FILTERS = """
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]

# Loads, each of which takes room in the compiled program, and one return: allow.
LONG = (bytes([0x20, 0, 0, 0, 0, 0, 0, 0]) * 4000
        + (6).to_bytes(2, "little") + bytes(2) + (0x7FFF0000).to_bytes(4, "little"))

def fill():
    program = Program(len(LONG) // 8, LONG)
    for _ in range(8):
        libc.prctl(22, 2, ctypes.byref(program), 0, 0)
        libc.syscall({"x86_64": 317, "aarch64": 277}[platform.machine()], 1, 0,
                     ctypes.byref(program))
    kept = []
    with contextlib.suppress(OSError):
        for _ in range(8):
            kept.append(socket.socket())
            kept[-1].setsockopt(1, 26, bytes(program))
    signal.pause()

import contextlib
for _ in range(20):
    try:
        child(fill)
    except OSError:
        break
import time
time.sleep(1)
hold()
"""

FILLED = 7 << 20
"""Bytes that either half of it takes where nothing stops it; others' sandboxes, with filters of
their own, come and go meanwhile."""


def _compiled() -> int:
    """Bytes of the kernel's memory for compiled filters."""
    lines = Path("/proc/vmallocinfo").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if re.search(r"\bbpf_", line))


@pytest.mark.promise("ISO-7")
@seen_from_host
def test_no_memory_for_compiled_filters_is_taken(runner: Runner) -> None:
    with held(runner, attack("child(signal.pause)\nhold()")) as quiet:
        filters = {_filters(process.pid) for process in _family(quiet.pid)}
        before = _compiled()

    with held(runner, attack(FILTERS)) as attacks:
        found = {_filters(process.pid) for process in _family(attacks.pid)}
        grown = _compiled() - before

    assert found == filters
    assert grown < FILLED / 2


def _family(pid: int) -> list[host.Process]:
    children = host.descendants(pid)
    assert children
    return [*children, next(process for process in host.processes() if process.pid == pid)]


def _filters(pid: int) -> int:
    return int(host.status(pid)["Seccomp_filters"])


RESERVED = Path("/proc/sys/vm/nr_hugepages")
MEMORY = re.compile(r"^HugePages_(\w+): +(\d+)$", re.MULTILINE)


@pytest.fixture
def huge_pages() -> Iterator[None]:
    """Some huge pages that the host keeps for something else."""
    before = RESERVED.read_text()
    try:
        RESERVED.write_text("8")
    except OSError:
        pytest.skip("only root of the host can reserve huge pages")
    yield
    RESERVED.write_text(before)


def _free() -> dict[str, int]:
    figures = {
        name: int(count) for name, count in MEMORY.findall(Path("/proc/meminfo").read_text())
    }
    return {name: figures[name] for name in ("Total", "Free", "Rsvd")}


@pytest.mark.promise("ISO-7")
@seen_from_host
@pytest.mark.usefixtures("huge_pages")
def test_huge_pages_of_the_host_stay_free(runner: Runner) -> None:
    before = _free()
    if not before["Free"]:
        pytest.skip("the host has no room for huge pages")
    taker = attack(
        """
        import mmap
        taken = 0
        libc.mmap.restype = libc.shmat.restype = ctypes.c_void_p
        size = ctypes.c_long(1 << 21)
        for flags in (0x4_0022, 0x4_0022 | 21 << 26, 0x4_0021, 0x4_8022):
            address = libc.mmap(None, size, 3, flags, -1, ctypes.c_long(0))
            if address not in (None, ctypes.c_void_p(-1).value):
                ctypes.memset(address, 1, 1)
                taken += 1
        for flags in (4, 4 | 21 << 26, 5):
            try:
                fd = os.memfd_create("huge", flags)
                os.ftruncate(fd, 1 << 21)
                mmap.mmap(fd, 1 << 21)[0] = 1
                taken += 1
            except OSError:
                pass
        segment = libc.shmget(0, size, 0o5600)
        if segment >= 0:
            ctypes.memset(libc.shmat(segment, None, 0), 1, 1)
            taken += 1
        hold()
        answer(taken)
        """
    )
    with held(runner, taker) as attacks:
        during = _free()

    assert during == before
    assert answered(attacks.result) == 0


NETLINK = """
import struct, time
ask = struct.pack("=IHHIIBxHiII", 32, 18, 0x301, 1, 0, 0, 0, 0, 0, 0)  # every interface

def fill():
    kept = []
    try:
        while True:
            kept.append(each := socket.socket(16, 3, 0))
            each.bind((0, 0))
            each.setblocking(False)
            attempt(lambda: [each.send(ask) for _ in range(400)])
    except OSError:
        signal.pause()

for _ in range(40):
    try:
        child(fill)
    except OSError:
        break
time.sleep(8)
"""
SLAB = re.compile(r"^SUnreclaim: +(\d+) kB$", re.MULTILINE)


def _slab() -> int:
    """Bytes of the kernel's own memory that it cannot give back."""
    found = SLAB.search(Path("/proc/meminfo").read_text())
    assert found
    return int(found[1]) << 10


@pytest.mark.promise("ISO-8")
@seen_from_host
def test_answers_that_nobody_reads_take_little_memory(runner: Runner) -> None:
    before = _slab()
    hog = attack(NETLINK, limits=ResourceLimits(memory=64 << 20), timeout=20)

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(runner.execute, hog)
        most = before
        while not future.done():
            most = max(most, _slab())
            time.sleep(0.02)

    assert future.result().status == "memory_limit"
    assert most - before < 128 << 20


@pytest.mark.promise("ISO-7")
def test_what_a_crash_starts_cannot_be_changed(runner: Runner) -> None:
    limits = probe(
        runner,
        """
        import resource
        before = resource.getrlimit(resource.RLIMIT_CORE)
        for kind in (resource.setrlimit, lambda *words: resource.prlimit(0, *words)):
            for value in (0, 1, 2):
                attempt(kind, resource.RLIMIT_CORE, (value, value))
        answer([before, resource.getrlimit(resource.RLIMIT_CORE)])
        """,
    )

    # At 1 the kernel starts no handler of core dumps; at 0, if the host allows no more, it would.
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    expected = 0 if most == 0 else 1
    assert limits == [[expected] * 2] * 2
