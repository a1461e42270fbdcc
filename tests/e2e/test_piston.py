"""Piston v2's routes of a really started server, by what Piston itself would answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.server import Answer, Server, serving

from drybox.languages.registry import known_languages
from drybox.service.api_keys import hash_key, new_key

REQUEST_LIMITS = {
    "DRYBOX_SERVER_MAX_TIMEOUT": "2s",
    "DRYBOX_MAX_LIMITS_MEMORY": "64MiB",
}
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def run(server: Server, language: str, content: str, **more: object) -> dict[str, Any]:
    answer = ask(server, language, content, **more)
    assert answer.status == 200, answer
    document: dict[str, Any] = answer.json
    return document


def ask(server: Server, language: str, content: str, **more: object) -> Answer:
    body = {"language": language, "version": "*", "files": [{"content": content}]}
    return server.post("/api/v2/execute", body | more)


def refusal(answer: Answer) -> str:
    """What a refusal of Piston's says; there is nothing else in it."""
    assert answer.headers["content-type"] == "application/json"
    document = answer.json
    assert list(document) == ["message"]
    message: str = document["message"]
    assert "Traceback" not in message
    return message


@pytest.mark.promise("PISTON-2")
def test_every_version_that_is_listed_runs_where_it_is_asked_for(server: Server) -> None:
    listed = server.get("/api/v2/runtimes").json
    versions = [item["version"] for item in listed if item["language"] == "python"]
    shown = 'import sys; print(".".join(map(str, sys.version_info[:3])))'
    for version in (versions[0], versions[-1]):
        body = {"language": "python", "version": version, "files": [{"content": shown}]}
        document = server.post("/api/v2/execute", body).json
        assert document["run"]["stdout"] == f"{version}\n"
        assert document["version"] == version


@pytest.mark.promise("PISTON-2")
def test_the_answer_has_the_shape_of_pistons(server: Server) -> None:
    document = run(server, "py", "print(input())", stdin="hello")
    stage = document.pop("run")
    version = next(
        item["version"]
        for item in server.get("/api/v2/runtimes").json
        if item["language"] == "python"
    )
    assert document == {"language": "python", "version": version}
    for name in ("memory", "cpu_time", "wall_time"):
        assert isinstance(stage.pop(name), int), name
    assert stage == {
        "stdout": "hello\n",
        "stderr": "",
        "output": "hello\n",
        "code": 0,
        "signal": None,
        "message": None,
        "status": None,
    }


@pytest.mark.parametrize("name", known_languages())
def test_every_language_runs(server: Server, name: str) -> None:
    language = known_languages()[name]
    document = run(server, language.piston.name, language.samples.numbered(42))
    assert document["language"] == language.piston.name
    assert (document["run"]["output"], document["run"]["code"]) == ("hello 42\n", 0)
    assert ("compile" in document) == language.samples.compiles


@pytest.mark.promise("PISTON-2")
def test_output_is_both_streams_in_the_order_they_came(server: Server) -> None:
    code = """
import fcntl, os, sys, termios
for stream, word in [(sys.stdout, "a"), (sys.stderr, "b"), (sys.stdout, "c"), (sys.stderr, "d")]:
    print(word, end="", file=stream, flush=True)
    while any(fcntl.ioctl(stream, termios.FIONREAD, bytes(4))):  # until it is taken from the pipe
        os.sched_yield()
"""
    stage = run(server, "python", code)["run"]
    assert (stage["stdout"], stage["stderr"], stage["output"]) == ("ac", "bd", "abcd")


@pytest.mark.promise("PISTON-3")
def test_cpu_time_ends_a_program_long_before_its_wall_time(server: Server) -> None:
    stage = run(server, "py", "while True: pass", run_cpu_time=200, run_timeout=30_000)["run"]
    assert (stage["status"], stage["signal"], stage["code"]) == ("TO", "SIGKILL", None)
    assert stage["message"] == "Time limit exceeded"
    assert 200 <= stage["cpu_time"] < 3000
    stage = run(server, "py", "import time; time.sleep(1)", run_cpu_time=500)["run"]
    assert (stage["status"], stage["code"]) == (None, 0), "waiting costs none"


@pytest.mark.promise("PISTON-3")
def test_cpu_time_of_all_processes_counts(server: Server) -> None:
    code = "import os\nfor _ in range(3): os.fork()\nwhile True: pass"
    stage = run(server, "py", code, run_cpu_time=200, run_timeout=30_000)["run"]
    assert (stage["status"], stage["message"]) == ("TO", "Time limit exceeded")


@pytest.mark.promise("PISTON-2")
def test_isolation_time_ends_a_program_that_waits(server: Server) -> None:
    stage = run(server, "py", "print(1, flush=True)\nimport time; time.sleep(60)", run_timeout=500)
    assert stage["run"]["message"] == "Time limit exceeded (wall clock)"
    assert stage["run"]["stdout"] == "1\n"


@pytest.mark.promise("PISTON-3")
@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"compile_timeout": 1}, "Time limit exceeded (wall clock)"),
        ({"compile_cpu_time": 1}, "Time limit exceeded"),
        ({"compile_memory_limit": 2 << 20}, "Memory limit exceeded"),
    ],
)
def test_a_compiler_is_held_to_what_the_request_allows_it(
    server: Server, limits: dict[str, int], message: str
) -> None:
    document = run(server, "go", "package main\n\nfunc main() {}\n", **limits)
    assert document["compile"]["message"] == message
    assert document["run"] == document["compile"]


@pytest.mark.promise("PISTON-2")
def test_a_request_cannot_ask_for_more_than_the_server_gives(server: Server) -> None:
    for name in ("run_timeout", "compile_timeout", "run_cpu_time", "compile_cpu_time"):
        answer = ask(server, "py", "1", **{name: 10**12})
        assert answer.status == 400
        assert refusal(answer).startswith(f"{name} cannot exceed the configured limit of ")
    with serving("--port", "0", env=REQUEST_LIMITS) as s:
        assert ask(s, "py", "1", run_timeout=2000, run_memory_limit=64 << 20).status == 200
        answer = ask(s, "py", "1", run_timeout=2001)
        assert refusal(answer) == "run_timeout cannot exceed the configured limit of 2000"
        answer = ask(s, "py", "1", run_memory_limit=(64 << 20) + 1)
        assert refusal(answer) == "run_memory_limit cannot exceed the configured limit of 67108864"


@pytest.mark.promise("PISTON-2")
def test_a_memory_limit_holds(server: Server) -> None:
    stage = run(server, "py", "bytearray(10**8)", run_memory_limit=48 << 20)["run"]
    assert (stage["status"], stage["message"]) == ("SG", "Memory limit exceeded")


@pytest.mark.promise("PISTON-2")
@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"{", 400, "the request's body is not valid JSON"),
        (b"\xff", 400, "the request's body is not valid JSON"),
        (b'{"language": NaN}', 400, "the request's body is not valid JSON"),
        (b"[" * 100_000, 400, "the request's body is not valid JSON"),
        (b"[]", 400, "language is required as a string"),
        (b'"\\ud800"', 400, "language is required as a string"),
    ],
)
def test_a_body_that_is_no_request(server: Server, body: bytes, status: int, message: str) -> None:
    answer = server.ask("POST", "/api/v2/execute", body, JSON)
    assert (answer.status, refusal(answer)) == (status, message)


@pytest.mark.promise("PISTON-2")
@pytest.mark.parametrize(
    "more",
    [
        {"args": ["\0"]},
        {"args": ["x" * 200_000]},
        {"stdin": "\ud800"},
        {"files": [{"content": "\ud800"}]},
        {"files": [{"content": "1", "name": "a\0b.py"}]},
        {"files": [{"content": "1", "name": "\ud800.py"}]},
        {"files": [{"content": "1", "name": "a/b.py"}, {"content": "1", "name": "a"}]},
        {"language": "\ud800"},
        {"version": "\ud800"},
        {"compile_memory_limit": 1},
        {"run_memory_limit": 1},
    ],
)
def test_what_cannot_be_run_is_told_of(server: Server, more: dict[str, object]) -> None:
    body = {"language": "py", "version": "*", "files": [{"content": "1"}]}
    answer = server.post("/api/v2/execute", body | more)
    assert answer.status == 400
    assert refusal(answer)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "text/plain;charset=UTF-8", "Origin": "https://site.example"},
        {"Content-Type": "text/plain;charset=UTF-8", "Origin": "null"},
        {"Content-Type": "text/plain;charset=UTF-8", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_what_a_page_of_another_site_can_send_is_refused(
    server: Server, headers: dict[str, str]
) -> None:
    body = {"language": "py", "version": "*", "files": [{"content": "1"}]}
    answer = server.ask("POST", "/api/v2/execute", json.dumps(body), headers)
    assert answer.status == 415
    assert refusal(answer) == "requests must be of type application/json"


def test_fetch_without_a_type_is_taken_from_programs(server: Server) -> None:
    body = {"language": "py", "version": "*", "files": [{"content": "print(1)"}]}
    headers = {"Content-Type": "text/plain;charset=UTF-8"}
    answer = server.ask("POST", "/api/v2/execute", json.dumps(body), headers)
    assert answer.json["run"]["stdout"] == "1\n"


@pytest.mark.promise("PISTON-2")
@pytest.mark.parametrize("prefix", ["/api/v2", "/api/v2/piston"])
@pytest.mark.parametrize("end", ["", "/"])
def test_every_path_that_clients_use(server: Server, prefix: str, end: str) -> None:
    runtimes = server.get(f"{prefix}/runtimes{end}").json
    assert {"python", "javascript", "go", "java"} <= {item["language"] for item in runtimes}
    packages = server.get(f"{prefix}/packages{end}").json
    assert [item["language_version"] for item in packages] == [item["version"] for item in runtimes]
    body = {"language": "py", "version": "*", "files": [{"content": "print(1)"}]}
    assert server.post(f"{prefix}/execute{end}", body).json["run"]["code"] == 0


@pytest.mark.promise("PISTON-2")
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_packages_are_not_to_be_changed(server: Server, method: str) -> None:
    body = json.dumps({"language": "bash", "version": "5.x"})
    answer = server.ask(method, "/api/v2/packages", body, JSON)
    assert answer.status == 404
    assert "not managed here" in refusal(answer)


def test_the_service_s_document_has_them(server: Server) -> None:
    paths = server.get("/openapi.json").json["paths"]
    assert set(paths["/api/v2/execute"]["post"]["responses"]) >= {"200", "400", "415"}
    assert "get" in paths["/api/v2/runtimes"]
    assert not [path for path in paths if path.startswith("/api/v2/piston")]


@pytest.mark.promise("PISTON-2")
def test_a_key_is_taken_bare_as_clients_of_pistons_send_it() -> None:
    key = new_key()
    body = json.dumps({"language": "py", "version": "*", "files": [{"content": "print(1)"}]})
    with serving(env={"DRYBOX_KEYS_SHOP_HASH": hash_key(key)}) as server:
        for value in (key, f"Bearer {key}"):
            headers = {**JSON, "Authorization": value}
            answer = server.ask("POST", "/api/v2/execute", body, headers)
            assert answer.json["run"]["stdout"] == "1\n"
            assert server.ask("GET", "/api/v2/runtimes", headers=headers).status == 200
        for value in ("", new_key(), f"Basic {key}"):
            headers = {**JSON, **({"Authorization": value} if value else {})}
            for method, path in (("POST", "execute"), ("GET", "runtimes"), ("GET", "packages")):
                answer = server.ask(method, f"/api/v2/{path}", body, headers)
                assert answer.status == 401
                assert refusal(answer)
