"""A long preparation over HTTP: begun with the server, told, in nobody's way, ended with it."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.host import eventually
from tests.support.server import Server, serving

GO = {"language": "go", "code": "package main\n\nfunc main() { println(6 * 7) }\n"}


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Server]:
    """A server on a machine where nothing has been made yet."""
    with serving(env={"XDG_CACHE_HOME": str(tmp_path), "DRYBOX_ISOLATION": "local"}) as server:
        yield server


def preparing(server: Server, language: str) -> list[dict[str, object]]:
    answer = server.get("/readyz")
    found = answer.json.get("preparing", []) if answer.status == 200 else []
    return [item for item in found if item["language"] == language]


def test_it_is_told_in_nobodys_way_and_ends_with_the_server(fresh: Server, tmp_path: Path) -> None:
    # Nobody has asked for Go yet.
    assert eventually(lambda: preparing(fresh, "go"), 60)
    (told,) = preparing(fresh, "go")
    assert str(told["label"]).startswith("Compiling Go's standard library (once for 1.")

    connection = http.client.HTTPConnection("127.0.0.1", fresh.port, timeout=60)
    connection.request("POST", "/v1/execute/stream", json.dumps(GO))
    answer = connection.getresponse()
    assert answer.status == 200
    line = answer.readline().decode()
    while not re.search(r" \d+ of \d+$", line.rstrip("\n")):
        assert line.startswith(": Compiling Go's standard library (once for 1.") or line == "\n"
        line = answer.readline().decode()
    (told,) = preparing(fresh, "go")
    assert 0 < int(str(told["done"])) <= int(str(told["total"]))

    began = time.monotonic()
    result = fresh.post("/v1/execute", {"language": "python", "code": "print(1)"})
    assert result.json["stdout"] == "1\n"
    assert time.monotonic() - began < 20, "Python waits for Go"

    fresh.process.send_signal(signal.SIGTERM)
    connection.close()
    fresh.process.wait(30)
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert str(tmp_path) not in listed.stdout, "it is made for nobody"
    assert not list(tmp_path.glob("drybox/prepared/go-std-*[!k]")), "half of it counts as whole"


def test_a_server_with_everything_made_has_nothing_to_tell() -> None:
    with serving() as server:
        assert eventually(lambda: server.get("/readyz").json == {"status": "ready"}, 200)
