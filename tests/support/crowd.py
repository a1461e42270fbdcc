"""A crowd of hostile programs at one server, honest ones of another key beside it, and the host."""

from __future__ import annotations

import http.client
import io
import json
import os
import selectors
import socket
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import host
from tests.support.host_operations import operations, times_of
from tests.support.server import Server, serving
from tests.support.wire import raw, request, watched_memory

from drybox.backends.local.cgroups.cgroup import find_location
from drybox.backends.local.cgroups.tree import instance_name
from drybox.service.api_keys import hash_key, new_key

BUDGET = 512 << 20
"""Bytes of the server's memory budget, the least that it may have."""

ANSWERS_WITHIN = 900.0
"""Seconds in which all that a crowd sent must have been answered; most of it is queued."""

HONEST_TIMEOUT = 300
"""Seconds that an honest program may take: with 160 sandboxes for each CPU it has a small share."""

UNAVAILABLE = "unavailable"
"""What a hostile client is told whose sandbox could not be made beside all of its others."""

PREPARED = """
import itertools, mmap, os, signal, socket, sys, time

def child(action):
    try:
        if os.fork() == 0:
            action()
            os._exit(0)
    except OSError:
        pass

def forever(action):
    while True:
        try:
            action()
        except (OSError, MemoryError):
            pass
"""

KINDS: dict[str, tuple[str, frozenset[str]]] = {
    "fork bomb": ("forever(os.fork)", frozenset({"timeout", "memory_limit"})),
    "memory hog": (
        "kept = []\nforever(lambda: kept.append(bytearray(b'x' * (1 << 20))))",
        frozenset({"memory_limit", "timeout"}),
    ),
    "output flood": (
        "child(lambda: forever(lambda: os.write(2, b'x' * 65536)))\n"
        "forever(lambda: os.write(1, b'x' * 65536))",
        frozenset({"output_limit", "timeout"}),
    ),
    "busy loops": (
        "for _ in range(4):\n    child(lambda: forever(lambda: None))\nforever(lambda: None)",
        frozenset({"timeout"}),
    ),
    "disk filler": (
        """
def fill():
    name = f"/tmp/{next(numbers)}"
    try:
        with open(name, "wb", 0) as file:
            while True:
                file.write(bytes(1 << 20))
    finally:
        os.unlink(name)
numbers = itertools.count()
forever(fill)
""",
        frozenset({"timeout", "memory_limit"}),
    ),
    "deaf to signals": (
        """
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
for _ in range(8):
    child(lambda: forever(lambda: time.sleep(1)))
forever(lambda: time.sleep(1))
""",
        frozenset({"timeout"}),
    ),
    "descriptor hog": (
        """
def take():
    kept = []
    try:
        while True:
            kept.append(os.pipe())
            kept.append([one.detach() for one in socket.socketpair()])
    except OSError:
        time.sleep(0.1)
    for pair in kept:
        for end in pair:
            os.close(end)
for _ in range(4):
    child(lambda: forever(take))
forever(take)
""",
        frozenset({"timeout", "memory_limit"}),
    ),
    "orphans": (
        """
def leave():
    os.setsid()
    for number in range(1, 32):
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_IGN)
    child(lambda: forever(lambda: time.sleep(1)))
for _ in range(12):
    child(leave)
""",
        frozenset({"success", "timeout"}),
    ),
}
"""What each does, and the statuses that it may come to; a busy machine ends any by its time."""

LIMITS = {"memory": "64MiB", "pids": 24, "disk": "16MiB", "output": "64KiB", "cpus": 1.0}

OPERATIONS = (
    "read a shared file",
    "open a shared file",
    "talk over the loopback",
    "take memory",
    "start a process",
    "write a file",
    "make a pipe",
)


@dataclass
class Found:
    """What became of a crowd and of who was beside it.

    Attributes:
        statuses: How often each kind came to each status.
        most_at_once: Sandboxes that there were at once, at the most.
        honest: Seconds of each honest execution beside the crowd.
        alone: The same before it.
        ratios: How many times as long the host's operations took, by name.
        grown: Bytes that the server grew by, at the most.
        left: What there was in the end and not in the beginning.
        seconds: How long it took.
    """

    statuses: Counter[tuple[str, str]] = field(default_factory=Counter)
    most_at_once: int = 0
    honest: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)
    ratios: dict[str, float] = field(default_factory=dict)
    grown: int = 0
    left: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def text(self) -> str:
        """The figures for people."""
        kinds = ", ".join(f"{kind} {word} {n}" for (kind, word), n in sorted(self.statuses.items()))
        ratios = ", ".join(f"{name} {ratio:.2f}" for name, ratio in self.ratios.items())
        alone, beside = statistics.median(self.alone), statistics.median(self.honest)
        return (
            f"{sum(self.statuses.values())} hostile programs, at most {self.most_at_once} "
            f"sandboxes at once, in {self.seconds:.0f} s: {kinds}\n"
            f"{len(self.honest)} honest ones of another key beside them: all right, "
            f"median {beside:.2f} s, slowest {max(self.honest):.2f} s, alone {alone:.2f} s\n"
            f"the host's operations, times as long: {ratios}\n"
            f"the server grew by {self.grown / 1e6:.0f} MB, its budget is {BUDGET / 1e6:.0f} MB; "
            f"left: {self.left or 'nothing'}"
        )


def meet_crowd(count: int, *, at_once: int, timeout: float, pace: float = 0.0) -> Found:
    """Send so many hostile programs at once, and look at everything else meanwhile.

    Args:
        count: Programs.
        at_once: Sandboxes that run at once; the others wait.
        timeout: Seconds that each program has.
        pace: Seconds between two of them. Of hundreds that begin in the same moment most are not
            made in time.
    """
    found, began = Found(), time.monotonic()
    hostile, honest = new_key(), new_key()
    with tempfile.TemporaryDirectory(prefix="drybox-tests-crowd-") as folder:
        env = {
            "DRYBOX_CONCURRENCY": f"{at_once}",
            "DRYBOX_SERVER_MEMORY_BUDGET": f"{BUDGET >> 20}MiB",
            "DRYBOX_SERVER_QUEUE": "1000",
            "DRYBOX_SERVER_QUEUE_TIMEOUT": f"{ANSWERS_WITHIN:.0f}s",
            "DRYBOX_SERVER_CONNECTIONS": "2000",
            "DRYBOX_KEYS_HOSTILE_HASH": hash_key(hostile),
            "DRYBOX_KEYS_HONEST_HASH": hash_key(honest),
            "TMPDIR": folder,
        }
        mounts, limit = host.mounts(), os.sysconf("SC_OPEN_MAX")
        assert limit > count + 100, "the test itself needs a descriptor for each client"
        with serving(env=env) as server, operations() as known:
            beside = _Beside(server, honest)
            found.alone = [beside.execute(number) for number in range(6)]
            alone = {name: times_of(name, known[name]) for name in OPERATIONS}
            supervisors = [process.pid for process in host.supervisors(server.process.pid)]
            with (
                watched_memory(server) as grown,
                beside.executing() as times,
                _crowd(server, hostile, count, timeout, pace) as crowd,
            ):
                tried: dict[str, list[float]] = {name: [] for name in OPERATIONS}
                while not crowd.is_answered:
                    found.most_at_once = max(found.most_at_once, _sandboxes(supervisors))
                    # Only what is measured while all of them are there is told.
                    for name in OPERATIONS:
                        tried[name] += times_of(name, known[name])
                    assert time.monotonic() - began < ANSWERS_WITHIN
            for name in OPERATIONS:
                found.ratios[name] = statistics.median(tried[name]) / statistics.median(alone[name])
            found.honest, found.grown = times, grown[-1]
            found.statuses = crowd.statuses()
            beside.execute(0)
            descendants = [process.pid for process in host.descendants(server.process.pid)]
            server.stop()
        host.eventually(lambda: not _left(supervisors, descendants, mounts, folder))
        found.left = _left(supervisors, descendants, mounts, folder)
    found.seconds = time.monotonic() - began
    return found


class _Beside:
    """Honest programs, one after another."""

    def __init__(self, server: Server, key: str) -> None:
        self._server, self._key = server, key

    def execute(self, number: int) -> float:
        """Execute one and see that it is right: seconds."""
        code = f"import sys; open('a', 'w').write('{number}'); print({number} * 3, input())"
        document = {
            "language": "python",
            "code": code,
            "stdin": "hello",
            "artifacts": ["a"],
            "timeout": HONEST_TIMEOUT,
        }
        shown = {"Authorization": f"Bearer {self._key}"}
        began = time.monotonic()
        with closing(self._server.connect()) as connection:
            connection.timeout = 2 * HONEST_TIMEOUT
            connection.request("POST", "/v1/execute", json.dumps(document), shown)
            answer = connection.getresponse()
            result = json.loads(answer.read())
        assert answer.status == 200, result
        assert (result["status"], result["stdout"]) == ("success", f"{number * 3} hello\n"), result
        assert list(result["artifacts"]) == ["a"], result
        return time.monotonic() - began

    @contextmanager
    def executing(self) -> Iterator[list[float]]:
        """Execute while the context lasts: the seconds of each."""
        times, wrong, is_over = list[float](), list[BaseException](), threading.Event()

        def go_on() -> None:
            try:
                while not is_over.is_set() or not times:
                    times.append(self.execute(len(times)))
            except BaseException as error:
                wrong.append(error)

        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            yield times
        finally:
            is_over.set()
            thread.join()
            if wrong:
                raise wrong[0]


class _Crowd:
    """Clients that have all sent their program, and wait."""

    def __init__(self, kinds: list[str], clients: list[socket.socket]) -> None:
        self._kinds, self._answers = kinds, [bytearray() for _ in clients]
        self._selector = selectors.DefaultSelector()
        for number, client in enumerate(clients):
            client.setblocking(False)
            self._selector.register(client, selectors.EVENT_READ, number)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        last = time.monotonic() + ANSWERS_WITHIN
        while self._selector.get_map() and time.monotonic() < last:
            for key, _ in self._selector.select(1.0):
                client = key.fileobj
                assert isinstance(client, socket.socket)
                try:
                    piece = client.recv(1 << 16)
                except OSError:
                    piece = b""
                self._answers[key.data] += piece
                if not piece:
                    self._selector.unregister(client)
                    client.close()

    @property
    def is_answered(self) -> bool:
        return not self._thread.is_alive()

    def statuses(self) -> Counter[tuple[str, str]]:
        """How often each kind came to each status."""
        found: Counter[tuple[str, str]] = Counter()
        for kind, answer in zip(self._kinds, self._answers, strict=True):
            response = http.client.HTTPResponse(_Read(answer))  # type: ignore[arg-type]
            response.begin()
            body = response.read()
            if response.status == 503:  # it was not made in time: nothing of it has run
                found[kind, UNAVAILABLE] += 1
                continue
            assert response.status == 200, (kind, response.status, body[:2000])
            found[kind, json.loads(body)["status"]] += 1
        return found


class _Read:
    """A socket whose every byte was read."""

    def __init__(self, data: bytes | bytearray) -> None:
        self._file = io.BytesIO(data)

    def makefile(self, mode: str) -> io.BytesIO:
        return self._file


@contextmanager
def _crowd(server: Server, key: str, count: int, timeout: float, pace: float) -> Iterator[_Crowd]:
    kinds = [list(KINDS)[number % len(KINDS)] for number in range(count)]
    clients = []
    for kind in kinds:
        code = PREPARED + KINDS[kind][0]
        document = {"language": "python", "code": code, "timeout": timeout, "limits": LIMITS}
        lines = (f"Authorization: Bearer {key}", "Connection: close")
        clients.append(raw(server, request("/v1/execute", document, *lines)))
        time.sleep(pace)
    yield _Crowd(kinds, clients)


def _sandboxes(supervisors: list[int]) -> int:
    """How many sandboxes there are, each once for all hierarchies."""
    found = set()
    for folder in find_location().folders:
        for supervisor in supervisors:
            for place in Path(folder).glob(f"{instance_name(supervisor)}/*/"):
                found.add(place.name)
    return len(found)


def _left(supervisors: list[int], pids: list[int], mounts: list[str], folder: str) -> list[str]:
    own = tuple(f"/drybox-{pid}-" for pid in supervisors)
    cgroups = [path for path in host.cgroups() if any(name in path for name in own)]
    alive = [f"process {pid}" for pid in pids if host.status(pid)]
    new = [line for line in host.mounts() if "drybox" in line and line not in mounts]
    files = [str(path) for path in Path(folder).iterdir()]
    return [*cgroups, *alive, *new, *files]
