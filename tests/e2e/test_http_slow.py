"""A slot is free when its program has ended, and who has left waits for nothing.

No client moves that.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.support.host import eventually
from tests.support.sandboxed import HANG
from tests.support.server import TIMEOUT, Server, serving
from tests.support.wire import raw, request, status_of
from websockets.frames import Frame, Opcode

HELLO = {"language": "python", "code": "print(1)"}
ENDLESS = {
    "language": "python",
    "code": "while True: print('x' * 1000)",
    "timeout": 2,
    "limits": {"output": "16MiB"},
}


def waiting(server: Server) -> float:
    text = server.get("/metrics").body.decode()
    return float(text.split("\ndrybox_queue_waiting ")[1].split("\n")[0])


@pytest.fixture
def busy() -> Iterator[Server]:
    """A server whose one slot is taken, and where 20 may wait for long."""
    env = {
        "DRYBOX_CONCURRENCY": "1",
        "DRYBOX_SERVER_QUEUE": "20",
        "DRYBOX_SERVER_QUEUE_TIMEOUT": "5m",
        "DRYBOX_SERVER_DRAIN_TIMEOUT": "100ms",
    }
    with serving(env=env) as server, server.stream({**HELLO, "code": HANG}) as events:
        assert next(event for event in events if event["type"] == "stdout")
        yield server


PISTON = {"language": "python", "version": "*", "files": [{"content": "print(1)"}]}
JSON = "Content-Type: application/json"


@pytest.mark.parametrize(
    "message",
    [
        request("/v1/execute", HELLO),
        request("/v1/execute/stream", HELLO),
        request("/api/v2/execute", PISTON, JSON),
        request("/v1/execute", HELLO) * 3,
        request("/v1/execute", HELLO) + request("/v1/execute", HELLO) * 1000,
    ],
    ids=["plain", "stream", "piston", "with others behind it", "with many behind it"],
)
@pytest.mark.parametrize("ends_hard", [False, True])
def test_who_leaves_leaves_the_queue(busy: Server, message: bytes, ends_hard: bool) -> None:
    clients = [raw(busy, message) for _ in range(10)]
    assert eventually(lambda: waiting(busy) == 10, TIMEOUT)
    for client in clients:
        if ends_hard:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
    assert eventually(lambda: waiting(busy) == 0, 3)


@pytest.mark.parametrize("says_goodbye", [False, True])
@pytest.mark.parametrize("sends_more", [False, True])
def test_so_do_websockets(busy: Server, says_goodbye: bool, sends_more: bool) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(busy.websocket(HELLO)) for _ in range(10)]
        for client in clients:
            for _ in range(20 if sends_more else 0):
                client.send({"type": "stdin", "data": "more"})
        assert eventually(lambda: waiting(busy) == 10, TIMEOUT)
        for client in clients:
            if says_goodbye:
                client.connection.close()
            else:
                client.connection.socket.shutdown(socket.SHUT_RDWR)
        assert eventually(lambda: waiting(busy) == 0, 3)


def _websocket(server: Server, document: object) -> socket.socket:
    """One that reads nothing after the handshake."""
    handshake = (
        b"GET /v1/execute/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    client = raw(server, handshake, window=4096)
    assert status_of(client.recv(12, socket.MSG_WAITALL)) == 101
    frame = Frame(Opcode.TEXT, json.dumps(document).encode())
    client.sendall(frame.serialize(mask=True))
    return client


@pytest.mark.parametrize("route", ["/v1/execute", "/v1/execute/stream", "websocket"])
@pytest.mark.parametrize("trickles", [False, True])
def test_slow_readers_keep_no_slot_past_their_deadline(route: str, trickles: bool) -> None:
    env = {"DRYBOX_CONCURRENCY": "2"}
    with serving(env=env) as server:
        server.execute("python", "print(1)")
        is_websocket = route == "websocket"
        clients = [
            _websocket(server, ENDLESS)
            if is_websocket
            else raw(server, request(route, ENDLESS), window=4096)
            for _ in range(2)
        ]
        is_over = threading.Event()

        def trickle() -> None:
            while not is_over.wait(0.05):
                for client in clients:
                    client.recv(1)

        reader = threading.Thread(target=trickle)
        if trickles:
            reader.start()
        began = time.monotonic()
        try:
            # Both slots are taken; whoever comes has one when the programs' time is over.
            assert server.execute("python", "print(2)")["stdout"] == "2\n"
            assert time.monotonic() - began < 5
        finally:
            is_over.set()
            if trickles:
                reader.join()
            for client in clients:
                client.close()


@pytest.mark.parametrize("route", ["/v1/execute", "/v1/execute/stream"])
def test_who_reads_too_slowly_is_ended(route: str) -> None:
    program = {**HELLO, "code": "print('x' * 1_000_000)"}
    with (
        serving(env={"DRYBOX_SERVER_STALL_TIMEOUT": "1s"}) as server,
        raw(server, request(route, program), window=4096) as client,
    ):
        assert client.recv(1)
        began = time.monotonic()
        while is_connected(client):
            client.recv(1)
            # The answer has 2 MB, for all output is in it twice: 1 s, and 1 s for each 64 KiB.
            assert time.monotonic() - began < 40
            time.sleep(0.01)


def is_connected(client: socket.socket) -> bool:
    """Whether the server still has its end of a connection."""
    here = f":{client.getsockname()[1]:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[2].endswith(here) and row[3] == "01" for row in rows)


def test_who_reads_in_time_gets_all_of_it() -> None:
    program = {**HELLO, "code": "print('x' * (1 << 19))"}
    with serving(env={"DRYBOX_SERVER_STALL_TIMEOUT": "1s"}) as server:
        message = request("/v1/execute", program, "Connection: close")
        with raw(server, message, window=65536) as client:
            answer = bytearray()
            while part := client.recv(16 * 1024):
                answer += part
                time.sleep(0.05)
        assert answer.count(b"x" * 1000) >= 1040
        assert answer.endswith(b"0\r\n\r\n")
