"""Whatever a client sends gets an answer of its own: a problem with a status of 4xx, never 5xx."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.support import host
from tests.support.server import Server, serving

GOOD: dict[str, Any] = {"language": "python", "code": "print(1)"}
DEEP = 100_000


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    env = {"DRYBOX_SERVER_MAX_BODY": "8MiB", "DRYBOX_SERVER_BODY_TIMEOUT": "1s"}
    with serving(env=env) as server:
        yield server


PATHS = ("/v1/execute", "/v1/execute/stream")

NO_JSON = {
    "nothing": b"",
    "half": b'{"language": "python", "code": "print(1)"',
    "no quotes": b"{language: python}",
    "not UTF-8": b'{"language": "python", "code": "\xff\xfe"}',
    "UTF-16": json.dumps(GOOD).encode("utf-16"),
    "a NUL": b'{"language": "python", "code": "\0"}',
    "a lone surrogate": b'{"language": "python", "code": "\\ud800"}',
    "half a pair": b'{"language": "python", "code": "\\udc00\\ud800"}',
    "deep lists": b"[" * DEEP,
    "deep lists that end": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"language":' * DEEP,
    "deep in a field": b'{"language": "python", "env": ' + b'{"a":' * DEEP + b"}" * DEEP + b"}",
    "more after it": json.dumps(GOOD).encode() + b"{}",
    "NaN": b'{"language": "python", "code": "", "timeout": nan}',
    "a comment": b'{"language": "python" /* no */}',
    "urlencoded": b"language=python&code=print(1)",
}

WRONG = {
    "a list": ([], ""),
    "a text": ("python", ""),
    "null": (None, ""),
    "no language": ({"code": "1"}, "language"),
    "no code": ({"language": "python"}, "code"),
    "an unknown field": ({**GOOD, "commmand": "x"}, "commmand"),
    "an unknown language": ({**GOOD, "language": "cobol"}, "language"),
    "a NUL in the language": ({**GOOD, "language": "py\0thon"}, "language"),
    "a long language": ({**GOOD, "language": "p" * 1_000_000}, "language"),
    "a number as code": ({**GOOD, "code": 1}, "code"),
    "a list as code": ({**GOOD, "code": ["print(1)"]}, "code"),
    "files as a map": ({**GOOD, "files": {"a": "b"}}, "files"),
    "files of texts": ({**GOOD, "files": ["a"]}, "files[0]"),
    "a file without a path": ({**GOOD, "files": [{"content": ""}]}, "files[0].path"),
    "a path with a NUL": ({**GOOD, "files": [{"path": "a\0", "content": ""}]}, "files"),
    "an absolute path": ({**GOOD, "files": [{"path": "/etc/x", "content": ""}]}, "files"),
    "a path that leaves": ({**GOOD, "files": [{"path": "../x", "content": ""}]}, "files"),
    "a file twice": (
        {**GOOD, "files": [{"path": "a", "content": "1"}, {"path": "a", "content": "2"}]},
        "files[1].path",
    ),
    "no base64": (
        {**GOOD, "files": [{"path": "a", "content": "!!!", "encoding": "base64"}]},
        "files[0].content",
    ),
    "half a base64": (
        {**GOOD, "files": [{"path": "a", "content": "YQ", "encoding": "base64"}]},
        "files[0].content",
    ),
    "base64 that is no ASCII": (
        {**GOOD, "files": [{"path": "a", "content": "\u20ac", "encoding": "base64"}]},
        "files[0].content",
    ),
    "another encoding": (
        {**GOOD, "files": [{"path": "a", "content": "", "encoding": "rot13"}]},
        "files[0].encoding",
    ),
    "3,000 files": (
        {**GOOD, "files": [{"path": f"f{n}", "content": ""} for n in range(3000)]},
        "files",
    ),
    "100,000 files": (
        {**GOOD, "files": [{"path": f"f{n}", "content": ""} for n in range(100_000)]},
        "",
    ),
    "a deep path": ({**GOOD, "files": [{"path": "a/" * 500 + "b", "content": ""}]}, "files"),
    "a text as arguments": ({**GOOD, "args": "one"}, "args"),
    "a number as argument": ({**GOOD, "args": [1]}, "args[0]"),
    "a NUL in an argument": ({**GOOD, "args": ["a\0b"]}, "args[0]"),
    "many arguments": ({**GOOD, "args": ["a"] * 100_000}, "args"),
    "long arguments": ({**GOOD, "args": ["a" * 1_000_000]}, "args[0]"),
    "a list as variables": ({**GOOD, "env": []}, "env"),
    "a wrong variable": ({**GOOD, "env": {"A=B": "1"}}, "env"),
    "a NUL in a variable": ({**GOOD, "env": {"A": "\0"}}, "env[0]"),
    "a number as input": ({**GOOD, "stdin": 1}, "stdin"),
    "no timeout": ({**GOOD, "timeout": 0}, "timeout"),
    "a timeout before now": ({**GOOD, "timeout": -1}, "timeout"),
    "a huge timeout": ({**GOOD, "timeout": 10**30}, "timeout"),
    "a timeout of many digits": ({**GOOD, "timeout": 10**300}, "timeout"),
    "a timeout above the ceiling": ({**GOOD, "timeout": 301}, "timeout"),
    "a timeout of words": ({**GOOD, "timeout": "soon"}, "timeout"),
    "a true timeout": ({**GOOD, "timeout": True}, "timeout"),
    "a list of limits": ({**GOOD, "limits": []}, "limits"),
    "an unknown limit": ({**GOOD, "limits": {"money": 1}}, "limits.money"),
    "no memory": ({**GOOD, "limits": {"memory": 0}}, "limits.memory"),
    "huge memory": ({**GOOD, "limits": {"memory": 10**30}}, "limits.memory"),
    "memory above the ceiling": ({**GOOD, "limits": {"memory": "5GiB"}}, "limits.memory"),
    "huge memory in words": ({**GOOD, "limits": {"memory": "9" * 400}}, "limits.memory"),
    "memory of another unit": ({**GOOD, "limits": {"memory": "1 parsec"}}, "limits.memory"),
    "half a process": ({**GOOD, "limits": {"pids": 0.5}}, "limits.pids"),
    "negative processors": ({**GOOD, "limits": {"cpus": -1}}, "limits.cpus"),
    "many processors": ({**GOOD, "limits": {"cpus": 1e300}}, "limits.cpus"),
    "a wrong isolation": ({**GOOD, "isolation": "none"}, "isolation"),
    "a NUL in the isolation": ({**GOOD, "isolation": "local\0"}, "isolation"),
    "a glob that leaves": ({**GOOD, "artifacts": ["../*"]}, "artifacts"),
    "an absolute glob": ({**GOOD, "artifacts": ["/etc/*"]}, "artifacts"),
    "many globs": ({**GOOD, "artifacts": ["*"] * 1000}, "artifacts"),
    "an option as package": ({**GOOD, "packages": ["--index-url=http://x"]}, "packages"),
    "packages, where there are none": ({**GOOD, "packages": ["numpy"]}, "packages"),
    "an entry that is not there": ({**GOOD, "entrypoint": "../main.py"}, "entrypoint"),
}


@pytest.mark.promise("HTTP-1")
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", NO_JSON)
def test_what_is_no_json(server: Server, path: str, name: str) -> None:
    problem = server.ask("POST", path, NO_JSON[name]).problem
    assert problem["status"] == 400
    assert problem["type"] == "urn:drybox:problem:malformed-json"


@pytest.mark.promise("HTTP-1")
@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_request(server: Server, name: str) -> None:
    document, field = WRONG[name]
    text = json.dumps(document)
    for path in PATHS:
        problem = server.ask("POST", path, text).problem
        assert problem["status"] == 422, problem
        assert problem.get("field", "").startswith(field), problem
        assert not any(word in problem["detail"] for word in ("Input should", "Extra inputs"))
        assert problem["hint"]
        assert len(problem["detail"]) < 500


@pytest.mark.promise("HTTP-1")
def test_numbers_without_end(server: Server) -> None:
    for number in ("1" + "0" * 100_000, "1e999", "-1e999", "1" + "0" * 5000 + ".5"):
        text = f'{{"language": "python", "code": "", "limits": {{"cpus": {number}}}}}'
        assert server.ask("POST", "/v1/execute", text).problem["status"] in (400, 422)


HEAD = b"POST /v1/execute HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@contextmanager
def sent(server: Server, data: bytes) -> Iterator[socket.socket]:
    """A connection that this was sent over."""
    with socket.create_connection(("127.0.0.1", server.port), 20) as client:
        client.sendall(HEAD + data)
        yield client


@pytest.mark.promise("HTTP-2")
def test_a_body_that_is_too_large_is_answered_before_it_comes(server: Server) -> None:
    with sent(server, b"Content-Length: 99999999999\r\n\r\n") as client:
        assert client.recv(65536).startswith(b"HTTP/1.1 413 ")


@pytest.mark.promise("HTTP-2")
def test_a_body_in_chunks_is_bounded_as_well(server: Server) -> None:
    before = host.resident(server.process.pid)
    with sent(server, b"Transfer-Encoding: chunked\r\n\r\n") as client:
        for _ in range(64):
            client.sendall(b"100000\r\n" + b" " * 0x100000 + b"\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 413 ")
    assert host.resident(server.process.pid) - before < 32 << 20


@pytest.mark.promise("HTTP-2")
def test_a_body_at_the_bound_is_taken_and_one_byte_more_is_not(server: Server) -> None:
    text = json.dumps(GOOD)
    most = 8 << 20
    assert server.ask("POST", "/v1/execute", text.ljust(most)).status == 200
    assert server.ask("POST", "/v1/execute", text.ljust(most + 1)).problem["status"] == 413


@pytest.mark.promise("HTTP-2")
def test_a_body_that_does_not_come(server: Server) -> None:
    with sent(server, b"Content-Length: 10\r\n\r\n{") as client:
        assert client.recv(65536).startswith(b"HTTP/1.1 408 ")


@pytest.mark.promise("HTTP-1")
def test_a_length_that_is_no_number(server: Server) -> None:
    for length in (b"-1", b"x", b"1, 2", b"9" * 100):
        with sent(server, b"Content-Length: " + length + b"\r\n\r\n") as client:
            assert client.recv(65536).startswith(b"HTTP/1.1 4")


UPGRADE = (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


@pytest.mark.promise("HTTP-1")
@pytest.mark.parametrize("upgrade", [b"", UPGRADE])
@pytest.mark.parametrize(
    "twice",
    [
        b"Authorization: Bearer one\r\nAuthorization: Bearer two\r\n",
        b"Authorization: Bearer one\r\nX: 1\r\nauthorization: Bearer one\r\n",
        b"Host: 127.0.0.1\r\n",
        b"Content-Length: 0\r\nContent-Length: 0\r\n",
        b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Type: text/plain\r\nContent-Type: application/json\r\n",
    ],
)
def test_of_two_headers_none_is_chosen(server: Server, twice: bytes, upgrade: bytes) -> None:
    """On every route, and before a WebSocket begins: the connection ends with the refusal."""
    for path in (b"/healthz", b"/v1/languages", b"/v1/execute/ws"):
        head = b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n" % path
        with socket.create_connection(("127.0.0.1", server.port), 20) as client:
            client.sendall(head + twice + upgrade + b"\r\n")
            client.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: client.recv(65536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 "), answer
        assert json.loads(body)["type"] == "urn:drybox:problem:bad-request"


@pytest.mark.promise("HTTP-1")
def test_what_is_no_http_at_all(server: Server) -> None:
    for nonsense in (b"\x16\x03\x01\x02\0\x01\0", b"GET\r\n\r\n", b"GET / HTTP/9\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", server.port), 20) as client:
            client.sendall(nonsense)
            answer = b"".join(iter(lambda: client.recv(65536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 ")
        assert b"content-type: application/problem+json" in head
        assert json.loads(body)["status"] == 400


@pytest.mark.promise("HTTP-2")
@pytest.mark.parametrize("start", [b"", b"POST", HEAD])
def test_a_head_that_does_not_come(server: Server, start: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 20) as client:
        client.sendall(
            b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + start if start else b""
        )
        while client.recv(65536):  # until the other end closes, within the socket's own timeout
            continue


@pytest.mark.promise("HTTP-2")
def test_many_small_values_do_not_fill_the_memory(server: Server) -> None:
    """Three bytes of JSON are some hundred of a parsed value."""
    before = host.resident(server.process.pid)
    for body in (b"[" + b"[]," * 2_500_000 + b"[]]", b'{"a":[' + b'"",' * 2_500_000 + b'""]}'):
        assert server.ask("POST", "/v1/execute", body).problem["status"] == 422
    assert host.resident(server.process.pid) - before < 64 << 20


@pytest.mark.promise("HTTP-2")
def test_quotes_without_end_take_no_time(server: Server) -> None:
    for body in (b'"\\' * 4_000_000, b'\\"' * 4_000_000, b'"' * 8_000_000):
        assert server.ask("POST", "/v1/execute", body).problem["status"] in (400, 422)


@pytest.mark.promise("HTTP-1")
def test_what_is_right_goes_through(server: Server) -> None:
    data = base64.b64encode(b"\0\xff").decode()
    result = server.execute(
        "py",
        r"""
import sys
print(open('a/text').read(), open('a/bytes', 'rb').read(), sys.argv[1:], ascii(input()))
open('out.bin', 'wb').write(b'\0\xff')
""",
        files=[
            {"path": "a/text", "content": "\u20ac"},
            {"path": "a/bytes", "content": data, "encoding": "base64"},
        ],
        args=["a b", "\u20ac"],
        stdin="in\0put\n",
        env={"A": "1"},
        timeout="5s",
        limits={"memory": "64MiB", "cpus": 1, "output": "10k"},
        artifacts=["*.bin"],
    )
    assert result["status"] == "success", result
    assert result["stdout"] == "\u20ac b'\\x00\\xff' ['a b', '\u20ac'] 'in\\x00put'\n"
    assert result["artifacts"] == {"out.bin": data}


@pytest.mark.promise("HTTP-1")
def test_every_optional_field_may_be_null(server: Server) -> None:
    names = ("files", "entrypoint", "stdin", "args", "env", "timeout", "limits", "packages")
    nothing = dict.fromkeys((*names, "artifacts", "isolation"))
    assert server.execute("python", "print(1)", **nothing)["stdout"] == "1\n"
    limits = dict.fromkeys(("memory", "cpus", "pids", "disk", "output", "open_files"))
    assert server.execute("python", "print(1)", limits=limits)["stdout"] == "1\n"
