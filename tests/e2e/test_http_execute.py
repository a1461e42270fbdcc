"""The plain routes of a really started server."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from tests.support.cli import drybox
from tests.support.server import Server, serving

from drybox import execute
from drybox.wire import result_document


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def test_an_execution_has_the_result_that_it_has_in_python(server: Server) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    over_http = server.execute("python", code)
    in_python = result_document(execute("python", code))
    assert over_http.keys() == in_python.keys()
    for name in ("status", "stdout", "stderr", "exit_code", "signal", "error", "language"):
        assert over_http[name] == in_python[name], name
    assert over_http["status"] == "failed"
    assert over_http["exit_code"] == 3


def test_it_is_alive_and_ready(server: Server) -> None:
    assert server.get("/healthz").status == 200
    assert server.get("/readyz").status == 200


def test_languages_are_listed_with_their_versions(server: Server) -> None:
    listed = {item["name"]: item for item in server.get("/v1/languages").json}
    assert {"python", "node", "go", "java"} <= listed.keys()
    assert listed["python"]["version"]
    assert "py" in listed["python"]["aliases"]


def test_a_path_that_is_none_is_a_problem(server: Server) -> None:
    assert server.get("/nothing").problem["status"] == 404
    answer = server.ask("PUT", "/v1/execute", b"{}")
    assert answer.problem["status"] == 405
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(number: signal.Signals) -> None:
    with serving() as server:
        assert server.stop(number) == 0


def test_beyond_this_machine_it_wants_a_key() -> None:
    done = drybox("serve", "--host", "0.0.0.0", "--port", "0")
    assert done.returncode == 2
    assert b"no key is configured" in done.stderr
