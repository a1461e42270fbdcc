"""Sessions over HTTP, against a started server."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from tests.support.hold_probe import watching
from tests.support.host import eventually
from tests.support.server import TIMEOUT, Server, serving
from tests.support.sessions import HttpSession, open_session, session_of
from websockets.exceptions import InvalidStatus

from drybox.service.api_keys import hash_key, new_key

pytestmark = pytest.mark.promise("SESHTTP-1")

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PICTURE = f"""
import base64
class Picture:
    def _repr_png_(self):
        return base64.b64decode({PIXEL!r})
Picture()
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(env={"DRYBOX_SERVER_PUBLIC_METRICS": "true"}) as server:
        yield server


@pytest.fixture(scope="module")
def session(server: Server) -> Iterator[HttpSession]:
    """One that several tests use: opening it takes most of their time."""
    with session_of(server, metadata={"for": "tests"}, timeout=60) as session:
        yield session


def problem(answer: Any, status: int, kind: str) -> dict[str, Any]:
    assert answer.status == status, answer
    document: dict[str, Any] = answer.problem
    assert document["type"] == f"urn:drybox:problem:{kind}"
    return document


# --- code -----------------------------------------------------------------------------------


def test_what_a_session_is(server: Server, session: HttpSession) -> None:
    document = session.ask("GET").json
    assert document.keys() == session.document.keys()
    assert (document["language"], document["state"]) == ("python", "running")
    assert document["metadata"] == {"for": "tests"}
    expires, created = (datetime.fromisoformat(document[f"{w}_at"]) for w in ("expires", "created"))
    assert 200 < (expires - created).total_seconds() <= 3600
    assert document["id"] in [item["id"] for item in server.get("/v1/sessions").json]


def test_state_is_kept_and_results_are_whole(session: HttpSession) -> None:
    first = session.run("kept = 6\nprint('out')\nkept * 7")
    assert (first["status"], first["stdout"], first["error"]) == ("success", "out\n", None)
    (shown,) = first["results"]
    assert (shown["data"], shown["is_main"]) == ({"text/plain": "42"}, True)
    second = session.run("kept / 0")
    assert (second["status"], second["error"]["name"]) == ("failed", "ZeroDivisionError")
    assert second["execution_count"] == first["execution_count"] + 1
    picture = session.run(PICTURE)["results"][0]["data"]
    assert picture["image/png"] == PIXEL


def test_code_is_followed(session: HttpSession) -> None:
    with session.stream("import sys\nprint('a')\nsys.stderr.write('b')\n1/0") as events:
        found = list(events)
    assert "".join(event["data"] for event in found if event["type"] == "stdout") == "a\n"
    assert "".join(event["data"] for event in found if event["type"] == "stderr") == "b"
    assert [event["type"] for event in found if event["type"] in ("error", "result")] == [
        "error",
        "result",
    ]
    assert found[-1]["result"]["status"] == "failed"


def test_a_run_is_interrupted_and_its_state_stays(session: HttpSession) -> None:
    session.run("stays = 1")
    with session.stream("print('here', flush=True)\nwhile True: pass") as events:
        assert next(events)["data"] == "here\n"
        assert session.ask("POST", "/interrupt").status == 200
        assert list(events)[-1]["result"]["status"] == "interrupted"
    late = session.run("while True: pass", timeout=1)
    assert (late["status"], late["restarted"]) == ("timeout", False)
    assert session.run("stays")["results"][0]["data"]["text/plain"] == "1"
    # A client that leaves has its code interrupted.
    with session.stream("print('on', flush=True)\nwhile True: pass") as events:
        assert next(events)["data"] == "on\n"
    assert session.run("stays")["status"] == "success"


SHOWN = """
from IPython.display import display
class Shown:
    def _repr_mimebundle_(self, **_):
        return {}
{}
"""
MUCH_SHOWN = {
    "metadata": SHOWN.format(
        "{'text/plain': 'a'}, {f'm{n}': n for n in range(40_000)}",
        "for _ in range(4): display(Shown())",
    ),
    "forms": SHOWN.format(
        "{f'a/{n}': '0123456789' for n in range(40_000)}", "for _ in range(3): display(Shown())"
    ),
    "displays": "from IPython.display import display\nfor n in range(2500): display(n)",
}


@pytest.mark.promise("KEY-8")
@pytest.mark.parametrize("much", MUCH_SHOWN)
def test_what_code_shows_holds_nobody_up(server: Server, session: HttpSession, much: str) -> None:
    longest = []
    for _ in range(6):  # on a busy machine caches and the kernel's own work add to it
        with watching(server) as holds:
            done = session.run(MUCH_SHOWN[much])
        assert done["status"] == "success"
        assert done["results"]
        longest.append(holds.longest)
        if longest[-1] <= 0.05:
            return
    raise AssertionError(f"the event loop was held {min(longest) * 1000:.0f} ms")


def test_pause_resume_restart_and_change(server: Server) -> None:
    with session_of(server) as session:
        session.run("gone = 1")
        assert session.ask("POST", "/pause").json["state"] == "paused"
        assert session.ask("POST", "/resume").json["state"] == "running"
        assert session.ask("POST", "/restart", {"language": "python"}).status == 200
        assert session.run("gone")["error"]["name"] == "NameError"
        changed = session.ask("PATCH", "", {"idle_timeout": 50, "metadata": {"x": "é"}}).json
        assert (changed["idle_timeout"], changed["metadata"]) == (50, {"x": "é"})
        assert session.ask("PATCH", "", {"expires_in": 30}).status == 200
        assert session.ask("PATCH", "", {"idle_timeout": "2m"}).json["idle_timeout"] == 120
        assert session.ask("PATCH", "", {"expires_in": "30s"}).status == 200
        sooner = session.ask("PATCH", "", {"expires_in": 10}).json["expires_at"]
        assert sooner < session.ask("PATCH", "", {"expires_in": "30s"}).json["expires_at"]
        for field in ("idle_timeout", "expires_in"):
            for wrong in (1e9, 0, -1, "soon", "0s", True):
                answer = session.ask("PATCH", "", {field: wrong})
                assert problem(answer, 422, "invalid-request")["field"] == field
        assert problem(session.ask("PATCH", "", {"unknown": 1}), 422, "invalid-request")


# --- files ----------------------------------------------------------------------------------


def test_files_go_in_and_out(session: HttpSession) -> None:
    content = bytes(range(256)) * 1000
    written = session.ask("PUT", "/files/a/b%20%C3%A9.bin", content)
    assert (written.status, written.json["size"]) == (200, len(content))
    assert session.ask("GET", "/files/a/b%20%C3%A9.bin").body == content
    assert session.command("stat -c %s 'a/b é.bin'")["stdout"] == f"{len(content)}\n"
    for name in ("a/%0Ab%0D%09", "a/%0A", "a/..x", "a/%25%3F%23%3B%26+", "a/-%22'%5C", "a/%7F"):
        assert session.ask("PUT", f"/files/{name}", name.encode()).status == 200, name
        assert session.ask("GET", f"/files/{name}").body == name.encode(), name
        problem(session.ask("POST", f"/files/{name}"), 405, "method-not-allowed")
        assert session.ask("DELETE", f"/files/{name}").status == 204, name
        problem(session.ask("GET", f"/files/{name}"), 404, "not-found")
    assert session.ask("PUT", "/files/a/%FF", b"x").status == 200
    assert session.ask("GET", "/files/a/%FF").body == b"x"
    listed = session.ask("GET", "/files?path=a").json
    assert [item["name"] for item in listed] == ["b é.bin", "\udcff"]
    deep = session.ask("GET", "/files?depth=2").json
    assert {"/sandbox/a", "/sandbox/a/b é.bin"} <= {item["path"] for item in deep}
    assert session.ask("PUT", "/files/empty", b"").status == 200
    assert session.ask("GET", "/files/empty").body == b""
    assert session.ask("DELETE", "/files/a").status == 204
    problem(session.ask("GET", "/files/a/b"), 404, "not-found")
    problem(session.ask("DELETE", "/files/a"), 404, "not-found")
    problem(session.ask("PUT", "/files/empty/x", b"x"), 409, "file-conflict")
    problem(session.ask("GET", "/files/."), 409, "file-conflict")
    problem(session.ask("PUT", "/files//proc/version", b"x"), 403, "forbidden")
    problem(session.ask("GET", "/files?path=nope"), 404, "not-found")
    problem(session.ask("GET", "/files?depth=x"), 422, "invalid-request")
    problem(session.ask("GET", "/files?depth=00019"), 422, "invalid-request")
    problem(session.ask("GET", "/files?dept=2"), 422, "invalid-request")


def test_a_file_may_be_a_program(session: HttpSession) -> None:
    program = b"#!/bin/sh\necho works\n"
    assert session.ask("PUT", "/files/tool?mode=755", program).json["mode"] == 0o755
    assert session.command("./tool")["stdout"] == "works\n"
    assert session.ask("PUT", "/files/tool", program).json["mode"] == 0o755
    session.command("ln -s tool link")
    for name in ("tool", "link"):
        for method, body in (("GET", program), ("HEAD", b"")):
            answer = session.ask(method, f"/files/{name}")
            assert (answer.status, answer.body) == (200, body)
            assert answer.headers["x-file-mode"] == "755"
    assert session.ask("HEAD", "/files/tool").headers["content-length"] == str(len(program))
    for path, status in (("nope", 404), (".", 409), ("tool/below", 409)):
        answer = session.ask("HEAD", f"/files/{path}")
        assert (answer.status, answer.body) == (status, b"")
    assert session.ask("HEAD", "").status == 200
    assert session.ask("HEAD", "/files?depth=2").body == b""
    for mode in ("", "8", "x", "1777", "+1", "-1"):
        answer = session.ask("PUT", f"/files/tool?mode={mode}", b"")
        assert problem(answer, 422, "invalid-request")["field"] == "mode"
    assert session.ask("GET", "/files/tool").body == program


@pytest.mark.parametrize(
    "size", [pytest.param(48 << 20), pytest.param(1 << 30, marks=pytest.mark.nightly)]
)
def test_a_large_file_takes_little_memory(size: int) -> None:
    """Up in chunks, down in pieces; the server's memory does not grow with it."""
    limits = {"disk": size + (64 << 20), "memory": size + (256 << 20)}
    env = {"DRYBOX_MAX_LIMITS_MEMORY": "4GiB", "DRYBOX_MAX_LIMITS_DISK": "4GiB"}
    with serving(env=env) as server, session_of(server, limits=limits, language="bash") as session:
        session.ask("PUT", "/files/warm", bytes(1 << 20))
        before = _peak(server)
        connection = server.connect()
        block = bytes(range(256)) * 4096
        connection.request(
            "PUT", f"{session.path}/files/large", (block for _ in range(size // len(block)))
        )
        assert json.loads(connection.getresponse().read())["size"] == size
        connection.close()
        connection = server.connect()
        connection.request("GET", f"{session.path}/files/large")
        answer = connection.getresponse()
        count = 0
        while piece := answer.read(1 << 20):
            assert piece[:256] == block[:256]
            count += len(piece)
        assert count == size
        connection.close()
        assert _peak(server) - before < 24 << 20


def _peak(server: Server) -> int:
    with open(f"/proc/{server.process.pid}/status") as status:
        lines = dict(line.split(":", 1) for line in status)
    return int(lines["VmHWM"].split()[0]) * 1024


def test_more_than_there_is_room_for_is_told(server: Server) -> None:
    with session_of(server, limits={"disk": "1MiB"}, language="bash") as session:
        problem(session.ask("PUT", "/files/x", bytes(4 << 20)), 507, "no-space")
        session.ask("DELETE", "/files/x")
        assert session.ask("PUT", "/files/y", b"small").status == 200


# --- whose they are, and how many -----------------------------------------------------------


@pytest.mark.promise("SESHTTP-2")
def test_another_keys_session_is_not_there() -> None:
    mine, other = new_key(), new_key()
    keys = {
        "DRYBOX_KEYS_MINE_HASH": hash_key(mine),
        "DRYBOX_KEYS_MINE_LANGUAGES": "bash,python",
        "DRYBOX_KEYS_OTHER_HASH": hash_key(other),
    }
    with serving(env=keys) as server:
        assert server.post("/v1/sessions", {"language": "bash"}).status == 401
        session = open_session(server, {"Authorization": f"Bearer {mine}"}, language="bash")
        pid = session.start("sleep 600")
        stranger = HttpSession(server, session.document, {"Authorization": f"Bearer {other}"})
        for method, path, body in (
            *(("GET", "", None), ("DELETE", "", None), ("PATCH", "", {})),
            *(("POST", "/run", {"code": ""}), ("POST", "/run/stream", {"code": ""})),
            *(("POST", "/commands", {"command": "ls"}), ("GET", "/commands", None)),
            *(("GET", "/files", None), ("GET", "/files/x", None), ("PUT", "/files/x", b"")),
            *(("DELETE", "/files/x", None), ("POST", f"/commands/{pid}/signal", {"signal": 9})),
            *(("POST", f"/{word}", None) for word in ("interrupt", "restart", "pause", "resume")),
            ("POST", "/snapshot", None),
        ):
            problem(stranger.ask(method, path, body), 404, "not-found")
        with pytest.raises(InvalidStatus) as caught, stranger.attach(pid):
            pass
        assert caught.value.response.status_code == 404
        shown = {"Authorization": f"Bearer {other}"}
        assert server.ask("GET", "/v1/sessions", None, shown).json == []
        refused = session.ask("POST", "/run", {"code": "1", "language": "node"})
        problem(refused, 403, "forbidden")
        assert session.command("echo still here")["stdout"] == "still here\n"


@pytest.mark.promise("SESHTTP-2")
def test_there_are_no_more_than_the_operator_allows() -> None:
    env = {
        "DRYBOX_SERVER_SESSIONS_PER_KEY": "2",
        "DRYBOX_SERVER_SESSION_MEMORY": "512MiB",
        "DRYBOX_SERVER_MAX_SESSION_LIFETIME": "1h",
    }
    with serving(env=env) as server:
        wanted = {"language": "bash", "limits": {"memory": "128MiB"}}
        large = {"language": "bash", "limits": {"memory": "600MiB"}}
        assert (
            "memory" in problem(server.post("/v1/sessions", large), 429, "sessions-full")["detail"]
        )
        opened = [server.post("/v1/sessions", wanted) for _ in range(2)]
        assert [answer.status for answer in opened] == [201, 201]
        refused = server.post("/v1/sessions", wanted)
        problem(refused, 429, "sessions-full")
        assert int(refused.headers["retry-after"]) >= 1
        assert server.ask("DELETE", f"/v1/sessions/{opened[0].json['id']}").status == 204
        for wrong in (
            *({"max_lifetime": 7200}, {"idle_timeout": -1}, {"limits": {"memory": "99GiB"}}),
            *({"language": "cobol"}, {"isolation": "nowhere"}, {"environment": "none"}),
        ):
            answer = server.post("/v1/sessions", {"language": "bash", **wrong})
            assert answer.status == answer.problem["status"] == 422, (wrong, answer)


@pytest.mark.promise("SESHTTP-2")
def test_their_memory_may_be_more_than_an_executor_allows_by_itself() -> None:
    env = {"DRYBOX_SERVER_SESSION_MEMORY": "32GiB", "DRYBOX_MAX_LIMITS_MEMORY": "12GiB"}
    with serving(env=env) as server:
        wanted = {"language": "bash", "limits": {"memory": "12GiB"}}
        assert [server.post("/v1/sessions", wanted).status for _ in range(3)] == [201, 201, 429]


def test_an_idle_session_is_closed(server: Server) -> None:
    session = open_session(server, language="bash", idle_timeout=0.5)

    def is_gone() -> bool:
        return server.ask("GET", session.path).status == 404

    assert eventually(is_gone, TIMEOUT)
    problem(session.ask("POST", "/run", {"code": "echo"}), 404, "not-found")


@pytest.mark.promise("SESHTTP-2")
def test_metrics_count_sessions(server: Server, session: HttpSession) -> None:
    text = server.get("/metrics").body.decode()
    assert 'drybox_sessions_open{language="python",state="running"}' in text
    for name in (
        "drybox_session_oldest_seconds",
        "drybox_sessions_total",
        "drybox_session_runs_total",
    ):
        assert f"\n{name} " in text


def test_clients_are_told_of_the_servers_end() -> None:
    with serving(env={"DRYBOX_SERVER_DRAIN_TIMEOUT": "200ms"}) as server:
        session = open_session(server, language="bash")
        pid = session.start("sleep 600")
        with session.attach(pid) as socket:
            server.process.send_signal(signal.SIGTERM)
            told = socket.until("error")["problem"]
            assert told["type"] == "urn:drybox:problem:draining"
            assert socket.code == 1001
        assert server.process.wait(TIMEOUT) == 0
