"""Events as they happen, over server-sent events and over the WebSocket."""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import socket
import time
from collections.abc import Iterator

import pytest
from tests.support import host
from tests.support.sandboxed import ANEW, HANG
from tests.support.server import TIMEOUT, Server, serving
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

TALK = """
import sys
print('ready', flush=True)
for line in sys.stdin:
    print('got', line, end='', flush=True)
print('end')
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    env = {
        "DRYBOX_SERVER_KEEP_ALIVE": "200ms",
        "DRYBOX_SERVER_STALL_TIMEOUT": "1s",
        "DRYBOX_MAX_LIMITS_OUTPUT": "512MiB",
    }
    with serving(env=env) as server:
        yield server


def request(code: str, **fields: object) -> dict[str, object]:
    return {"language": "python", "code": code, **fields}


def marker() -> str:
    return f"marker-{secrets.token_hex(8)}"


def text_of(events: list[dict[str, object]], stream: str) -> str:
    return "".join(str(event["data"]) for event in events if event["type"] == stream)


# --- server-sent events ---------------------------------------------------------------------


@pytest.mark.promise("HTTP-4")
def test_events_come_in_order_and_the_result_last(server: Server) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    with server.stream(request(code)) as messages:
        events = list(messages)
    assert [event["type"] for event in events if event["type"] not in ("stdout", "stderr")] == [
        *("start", "phase", "phase", "result"),
    ]
    result = events[-1]["result"]
    assert text_of(events, "stdout") == result["stdout"] == "out\n"
    assert text_of(events, "stderr") == result["stderr"] == "err\n"
    assert (result["status"], result["exit_code"]) == ("failed", 3)
    assert {event["id"] for event in events} == {result["id"]}
    begin, end = (event for event in events if event["type"] == "phase")
    assert (begin["phase"], begin["outcome"]) == ("run", None)
    assert end["outcome"] == result["phases"][0]


@pytest.mark.promise("HTTP-4")
def test_the_first_byte_comes_while_the_program_runs(server: Server) -> None:
    word = marker()
    with server.stream(request(HANG, args=[word])) as events:
        first = next(event for event in events if event["type"] == "stdout")
        assert first["data"] == f"ready {word}\n"
        assert host.running(word)


@pytest.mark.promise("HTTP-4")
def test_a_byte_is_there_soon_after_its_flush(server: Server) -> None:
    """Ten milliseconds; of many, since others may keep the machine busy now and then."""
    code = "import time\nfor _ in range(40): print(time.time(), flush=True); time.sleep(0.01)"
    with server.stream(request(code)) as events:
        late = [
            time.time() - float(event["data"].split()[-1])
            for event in events
            if event["type"] == "stdout"
        ]
    assert min(late) < 0.010


@pytest.mark.promise("HTTP-4")
def test_bytes_of_one_character_are_joined(server: Server) -> None:
    code = r"""
import fcntl, os, termios
for byte in '\u20ac\U0001f600'.encode() + b'\xff' + b'\xe2\x82':
    os.write(1, bytes([byte]))
    while any(fcntl.ioctl(1, termios.FIONREAD, bytes(4))):  # until it is taken from the pipe
        os.sched_yield()
"""
    with server.stream(request(code)) as messages:
        events = list(messages)
    pieces = [event["data"] for event in events if event["type"] == "stdout"]
    assert pieces == ["\u20ac", "\U0001f600", "\ufffd", "\ufffd"]
    assert events[-1]["result"]["stdout"] == "".join(pieces)


def test_a_silent_stream_says_that_it_is_there(server: Server) -> None:
    connection = server.connect()
    body = '{"language": "python", "code": "import time; time.sleep(2)"}'
    began = time.monotonic()
    connection.request("POST", "/v1/execute/stream", body)
    text = connection.getresponse().read().decode()
    took = time.monotonic() - began
    connection.close()
    assert 3 <= text.count(": keep-alive\n\n") <= took / 0.2


@pytest.mark.parametrize(
    ("fields", "status"),
    [({"timeout": -1}, 422), ({"isolation": "nowhere"}, 422), ({"language": "cobol"}, 422)],
)
def test_what_never_runs_has_a_status_of_its_own(
    server: Server, fields: dict[str, object], status: int
) -> None:
    answer = server.post("/v1/execute/stream", {**request("pass"), **fields})
    assert answer.problem["status"] == status


@pytest.mark.promise("HTTP-6")
def test_a_client_that_leaves_takes_its_program_along(server: Server) -> None:
    word = marker()
    with server.stream(request(HANG, args=[word])) as events:
        assert next(event for event in events if event["type"] == "stdout")
        assert host.running(word)
    assert host.eventually(lambda: not host.running(word))


@pytest.mark.promise("HTTP-6")
def test_a_client_that_leaves_a_plain_request_takes_its_program_along(server: Server) -> None:
    word = marker()
    connection = server.connect()
    connection.request("POST", "/v1/execute", json.dumps(request(HANG, args=[word])))
    assert host.eventually(lambda: host.running(word), TIMEOUT)
    connection.close()
    assert host.eventually(lambda: not host.running(word))


@pytest.mark.promise("HTTP-6")
def test_a_client_that_takes_nothing_holds_the_program_up_and_is_then_gone(
    server: Server,
) -> None:
    """Its output waits in the program, not in the server's memory, and not for ever."""
    word = marker()
    code = ANEW.format("while True: print('x' * 1000)")
    fields = request(code, args=[word], timeout=120, limits={"output": "512MiB"})
    before = host.resident(server.process.pid)
    body = json.dumps(fields).encode()
    head = f"POST /v1/execute/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}"
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", server.port))
        client.sendall(head.encode() + b"\r\n\r\n" + body)
        assert client.recv(100, socket.MSG_WAITALL).startswith(b"HTTP/1.1 200 ")  # it runs
        assert host.eventually(lambda: not host.running(word))
    assert host.resident(server.process.pid) - before < 32 << 20


# --- the WebSocket --------------------------------------------------------------------------


@pytest.mark.promise("HTTP-5")
def test_a_conversation(server: Server) -> None:
    with server.websocket(request(TALK)) as talk:
        assert talk.until("stdout")["data"] == "ready\n"
        talk.send({"type": "stdin", "data": "one \u20ac\n"})
        assert talk.until("stdout")["data"] == "got one \u20ac\n"
        talk.send(
            {"type": "stdin", "data": base64.b64encode(b"two\n").decode(), "encoding": "base64"}
        )
        assert talk.until("stdout")["data"] == "got two\n"
        talk.send({"type": "eof"})
        events = list(talk.events())
        assert events[-1]["type"] == "result"
        assert events[-1]["result"]["stdout"] == "ready\ngot one \u20ac\ngot two\nend\n"
        assert talk.code == 1000


@pytest.mark.promise("HTTP-5")
def test_the_requests_own_input_comes_first(server: Server) -> None:
    first = request(TALK, stdin="first\n")
    messages = (
        {"type": "stdin", "data": "second\n"},
        {"type": "stdin", "data": ""},
        {"type": "eof"},
    )
    with server.websocket(first, *messages) as talk:
        assert talk.until("result")["result"]["stdout"] == "ready\ngot first\ngot second\nend\n"


@pytest.mark.promise("HTTP-5")
def test_kill_ends_the_program_and_the_result_comes(server: Server) -> None:
    word = marker()
    with server.websocket(request(HANG, args=[word])) as talk:
        assert talk.until("stdout")["data"] == f"ready {word}\n"
        talk.send({"type": "kill"})
        result = talk.until("result")["result"]
        assert (result["status"], result["signal"]) == ("signaled", "SIGKILL")
        assert result["stdout"] == f"ready {word}\n"
        assert talk.code == 1000
    assert not host.running(word)


@pytest.mark.promise("HTTP-5")
def test_kill_is_heard_behind_input_that_nobody_reads(server: Server) -> None:
    with server.websocket(request(HANG)) as talk:
        talk.until("stdout")
        for _ in range(10):
            talk.send({"type": "stdin", "data": "x" * 1_000_000})
        talk.send({"type": "kill"})
        assert talk.until("result")["result"]["signal"] == "SIGKILL"


@pytest.mark.promise("HTTP-6")
def test_too_much_input_that_nobody_reads_is_refused(server: Server) -> None:
    word = marker()
    with server.websocket(request(HANG, args=[word])) as talk:
        talk.until("stdout")
        for _ in range(18):
            talk.send({"type": "stdin", "data": "x" * 1_000_000})
        assert talk.until("error")["problem"]["status"] == 413
        assert talk.code == 1009
    assert host.eventually(lambda: not host.running(word))


@pytest.mark.promise("HTTP-6")
def test_a_websocket_that_closes_takes_its_program_along(server: Server) -> None:
    word = marker()
    with server.websocket(request(HANG, args=[word])) as talk:
        talk.until("stdout")
        assert host.running(word)
    assert host.eventually(lambda: not host.running(word))


@pytest.mark.promise("HTTP-5")
@pytest.mark.parametrize(
    ("message", "status", "code"),
    [
        ("{", 400, 1007),
        (b"{}", 400, 1003),
        ("[]", 422, 1008),
        ('{"language": 1}', 422, 1008),
        ("[" * 100_000, 400, 1007),
        ('{"language": "python", "code": "\\ud800"}', 400, 1007),
    ],
)
def test_a_first_message_that_is_no_request(
    server: Server, message: str | bytes, status: int, code: int
) -> None:
    with server.websocket(message) as talk:
        assert talk.until("error")["problem"]["status"] == status
        assert talk.code == code


@pytest.mark.promise("HTTP-5")
@pytest.mark.parametrize(
    ("message", "status", "code"),
    [
        ("no json", 400, 1007),
        ({"type": "nothing"}, 422, 1008),
        ({"type": "stdin"}, 422, 1008),
        ({"type": "stdin", "data": 1}, 422, 1008),
        ({"type": "stdin", "data": "?", "encoding": "base64"}, 422, 1008),
        ({"type": "eof", "more": 1}, 422, 1008),
        (b"\0", 400, 1003),
    ],
)
def test_a_later_message_that_is_wrong_ends_the_program(
    server: Server, message: object, status: int, code: int
) -> None:
    word = marker()
    with server.websocket(request(HANG, args=[word])) as talk:
        talk.until("stdout")
        talk.send(message)
        assert talk.until("error")["problem"]["status"] == status
        assert talk.code == code
    assert host.eventually(lambda: not host.running(word))


@pytest.mark.promise("HTTP-5")
def test_input_after_its_end_is_wrong(server: Server) -> None:
    with server.websocket(request(HANG)) as talk:
        talk.until("stdout")
        talk.send({"type": "eof"})
        talk.send({"type": "stdin", "data": "more"})
        assert talk.until("error")["problem"]["field"] == "stdin"


@pytest.mark.promise("HTTP-5")
def test_a_message_that_is_too_long_ends_it(server: Server) -> None:
    word = marker()
    with server.websocket(request(HANG, args=[word])) as talk:
        talk.until("stdout")
        with contextlib.suppress(ConnectionClosed):  # it may be over while it is sent
            talk.send({"type": "stdin", "data": "x" * (17 << 20)})
            assert talk.code == 1009
    assert host.eventually(lambda: not host.running(word))


@pytest.mark.promise("HTTP-5")
def test_a_request_that_is_wrong_is_a_problem_and_a_close(server: Server) -> None:
    with server.websocket(request("pass", timeout=-1)) as talk:
        problem = talk.until("error")["problem"]
        assert (problem["status"], problem["field"]) == (422, "timeout")
        assert talk.code == 1008


@pytest.mark.promise("HTTP-5")
def test_a_plain_request_to_the_websockets_path(server: Server) -> None:
    answer = server.get("/v1/execute/ws")
    assert answer.problem["status"] == 426
    assert answer.headers["upgrade"] == "websocket"


@pytest.mark.promise("HTTP-7")
def test_a_page_of_another_site_may_not(server: Server) -> None:
    with (
        pytest.raises(InvalidStatus) as refused,
        server.websocket(request("pass"), origin="http://evil.example"),
    ):
        pass
    assert refused.value.response.status_code == 403
    assert b'"status": 403' in refused.value.response.body
    answer = server.ask("POST", "/v1/execute", "{}", {"Origin": "http://evil.example"})
    assert answer.problem["status"] == 403
    answer = server.ask("GET", "/v1/languages", headers={"Host": "evil.example"})
    assert answer.problem["status"] == 403
    with server.websocket(request("pass"), origin=f"http://127.0.0.1:{server.port}") as talk:
        assert talk.until("result")


def test_a_websocket_to_nowhere_is_told_so(server: Server) -> None:
    for path in ("/v1/nothing", "/", "/v1/execute", "/v1/sessions/x/commands/1/wss"):
        with pytest.raises(InvalidStatus) as refused:
            connect(f"ws://127.0.0.1:{server.port}{path}")
        assert refused.value.response.status_code == 404, path
        assert b'"urn:drybox:problem:not-found"' in refused.value.response.body
