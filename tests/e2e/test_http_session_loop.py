"""What the owner of a session does with much data holds the event loop 50 ms at most."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from tests.support.server import Server
from tests.support.sessions import HttpSession, open_session
from tests.support.wire import LoopProbe, probed

pytestmark = pytest.mark.promise("KEY-8")

MIB = 1 << 20
LONGEST = 0.05
"""Seconds that the event loop may be held at once, by the processor time of its thread."""

MANY = """
import os
os.mkdir("many")
for number in range(9000):
    with open(f"many/{number}{'y' * 40}", "w") as file:
        file.write(str(number))
"""
LIMITS = {"disk": "200MiB", "memory": "1GiB"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, LoopProbe]]:
    env = {"DRYBOX_ISOLATION": "local", "DRYBOX_SERVER_AUDIT": "true"}
    with probed(tmp_path_factory.mktemp("probe") / "longest", env) as found:
        yield found


@pytest.fixture(scope="module")
def session(served: tuple[Server, LoopProbe]) -> HttpSession:
    opened = open_session(served[0], limits=LIMITS, timeout=200)
    assert opened.run(MANY)["status"] == "success"
    return opened


def test_snapshots_of_many_files(served: tuple[Server, LoopProbe], session: HttpSession) -> None:
    server, probe = served
    ids: list[str] = []

    def take() -> None:
        answer = session.ask("POST", "/snapshot")
        assert (answer.status, answer.json["files"]) == (201, 9001), answer
        ids.append(answer.json["id"])

    def begin_with_it() -> None:
        later = open_session(server, limits=LIMITS, snapshot=ids[-1])
        assert later.ask("DELETE").status == 204

    for work in (take, begin_with_it, lambda: server.ask("GET", "/v1/snapshots")):
        assert probe.least(work, LONGEST) < LONGEST, work


LARGEST = {
    "list": ("GET", "/files?path=many", None),
    "upload": ("PUT", "/files/large", bytes(60 * MIB)),
    "download": ("GET", "/files/large", None),
    "code": ("POST", "/run", {"code": "#" + "x" * (15 * MIB)}),
    "stdin": ("POST", "/run", {"code": "1", "stdin": "x" * (15 * MIB)}),
    "lines": ("POST", "/run", {"code": "input()", "stdin": "\n" * (7 * MIB)}),
    "input": ("POST", "/commands", {"command": "cat > /dev/null", "stdin": "x" * (15 * MIB)}),
    "words": ("POST", "/commands", {"argv": ["true", *("x" * 19_000)]}),
    "pieces": ("POST", "/run", {"code": "import os\nfor _ in range(50_000): os.write(1, b'x')"}),
}


@pytest.mark.parametrize("largest", LARGEST)
def test_the_largest_of_each_kind(
    served: tuple[Server, LoopProbe], session: HttpSession, largest: str
) -> None:
    method, path, body = LARGEST[largest]

    def ask() -> None:
        assert session.ask(method, path, body).status == 200

    if largest == "download":
        assert session.ask("PUT", "/files/large", bytes(60 * MIB)).status == 200
    assert served[1].least(ask, LONGEST) < LONGEST


def test_what_is_told_of_many_sessions(served: tuple[Server, LoopProbe]) -> None:
    server, probe = served
    opened = [open_session(server, language="bash") for _ in range(12)]
    for path in ("/metrics", "/v1/sessions", "/v1/environments"):
        assert probe.least(partial(server.ask, "GET", path), LONGEST) < LONGEST
    for session in opened:
        assert session.ask("DELETE").status == 204
