"""Whatever clients send takes little memory, holds nobody up and has an end; seen from outside."""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from tests.support import host
from tests.support.sandboxed import ANEW
from tests.support.server import TIMEOUT, Server, serving
from tests.support.wire import (
    LoopProbe,
    all_of,
    probed,
    push,
    raw,
    request,
    status_of,
    watched_memory,
)
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from drybox.service.api_keys import hash_key, new_key

MIB = 1 << 20
HELD = 0.05
"""Seconds that one client may hold the event loop."""

HELLO = {"language": "python", "code": "print(1)"}
HEAD = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
CHUNKED = (
    b"POST /v1/execute HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
    b"Content-Type: application/json\r\n\r\n"
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, LoopProbe]]:
    env = {"DRYBOX_SERVER_BODY_TIMEOUT": "2s", "DRYBOX_SERVER_MAX_BODY": "16MiB"}
    with probed(tmp_path_factory.mktemp("probe") / "longest", env) as (server, probe):
        server.execute("python", "print(1)")
        yield server, probe


@pytest.fixture
def server(served: tuple[Server, LoopProbe]) -> Iterator[Server]:
    """One that is seen to take little memory and not to hold its loop up."""
    server, probe = served
    probe.begin_anew()
    with watched_memory(server) as grown:
        yield server
    assert grown[-1] < 24 * MIB, f"{grown[-1]:,} bytes"
    assert probe.longest < HELD, f"{probe.longest:.3f} s"


FLOODS = {
    "many small headers": (HEAD, b"a: b\r\n" * (8 * MIB), 431),
    "one large header": (HEAD + b"a: ", b"a" * (154 * MIB), 431),
    "a name without end": (HEAD, b"a" * (32 * MIB), 431),
    "a folded header": (HEAD + b"a: b\r\n", b" c\r\n" * (8 * MIB), 400),
    "a long URL": (b"GET /", b"a" * (32 * MIB), 414),
    "a long query": (b"GET /healthz?", b"a=b&" * (8 * MIB), 414),
    "a long method": (b"", b"A" * (32 * MIB), 400),
    "blank lines": (b"", b"\r\n" * (16 * MIB), 431),
    "chunks of a byte": (CHUNKED, b"1\r\nx\r\n" * (4 * MIB), 400),
    "a chunk's extension": (CHUNKED + b"1;", b"x" * (32 * MIB), 400),
    "extensions of chunks": (CHUNKED, (b"1;" + b"x" * 500 + b"\r\ny\r\n") * 60_000, 400),
    "trailers": (CHUNKED + b"0\r\n", b"a: b\r\n" * (4 * MIB), 431),
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_is_told_what_is_too_much(server: Server, name: str) -> None:
    begin, rest, status = FLOODS[name]
    with raw(server, begin) as client:
        push(client, rest)
        assert status_of(all_of(client)) == status


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (HEAD + b"a: b\r\n" * 90 + b"\r\n", 200),
        (HEAD + b"a: b\r\n" * 120 + b"\r\n", 431),
        (HEAD + b"a: " + b"b" * 30_000 + b"\r\n\r\n", 200),
        (HEAD + b"a: " + b"b" * 33_000 + b"\r\n\r\n", 431),
        (b"GET /healthz?" + b"a" * 8000 + HEAD[12:] + b"\r\n", 200),
        (b"GET /healthz?" + b"a" * 9000 + HEAD[12:] + b"\r\n", 414),
    ],
)
def test_where_the_bounds_are(server: Server, head: bytes, status: int) -> None:
    with raw(server, head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")) as client:
        assert status_of(all_of(client)) == status


def test_bytes_one_by_one_are_the_same_request(server: Server) -> None:
    program = b'"language": "python", "code": "print(2)"'
    chunks = b"1\r\n{\r\n%x;x=y\r\n%s\r\n1\r\n}\r\n0\r\nt: u\r\n\r\n" % (len(program), program)
    for message in (
        request("/v1/execute", HELLO) * 2 + request("/v1/execute", HELLO, "Connection: close"),
        CHUNKED.replace(b"\r\n", b"\r\nConnection: close\r\n", 1) + chunks,
    ):
        with raw(server) as client:
            for index in range(len(message)):
                client.sendall(message[index : index + 1])
            answers = all_of(client)
        assert answers.count(b"HTTP/1.1 200 ") == message.count(b"HTTP/1.1")


def test_requests_behind_each_other_are_answered_in_order(server: Server) -> None:
    programs = [request("/v1/execute", {**HELLO, "code": f"print({i})"}) for i in range(5)]
    with raw(server, b"".join(programs) + HEAD + b"Connection: close\r\n\r\n") as client:
        answers = all_of(client)
    places = [answers.index(b'"stdout": "%d' % i) for i in range(5)] + [answers.index(b"alive")]
    assert places == sorted(places)


def test_many_requests_behind_each_other_take_nothing(server: Server) -> None:
    clients = [raw(server) for _ in range(20)]
    for client in clients:
        client.settimeout(0.2)
        push(client, (HEAD + b"\r\n") * 20_000)
    assert server.get("/healthz").status == 200
    for client in clients:
        client.close()


def test_one_who_leaves_behind_many_requests_is_seen_to_leave(server: Server) -> None:
    word = f"left-behind-{time.monotonic_ns()}"
    program = {**HELLO, "code": ANEW.format("import time; time.sleep(60)"), "args": [word]}
    with raw(server, request("/v1/execute", program) + request("/v1/execute", HELLO) * 1000):
        assert host.eventually(lambda: host.confined(word), TIMEOUT)
    assert host.eventually(lambda: not host.running(word), TIMEOUT)


@pytest.mark.parametrize("lines", [(), ("Connection: close",)])
@pytest.mark.parametrize("path", ["/v1/execute", "/nowhere", "/api/v2/execute"])
def test_who_still_sends_too_much_reads_the_answer(
    server: Server, path: str, lines: tuple[str, ...]
) -> None:
    with raw(server) as client:
        # Nothing is read before all is sent, as many a client does.
        client.sendall(request(path, b"x" * (64 * MIB), "Content-Type: application/json", *lines))
        client.settimeout(TIMEOUT)
        assert status_of(client.recv(4096)) == (404 if path == "/nowhere" else 413)


def test_but_not_for_ever(server: Server) -> None:
    head = b"POST /v1/execute HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 999999999999\r\n\r\n"
    began = time.monotonic()
    with raw(server, head) as client:
        assert status_of(client.recv(4096)) == 413
        send_until_it_ends(client, b"x" * 65536)
    assert time.monotonic() - began < 15


def send_until_it_ends(client: socket.socket, piece: bytes) -> None:
    """Send the same again and again, as long as the other end takes it; 20 s at most."""
    until = time.monotonic() + 20
    with suppress(OSError):
        while time.monotonic() < until:
            client.sendall(piece)
            time.sleep(0.1)


TRICKLES = {
    "blank lines": (b"", b"\r\n"),
    "a head": (HEAD + b"a: ", b"a"),
    "a body": (CHUNKED, b"1\r\nx\r\n"),
    "a body of nobody's": (CHUNKED.replace(b"/v1/execute", b"/nowhere"), b"1\r\nx\r\n"),
}


@pytest.mark.parametrize("name", TRICKLES)
def test_a_trickle_has_an_end(server: Server, name: str) -> None:
    begin, piece = TRICKLES[name]
    began = time.monotonic()
    with raw(server, begin) as client:
        send_until_it_ends(client, piece)
    assert time.monotonic() - began < 15


def test_a_websocket_that_says_nothing_has_an_end(server: Server) -> None:
    began = time.monotonic()
    with server.websocket() as talk:
        assert talk.until("error")["problem"]["status"] == 408
    with server.websocket() as talk, suppress(ConnectionClosed, OSError):
        while time.monotonic() - began < 20:
            talk.connection.ping()
            time.sleep(0.1)
    assert time.monotonic() - began < 15


def _frames(opcode: Opcode, data: bytes, *, fin: bool, count: int) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True) * count


@pytest.mark.parametrize(
    "flood",
    [
        _frames(Opcode.PING, b"", fin=True, count=400_000),
        _frames(Opcode.PONG, b"", fin=True, count=400_000),
        _frames(Opcode.TEXT, b"", fin=False, count=1)
        + _frames(Opcode.CONT, b"", fin=False, count=400_000),
        _frames(Opcode.TEXT, b"{", fin=False, count=1)
        + _frames(Opcode.CONT, b"x" * 65_000, fin=False, count=600),
        _frames(Opcode.TEXT, b"{}", fin=True, count=200_000),
    ],
    ids=["pings", "pongs", "frames of nothing", "a long message", "messages"],
)
def test_a_flood_over_a_websocket(served: tuple[Server, LoopProbe], flood: bytes) -> None:
    server, probe = served
    handshake = (
        b"GET /v1/execute/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )

    def send() -> None:
        with watched_memory(server) as grown, raw(server, handshake) as client:
            assert status_of(client.recv(4096)) == 101
            client.settimeout(8)
            push(client, flood)
            assert server.get("/healthz").status == 200
        # A message of 16 MiB may come, and is there as it came, joined, and as text.
        assert grown[-1] < 96 * MIB

    assert probe.least(send, HELD) < HELD


def test_many_connections_keep_nobody_out() -> None:
    def few_descriptors() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))

    with serving(before=few_descriptors) as server:
        clients = []
        for index in range(600):
            clients.append(raw(server, HEAD if index % 2 else b""))  # a head without an end
        began = time.monotonic()
        assert server.execute("python", "print(1)")["stdout"] == "1\n"
        assert time.monotonic() - began < 5
        for client in clients:
            client.close()


def test_a_body_that_is_wrong_costs_of_the_rate() -> None:
    key = new_key()
    env = {"DRYBOX_KEYS_BIG_HASH": hash_key(key), "DRYBOX_KEYS_BIG_RATE": "3/h"}
    shown = {"Authorization": f"Bearer {key}"}
    with serving(env=env) as server:
        wrong = b'{"language": "python", "code": "' + b"x" * (2 * MIB) + b'", "no": 1}'
        statuses = [server.ask("POST", "/v1/execute", wrong, shown).status for _ in range(4)]
        assert statuses == [422, 422, 422, 429]
