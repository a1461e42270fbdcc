"""Attacks with what waits in sockets, which a kernel may count elsewhere than other memory."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from tests.support import host
from tests.support.attack import attack, probe, watched
from tests.support.identity import Runner

from drybox import ResourceLimits
from drybox.backends.local.cgroups.tree import read
from drybox.guest.frames import SOCKET_BYTES

pytestmark = pytest.mark.usefixtures("counted_alone")

MIB = 1 << 20
MEMORY = 64 * MIB
LIMITS = ResourceLimits(memory=MEMORY, open_files=4096)

ENOUGH = 6 * MEMORY
"""What an attack holds that nobody stops; the host survives it."""

OTHERS = 32 * MIB
"""What sockets of the rest of the host may come to hold meanwhile."""

COMMON = f"""
import select, time
# What is refused silently is not sent for ever: seconds of a processor, and of a clock.
budget, last = 2.0, time.monotonic() + 30
kept, sent, enough = [], 0, {ENOUGH}
def more():
    return sent < enough and time.process_time() < budget and time.monotonic() < last

def fill(end, piece):
    global sent
    end.setblocking(False)
    try:
        while more():
            sent += end.send(piece)
    except OSError:
        pass

def tcp(family=socket.AF_INET, address="127.0.0.1"):
    with socket.create_server((address, 0), family=family) as server:
        near = socket.create_connection(server.getsockname()[:2])
        far, _ = server.accept()
    kept.extend([near, far])
    fill(near, bytes(1 << 16))
    fill(far, bytes(1 << 16))

def udp(piece, count):
    global sent
    near, far = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    far.bind(("127.0.0.1", 0))
    near.connect(far.getsockname())
    near.setblocking(False)
    for _ in range(count):
        attempt(near.send, piece)
        sent += max(len(piece), 512)
    near.close()
    kept.append(far)

def unix(kind):
    near, far = socket.socketpair(socket.AF_UNIX, kind)
    kept.extend([near, far])
    fill(near, bytes(60_000))

def in_one(take):
    while more():
        try:
            take()
        except OSError:
            break

def in_many(take):
    global budget
    budget /= 6
    done, at_end = os.pipe()
    for _ in range(12):
        child(lambda: in_one(take) or os.write(at_end, b".") and signal.pause())
    ended = 0
    while ended < 12 and select.select([done], [], [], max(0, last - time.monotonic()))[0]:
        ended += len(os.read(done, 12))
"""

TAKES = {
    "TCP": "tcp()",
    "TCP over IPv6": "tcp(socket.AF_INET6, '::1')",
    "UDP": "udp(bytes(60_000), 60)",
    "UDP in small pieces": "udp(b'1', 4000)",
    "Unix streams": "unix(socket.SOCK_STREAM)",
    "Unix datagrams": "unix(socket.SOCK_DGRAM)",
}


def in_sockets() -> int:
    """Bytes that TCP and UDP sockets of the whole host hold."""
    pages = 0
    for line in Path("/proc/net/sockstat").read_text().splitlines():
        words = line.split()
        if words[0] in ("TCP:", "UDP:"):
            pages += int(words[words.index("mem") + 1])
    return pages * 4096


@pytest.mark.promise("ISO-13")
@pytest.mark.parametrize("way", ["in_one", "in_many"])
@pytest.mark.parametrize("take", TAKES)
def test_socket_buffers_are_held_to_memory(runner: Runner, take: str, way: str) -> None:
    bomb = attack(f"{COMMON}\n{way}(lambda: {TAKES[take]})\nanswer('done')", limits=LIMITS)
    before = in_sockets()

    def all_memory(folder: Path) -> float:
        return host.memory_of(folder) + max(0, in_sockets() - before)

    result, figures = watched(runner, bomb, "memory", all_memory)

    most = max(used for _, used in figures)
    print(f"{take} {way}: {most / MIB:.0f} MiB, {result.status}, peak {result.usage.memory_peak}")
    # The kernel bounds UDP; TCP takes more until that is seen, and on a loaded machine longer.
    assert most <= 2 * MEMORY + OTHERS + runner.isolation.kernel.memory, most / MIB
    assert result.status in ("success", "memory_limit"), result.stderr
    peak = max(most, result.usage.memory_peak or 0)  # a busy daemon may tell none
    assert runner.isolation.kernel.memory or peak >= MEMORY // 4, peak


@pytest.mark.promise("ISO-13")
def test_what_programs_do_with_sockets_goes_on(runner: Runner) -> None:
    """Much through few connections, and little through many."""
    streamed, echoed, received = probe(
        runner,
        """
        import threading
        def pump(near):
            for _ in range(1600):
                near.sendall(bytes(1 << 16))
            near.close()
        with socket.create_server(("127.0.0.1", 0)) as server:
            near = socket.create_connection(server.getsockname())
            far, _ = server.accept()
        thread = threading.Thread(target=pump, args=(near,))
        thread.start()
        streamed = 0
        while piece := far.recv(1 << 16):
            streamed += len(piece)
        thread.join()

        with socket.create_server(("127.0.0.1", 0)) as server:
            pairs = [(socket.create_connection(server.getsockname()), server.accept()[0])
                     for _ in range(100)]
        for near, far in pairs:
            near.sendall(bytes(4096))
        echoed = sum(len(far.recv(4096)) for near, far in pairs)

        near, far = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        far.bind(("127.0.0.1", 0))
        for _ in range(3):
            near.sendto(bytes(60_000), far.getsockname())
        received = sum(len(far.recv(60_000)) for _ in range(3))
        answer([streamed, echoed, received])
        """,
        limits=LIMITS,
    )
    assert (streamed, echoed, received) == (1600 << 16, 100 * 4096, 3 * 60_000)


# What a socket holds back, no cgroup of either version counts: up to 64 KiB each.
HELD_BACK = f"""
def take():
    near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    near.connect(("127.0.0.1", 9))
    kept.append(near)
    near.send(bytes(60_000), socket.MSG_MORE)
{COMMON}
"""


@pytest.mark.promise("ISO-12")
@pytest.mark.parametrize("way", ["in_one", "in_many"])
def test_what_sockets_hold_back_is_bounded_by_their_number(runner: Runner, way: str) -> None:
    if runner.isolation.kernel.memory:
        pytest.skip("a kernel in user space has counted all of it as memory")
    most = MEMORY // SOCKET_BYTES
    bomb = attack(f"{HELD_BACK}\n{way}(take)\nanswer(len(kept))", limits=LIMITS)

    result, figures = watched(runner, bomb, "pids", _sockets_of)

    assert result.status == "memory_limit", result
    counted = max(count for _, count in figures)
    # Descriptors would allow 262,144. Init is asked before each one, however busy it is; of those
    # that it has just let through, each process may not have made one yet.
    assert counted <= most + LIMITS.pids


def _sockets_of(folder: Path) -> float:
    """Sockets in the network of a cgroup's last process."""
    last = read(f"{folder}/cgroup.procs").split()[-1:]
    text = read(f"/proc/{''.join(last)}/net/sockstat") if last else ""
    return int(text.split()[2]) if text else 0


@pytest.mark.promise("ISO-12")
def test_a_program_may_have_many_sockets(runner: Runner) -> None:
    """And a request after it, in a sandbox that waited, may as well."""
    code = """
    kept = [socket.socket(family, kind) for family in (socket.AF_INET, socket.AF_UNIX)
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM) for _ in range(120)]
    last = time.monotonic() + 0.3
    while time.monotonic() < last:
        pass
    answer(len(kept))
    """
    for _ in range(3):
        assert probe(runner, "import time\n" + dedent(code), limits=LIMITS) == 480


def test_sockets_that_are_closed_do_not_count(runner: Runner) -> None:
    """The kernel frees those of netlink late, which every look for an address opens."""
    code = """
    def look():
        last = time.monotonic() + 1.5
        while time.monotonic() < last:
            socket.if_nameindex()
    children = [child(look) for _ in range(4)]
    answer([os.waitpid(pid, 0)[1] for pid in children])
    """
    assert probe(runner, "import time\n" + dedent(code), limits=LIMITS) == [0] * 4
