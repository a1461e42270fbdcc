"""Clients that go by no rules: bytes as they are, and a look at the server from outside."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support import host
from tests.support.server import TIMEOUT, Server, serving

VARIABLE = "LOOP_PROBE"
"""Names the file for ``tests.support.loop_probe``."""


def raw(server: Server, data: bytes = b"", *, window: int | None = None) -> socket.socket:
    """A connection that has sent these bytes.

    Args:
        server: Where to.
        data: What to send at once.
        window: Bytes that its kernel takes before they are read; the usual if None.
    """
    client = socket.socket()
    if window is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    client.settimeout(TIMEOUT)
    client.connect(("127.0.0.1", server.port))
    client.sendall(data)
    return client


def request(path: str, document: object = None, *lines: str, method: str = "POST") -> bytes:
    """A request with a body of JSON."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    head = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}", *lines]
    return "\r\n".join([*head, "", ""]).encode() + body


def all_of(client: socket.socket) -> bytes:
    """What comes until the other end closes."""
    parts = []
    with contextlib.suppress(ConnectionError):
        while part := client.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


def status_of(answer: bytes) -> int:
    """The status of the first answer; 0 if there is none."""
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0


def push(client: socket.socket, data: bytes) -> None:
    """Send as much of this as the other end takes before it closes."""
    with contextlib.suppress(OSError):
        client.sendall(data)


class Neighbour:
    """Somebody who asks a server again and again whether it is alive."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    @property
    def longest(self) -> float:
        """Seconds of the answer that took longest."""
        return max(self.waits)


@contextmanager
def neighbour(server: Server) -> Iterator[Neighbour]:
    """One that asks while the context lasts, over one connection."""
    asks, is_over = Neighbour(), threading.Event()

    def ask() -> None:
        connection = server.connect()
        while not is_over.wait(0.005):
            began = time.perf_counter()
            connection.request("GET", "/healthz")
            assert connection.getresponse().read()
            asks.waits.append(time.perf_counter() - began)
        connection.close()

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield asks
    finally:
        is_over.set()
        thread.join()


@contextmanager
def watched_memory(server: Server) -> Iterator[list[int]]:
    """How many bytes a server grows by while the context lasts; the last is the most of them."""
    before, grown, is_over = host.resident(server.process.pid), [0], threading.Event()

    def look() -> None:
        while not is_over.wait(0.02):
            grown.append(max(grown[-1], host.resident(server.process.pid) - before))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield grown
    finally:
        is_over.set()
        thread.join()


@contextmanager
def probed(path: Path, env: Mapping[str, str] | None = None) -> Iterator[tuple[Server, LoopProbe]]:
    """A server whose event loop is measured.

    Args:
        path: A file that the probe may have.
        env: More variables.
    """
    command = (sys.executable, "-m", "tests.support.loop_probe")
    root = str(Path(__file__).parents[2])
    settings = {VARIABLE: str(path), "PYTHONPATH": root, **(env or {})}
    with serving(env=settings, command=command) as server:
        yield server, LoopProbe(path)


TRIES = 4
"""Tries of which the best counts, where a time is measured."""


class LoopProbe:
    """What is known of a server's event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin_anew(self) -> None:
        """Forget what was."""
        self._path.unlink(missing_ok=True)
        assert host.eventually(self._path.exists)

    @property
    def longest(self) -> float:
        """Seconds that the loop was held without a pause, at the longest."""
        return float(self._path.read_text())

    def least(self, work: Callable[[], object], enough: float) -> float:
        """Seconds that the loop was held at the longest while this was done, in the best of tries.

        What is done takes more processor time while the machine does other things, too.

        Args:
            work: What to do; again where the loop was held for longer than ``enough``.
            enough: Seconds.
        """
        best = float("inf")
        for _ in range(TRIES):
            self.begin_anew()
            work()
            best = min(best, self.longest)
            if best < enough:
                break
        return best
