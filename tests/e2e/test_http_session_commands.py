"""Commands in sessions over HTTP, to their end and in the background, against a started server."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.server import Server, serving
from tests.support.sessions import HttpSession, session_of
from websockets.exceptions import InvalidStatus

pytestmark = pytest.mark.promise("SESHTTP-1")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def session(server: Server) -> Iterator[HttpSession]:
    with session_of(server, timeout=60) as session:
        yield session


def problem(answer: Any, status: int, kind: str) -> dict[str, Any]:
    assert answer.status == status, answer
    document: dict[str, Any] = answer.problem
    assert document["type"] == f"urn:drybox:problem:{kind}"
    return document


def test_commands_run_to_their_end(session: HttpSession) -> None:
    found = session.command("echo $X; cat; pwd; exit 3", env={"X": "1"}, stdin="in\n", cwd="/tmp")
    assert (found["stdout"], found["exit_code"], found["status"]) == ("1\nin\n/tmp\n", 3, "failed")
    argv = session.ask("POST", "/commands", {"argv": ["printf", "%s", "a b"]})
    assert argv.json["stdout"] == "a b"
    assert session.command("sleep 60", timeout=0.5)["status"] == "timeout"
    wrongs: list[dict[str, Any]] = [
        {},
        {"command": "x", "argv": ["x"]},
        {"command": 1},
        {"argv": []},
    ]
    for wrong in wrongs:
        problem(session.ask("POST", "/commands", wrong), 422, "invalid-request")


def test_a_command_in_the_background_is_talked_to(session: HttpSession) -> None:
    pid = session.start("read line; echo got $line; cat")
    (listed,) = [item for item in session.ask("GET", "/commands").json if item["pid"] == pid]
    assert (listed["terminal"], listed["result"]) == (False, None)
    with session.attach(pid) as socket:
        socket.send({"type": "stdin", "data": "hello\n"})
        assert socket.until("stdout")["data"] == "got hello\n"
    # The client has left, and the command goes on.
    with session.attach(pid) as socket:
        socket.send(
            {"type": "stdin", "data": base64.b64encode(b"x").decode(), "encoding": "base64"}
        )
        socket.send({"type": "eof"})
        assert socket.until("stdout")["data"] == "x"
        assert socket.until("exit")["result"]["exit_code"] == 0
        assert socket.code == 1000
    pid = session.start("sleep 600")
    assert session.ask("POST", f"/commands/{pid}/signal", {"signal": "SIGTERM"}).status == 200
    with session.attach(pid) as socket:
        assert socket.until("exit")["result"]["signal"] == "SIGTERM"


def test_a_command_in_the_background_is_given_its_whole_input(session: HttpSession) -> None:
    pid = session.ask(
        "POST", "/commands", {"command": "sort; echo end", "stdin": "b\na\n", "background": True}
    ).json["pid"]
    with session.attach(pid) as socket:
        assert "".join(event.get("data", "") for event in socket.events()) == "a\nb\nend\n"
    # What is never read holds nothing back, and ends with its command.
    much = {"command": "sleep 600", "stdin": "x" * 1_000_000, "background": True}
    pid = session.ask("POST", "/commands", much).json["pid"]
    assert session.ask("POST", f"/commands/{pid}/signal", {"signal": "SIGKILL"}).status == 200
    with session.attach(pid) as socket:
        assert socket.until("exit")["result"]["signal"] == "SIGKILL"
    typed = {"command": "read word; echo got $word; read word", "stdin": "a\n", "terminal": True}
    pid = session.ask("POST", "/commands", typed).json["pid"]
    with session.attach(pid) as socket:
        socket.send({"type": "stdin", "data": "b\n"})
        assert "got a" in "".join(event.get("data", "") for event in socket.events())


def test_a_command_that_cannot_begin_is_told_the_same_in_the_background(
    session: HttpSession,
) -> None:
    for wrong in ({"argv": ["nosuch"]}, {"command": "ls", "cwd": "/nope"}):
        told = session.ask("POST", "/commands", wrong).json["stderr"].strip()
        answer = session.ask("POST", "/commands", {**wrong, "background": True})
        assert told in problem(answer, 422, "invalid-request")["detail"]


def test_who_has_just_left_keeps_nobody_else_out(session: HttpSession) -> None:
    pid = session.start("while read line; do echo got $line; done")
    for number in range(20):
        with session.attach(pid) as socket:
            socket.send({"type": "stdin", "data": f"{number}\n"})
            assert socket.until("stdout")["data"] == f"got {number}\n"
    with session.attach(pid) as first, session.attach(pid) as second:
        told = second.until("error")["problem"]
        assert (told["status"], told["field"], second.code) == (422, "events", 1008)
        first.send({"type": "eof"})
        assert first.until("exit")["result"]["exit_code"] == 0


def test_a_terminal(session: HttpSession) -> None:
    pid = session.start("bash --norc -i", terminal=True)
    with session.attach(pid) as socket:
        socket.send({"type": "resize", "columns": 132, "rows": 43})
        socket.send({"type": "stdin", "data": "stty size; tty; exit 7\n"})
        text = ""
        for event in socket.events():
            text += event.get("data", "")
            if event["type"] == "exit":
                assert event["result"]["exit_code"] == 7
        assert "43 132" in text
        assert "/dev/pts/" in text


def test_what_is_wrong_with_a_message_ends_the_connection(session: HttpSession) -> None:
    pid = session.start("cat")
    for message, code in (("nope", 1007), ({"type": "unknown"}, 1008), (b"bytes", 1003)):
        with session.attach(pid) as socket:
            socket.send(message)
            assert "traceback" not in json.dumps(socket.until("error")).lower()
            assert socket.code == code
    assert session.ask("POST", f"/commands/{pid}/signal", {"signal": "SIGKILL"}).status == 200
    for path in ("/commands/999999/ws", "/commands/x/ws"):
        answer = session.ask("GET", path)
        assert answer.status == 426, answer
    with pytest.raises(InvalidStatus) as caught, session.attach(999_999):
        pass
    assert caught.value.response.status_code == 404
    problem(
        session.ask("POST", f"/commands/{pid}/signal", {"signal": "SIGNO"}), 422, "invalid-request"
    )
