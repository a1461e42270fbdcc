"""Attacks with memory: in one process, in many, in files, and in what outlives a process."""

from __future__ import annotations

import os

import pytest
from tests.support import host
from tests.support.attack import attack, watched
from tests.support.identity import Runner

from drybox import ResourceLimits

MIB = 1 << 20
MEMORY = 64 * MIB
BATCHES = 64 * 4096 * (os.cpu_count() or 1)
"""Bytes that the kernel counts for each CPU before it looks at the limit."""

SMALL = ResourceLimits(memory=MEMORY, disk=512 * MIB)

# Every bomb gives up well above the limit, so that the host survives a limit that is broken.
ENOUGH = 5 * MEMORY
FILL = f"""
piece, enough = bytes([1]) * (1 << 20), {ENOUGH}
def fill(write):
    for _ in range(enough >> 20):
        write(piece)
    answer("allowed")
"""

BOMBS = {
    "one process": "kept = []\nfill(lambda piece: kept.append(bytearray(piece)))",
    "a memory mapping": """
import mmap
shared = mmap.mmap(-1, enough)
fill(shared.write)
""",
    "files in /tmp": "with open('/tmp/bomb', 'wb', 0) as file: fill(file.write)",
    "files in /dev/shm": "with open('/dev/shm/bomb', 'wb', 0) as file: fill(file.write)",
    "files in the working directory": "with open('bomb', 'wb', 0) as file: fill(file.write)",
    "files in all places": """
places = [open(f"{at}/bomb", "wb", 0) for at in ("/sandbox", "/build", "/tmp", "/dev/shm")]
fill(lambda piece: places[0].write(piece) and places.append(places.pop(0)))
""",
    "memfd": "fd = os.memfd_create('bomb')\nfill(lambda piece: os.write(fd, piece))",
    "System V shared memory": """
from ctypes import c_int, c_long, c_size_t, c_void_p
libc.shmat.restype = c_void_p
libc.shmget.argtypes = c_int, c_size_t, c_int
parts = []
def segment(piece):
    key = libc.shmget(0, len(piece), 0o1600)
    at = libc.shmat(key, None, 0)
    ctypes.memmove(at, piece, len(piece))
    libc.shmdt(c_void_p(at))
fill(segment)
""",
    "pipes": """
import fcntl
ends = []
def pipe(piece):
    ends.append(os.pipe2(os.O_NONBLOCK))
    fcntl.fcntl(ends[-1][1], fcntl.F_SETPIPE_SZ, len(piece))
    os.write(ends[-1][1], piece)
fill(pipe)
""",
}  # fmt: skip


@pytest.mark.promise("ISO-10", "ISO-11")
@pytest.mark.parametrize("where", BOMBS)
def test_memory_bomb_is_contained(runner: Runner, where: str) -> None:
    bomb = attack(FILL + BOMBS[where], limits=SMALL)

    result, figures = watched(runner, bomb, "memory", host.memory_of)

    assert "allowed" not in result.stdout
    assert result.status == "memory_limit", (result.status, result.stderr)
    assert max(used for _, used in figures) <= MEMORY + runner.isolation.kernel.memory + BATCHES
    peak = result.usage.memory_peak
    if peak is None:  # the container's init was ended too, and with it whoever could tell
        assert runner.isolation.from_image
    else:
        assert peak <= MEMORY + runner.isolation.kernel.memory


HALVES = f"""
gate, opened = os.pipe()
def half():
    kept = bytearray({MEMORY // 2})
    kept[::4096] = bytes([1]) * len(kept[::4096])
    os.read(gate, 1)

children = [child(half) for _ in range(4)]
fates = [os.waitstatus_to_exitcode(os.wait()[1]) for _ in children[:-1]]
answer(fates)
sys.exit(1)
"""


@pytest.mark.promise("ISO-11")
def test_many_processes_share_one_memory_limit(runner: Runner) -> None:
    bomb = attack(HALVES, limits=SMALL)

    result, figures = watched(runner, bomb, "memory", host.memory_of)

    assert result.status == "memory_limit"
    assert result.stdout in ("[-9, -9, -9]\n", "")  # or the kernel has chosen their parent
    assert max(used for _, used in figures) <= MEMORY + runner.isolation.kernel.memory + BATCHES


@pytest.mark.promise("ISO-11")
def test_memory_bombs_do_not_touch_another_sandbox(runner: Runner) -> None:
    bombs = [attack(code, limits=SMALL) for code in (FILL + BOMBS["one process"], HALVES)]
    neighbour = attack(
        f"""
        kept = bytearray({MEMORY // 2})
        for _ in range(200):
            kept[::4096] = bytes([1]) * len(kept[::4096])
        answer(sum(kept[::4096]))
        """,
        limits=SMALL,
    )

    *results, other = runner.execute_many([*bombs, neighbour])

    assert [result.status for result in results] == ["memory_limit"] * 2
    assert (other.status, other.stdout) == ("success", f"{MEMORY // 2 // 4096}\n")
    assert other.usage.memory_peak is not None
    assert other.usage.memory_peak < MEMORY + runner.isolation.kernel.memory
