"""How a server and its clients end: whatever happens, nothing stays."""

from __future__ import annotations

import contextlib
import json
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.support import host
from tests.support.sandboxed import HANG
from tests.support.server import TIMEOUT, Answer, Server, serving

CLIENTS = 1000
GONE_WITHIN = 5.0
"""Seconds, as the issue has it."""


def marker() -> str:
    return f"marker-{secrets.token_hex(8)}"


def hang(word: str) -> dict[str, object]:
    return {"language": "python", "code": HANG, "args": [word], "timeout": 120}


@contextlib.contextmanager
def asked(server: Server, document: object) -> Iterator[Callable[[], Answer]]:
    """A request that is under way; what is yielded waits for its answer."""
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(server.post, "/v1/execute", document)
        yield answer.result


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(env={"DRYBOX_SERVER_DRAIN_TIMEOUT": "2s"}) as server:
        yield server


# --- going down -----------------------------------------------------------------------------


@pytest.mark.promise("HTTP-10")
def test_what_runs_may_end_while_the_server_goes_down() -> None:
    program = {"language": "python", "code": "print('ready', flush=True); print(input())"}
    with serving(env={"DRYBOX_SERVER_DRAIN_TIMEOUT": "1h"}) as server:
        with server.websocket(program) as talk:
            assert talk.until("stdout")["data"] == "ready\n"
            server.process.send_signal(signal.SIGTERM)
            # It still listens, and says what it is about.
            assert host.eventually(lambda: server.get("/readyz").status == 503, TIMEOUT)
            assert server.get("/readyz").problem["type"] == "urn:drybox:problem:draining"
            assert server.get("/healthz").status == 200
            refusal = server.post("/v1/execute", {"language": "python", "code": "1"})
            assert refusal.problem["status"] == 503
            assert refusal.headers["retry-after"]
            talk.send({"type": "stdin", "data": "done\n"})
            result = talk.until("result")["result"]
        assert (result["status"], result["stdout"]) == ("success", "ready\ndone\n")
        assert server.process.wait(TIMEOUT) == 0


@pytest.mark.promise("HTTP-10")
def test_what_does_not_end_is_ended(server: Server) -> None:
    words = [marker() for _ in range(3)]
    with (
        asked(server, hang(words[0])) as answer,
        server.stream(hang(words[1])) as events,
        server.websocket(hang(words[2])) as talk,
    ):
        assert next(event for event in events if event["type"] == "stdout")
        assert talk.until("stdout")
        assert host.eventually(lambda: host.running(words[0]), TIMEOUT)
        server.process.send_signal(signal.SIGTERM)
        assert answer().problem["type"] == "urn:drybox:problem:draining"
        assert list(events)[-1]["problem"]["status"] == 503
        assert talk.until("error")["problem"]["status"] == 503
        assert talk.code == 1001
    assert server.process.wait(TIMEOUT) == 0
    assert not [word for word in words if host.running(word)]


@pytest.mark.promise("HTTP-10")
def test_a_second_signal_ends_it_at_once() -> None:
    word = marker()
    with serving(env={"DRYBOX_SERVER_DRAIN_TIMEOUT": "1h"}) as server:
        with asked(server, hang(word)) as answer:
            assert host.eventually(lambda: host.running(word), TIMEOUT)
            server.process.send_signal(signal.SIGINT)
            assert host.eventually(lambda: server.get("/readyz").status == 503, TIMEOUT)
            server.process.send_signal(signal.SIGINT)
            assert answer().status == 503
        assert server.process.wait(TIMEOUT) == 0
    assert not host.running(word)


@pytest.mark.promise("HTTP-10")
def test_nothing_stays_of_a_server_that_went_down(server: Server) -> None:
    server.execute("python", "print(1)")
    supervisors = host.supervisors(server.process.pid)
    assert supervisors
    assert server.stop() == 0
    assert host.eventually(lambda: not [w for w in supervisors if host.status(w.pid)])


@pytest.mark.promise("HTTP-9")
def test_killed_under_load_and_started_again_nothing_of_the_old_one_is_left() -> None:
    word = marker()
    with serving() as old:
        family = []
        stop = threading.Event()

        def load() -> None:
            with contextlib.suppress(OSError):
                while not stop.is_set():
                    old.post("/v1/execute", {"language": "python", "code": "print(1)"})

        with contextlib.ExitStack() as stack:
            pool = stack.enter_context(ThreadPoolExecutor(4))
            stack.callback(stop.set)
            for _ in range(2):
                events = stack.enter_context(old.stream(hang(word)))
                assert next(event for event in events if event["type"] == "stdout")
            for _ in range(4):
                pool.submit(load)
            family = [process.pid for process in host.descendants(old.process.pid)]
            folders = host.sandboxes(old.process.pid)
            assert len(folders) >= 2
            old.process.kill()
            old.process.wait()
            with serving("--port", str(old.port)) as new:
                assert host.eventually(lambda: not host.running(word), GONE_WITHIN)
                assert host.eventually(lambda: not [p for p in family if host.status(p)])
                assert host.eventually(lambda: not folders & host.cgroups(), GONE_WITHIN)
                assert new.execute("python", "print(1)")["stdout"] == "1\n"


# --- clients that vanish --------------------------------------------------------------------


def vanish(server: Server, number: int, word: str) -> None:
    """Connect, go some of the way, and leave without a word."""
    body = json.dumps(hang(word)).encode()
    head = b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n"
    path = b"/v1/execute/stream" if number % 2 else b"/v1/execute"
    request = head % (path, len(body)) + body
    with socket.create_connection(("127.0.0.1", server.port), 60) as client:
        way = number % 8
        if way == 1:
            client.sendall(request[:20])
        elif way == 2:
            client.sendall(request[:-20])
        elif way > 2:
            client.sendall(request)
        if way == 7:  # with a reset
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


@pytest.mark.promise("HTTP-8")
def test_a_thousand_clients_that_vanish_leave_nothing() -> None:
    word = marker()
    # The longest that anything of a client can wait is until it gets a slot.
    with serving(env={"DRYBOX_SERVER_QUEUE": "2000"}) as server:
        pid = server.process.pid
        for _ in range(3):
            server.execute("python", "print(1)")
        # The connections of those requests have to be gone, and what waits to be filled up.
        settled = _settled(lambda: len(host.descriptors(pid)))
        idle = _settled(lambda: len(host.sandboxes(pid)))
        with ThreadPoolExecutor(16) as pool:
            for _ in pool.map(lambda number: vanish(server, number, word), range(CLIENTS)):
                pass
        assert host.eventually(lambda: not host.running(word), TIMEOUT)
        assert server.execute("python", "print(1)")["stdout"] == "1\n"
        assert host.eventually(lambda: not host.running(word))
        assert host.eventually(lambda: len(host.descriptors(pid)) <= settled, TIMEOUT)
        assert host.eventually(lambda: len(host.sandboxes(pid)) <= idle, TIMEOUT)


def _settled(count: Callable[[], int]) -> int:
    """A count that has been the same for half a second."""
    counts = [count()]

    def still() -> bool:
        counts.append(count())
        return len(counts) > 50 and len(set(counts[-50:])) == 1

    assert host.eventually(still, TIMEOUT)
    return counts[-1]
