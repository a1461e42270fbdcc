"""The plain routes of a really started server."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.cli import drybox
from tests.support.server import Server, serving

from drybox import CodeExecutor, ExecutionRequest, InvalidRequest
from drybox.languages.registry import known_languages


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.mark.promise("HTTP-1")
def test_an_execution_has_the_result_that_it_has_in_python(
    server: Server, executor: CodeExecutor
) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    over_http = server.execute("python", code)
    in_python = executor.execute(ExecutionRequest("python", code)).to_dict()
    assert over_http.keys() == in_python.keys()
    for name in ("status", "stdout", "stderr", "exit_code", "signal", "error", "language"):
        assert over_http[name] == in_python[name], name
    assert over_http["status"] == "failed"
    assert over_http["exit_code"] == 3


@pytest.mark.promise("HTTP-1")
@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("python", "print(1)\nprint('a\0b')\n"),
        ("node", "console.log('a\0b'.length)\n"),
        ("go", 'package main\n\nfunc main() { println("a\0b") }\n'),
        ("java", "class Main { public static void main(String[] a) { \0 } }"),
    ],
)
def test_a_nul_in_a_source_is_the_tools_to_judge_over_every_way_in(
    server: Server, executor: CodeExecutor, tmp_path: Path, language: str, code: str
) -> None:
    file = tmp_path / known_languages()[language].entry(code)
    file.write_text(code)
    in_python = executor.execute(ExecutionRequest(language, code, isolation="local"))
    end = (in_python.stdout, in_python.stderr, in_python.exit_code)
    files = {"files": [{"path": file.name, "content": code}], "language": language}
    for document in ({"language": language, "code": code}, files):
        found = server.post("/v1/execute", document).json
        assert (found["stdout"], found["stderr"], found["exit_code"]) == end
    done = drybox("run", str(file), "--isolation", "local")
    assert done.stdout.decode() == in_python.stdout
    assert in_python.stderr in done.stderr.decode()
    assert (done.returncode == 0) == (in_python.status == "success")


@pytest.mark.promise("HTTP-1")
@pytest.mark.parametrize("field", ["args", "env", "path", "entrypoint"])
def test_a_nul_elsewhere_is_refused_over_every_way_in(
    server: Server, executor: CodeExecutor, field: str
) -> None:
    inside: dict[str, dict[str, Any]] = {
        "args": {"args": ["a\0b"]},
        "env": {"env": {"NAME": "a\0b"}},
        "path": {"files": {"a\0b": "x"}},
        "entrypoint": {"entrypoint": "a\0b"},
    }
    given = inside[field]
    with pytest.raises(InvalidRequest):
        executor.execute(ExecutionRequest("python", "1", **given))
    if field == "path":
        given = {"files": [{"path": "a\0b", "content": "x"}]}
    answer = server.post("/v1/execute", {"language": "python", "code": "1", **given})
    assert answer.status == 422


def test_it_is_alive_and_ready(server: Server) -> None:
    assert server.get("/healthz").status == 200
    assert server.get("/readyz").status == 200


def test_languages_are_listed_with_their_versions(server: Server) -> None:
    listed = {item["name"]: item for item in server.get("/v1/languages").json}
    assert listed.keys() == set(known_languages())
    assert listed["python"]["version"]
    assert "py" in listed["python"]["aliases"]


@pytest.mark.promise("HTTP-1")
def test_a_path_that_is_none_is_a_problem(server: Server) -> None:
    assert server.get("/nothing").problem["status"] == 404
    answer = server.ask("PUT", "/v1/execute", b"{}")
    assert answer.problem["status"] == 405
    assert answer.headers["allow"] == "POST"


def test_the_head_alone_says_how_it_is(server: Server) -> None:
    for path in ("/healthz", "/readyz"):
        answer = server.ask("HEAD", path)
        assert (answer.status, answer.body) == (200, b"")


def test_pages_of_a_configured_site_may_use_it() -> None:
    site = "https://app.example"
    with serving(env={"DRYBOX_SERVER_ORIGINS": site}) as server:
        asked = {"Origin": site, "Access-Control-Request-Method": "POST"}
        before = server.ask("OPTIONS", "/v1/execute", headers=asked)
        assert before.status == 200
        assert before.headers["access-control-allow-origin"] == site
        body = '{"language": "python", "code": "print(1)"}'
        answer = server.ask("POST", "/v1/execute", body, {"Origin": site})
        assert answer.json["stdout"] == "1\n"
        assert answer.headers["access-control-allow-origin"] == site
        other = server.ask("POST", "/v1/execute", body, {"Origin": "https://evil.example"})
        assert other.problem["status"] == 403
        assert "access-control-allow-origin" not in other.headers


def test_without_the_extra_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['fastapi'] = None; from drybox.cli import main; main()"
    done = drybox("serve", command=(sys.executable, "-c", code))
    assert done.returncode == 125
    assert b"pip install 'drybox[server]'" in done.stderr


def test_an_address_that_is_taken_is_said(server: Server) -> None:
    done = drybox("serve", "--port", str(server.port))
    assert done.returncode == 2
    assert b"cannot listen at 127.0.0.1 port" in done.stderr


@pytest.mark.promise("HTTP-11")
def test_localhost_is_this_machine() -> None:
    with serving("--host", "localhost") as server:
        assert server.get("/healthz").status == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(number: signal.Signals) -> None:
    with serving() as server:
        assert server.stop(number) == 0


@pytest.mark.promise("HTTP-11")
def test_beyond_this_machine_it_wants_a_key() -> None:
    done = drybox("serve", "--host", "0.0.0.0", "--port", "0")
    assert done.returncode == 2
    assert b"no key is configured" in done.stderr
