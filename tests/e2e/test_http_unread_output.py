"""What commands in the background write, and nobody reads, is in the server's one budget."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from tests.support.host import eventually
from tests.support.server import TIMEOUT, Server, serving
from tests.support.sessions import HttpSession, open_session
from tests.support.wire import watched_memory

from drybox.service.api_keys import hash_key, new_key

pytestmark = pytest.mark.promise("SESHTTP-3")

MIB = 1 << 20
BUDGET = 96
GREEDY, QUIET = new_key(), new_key()
SESSIONS, COMMANDS = 8, 24
AS_GREEDY, AS_QUIET = ({"Authorization": f"Bearer {key}"} for key in (GREEDY, QUIET))
SETTINGS = {
    "DRYBOX_ISOLATION": "local",
    "DRYBOX_SERVER_MEMORY_BUDGET": f"{BUDGET}MiB",
    "DRYBOX_SERVER_CONNECTIONS": "64",
    "DRYBOX_SERVER_MAX_BODY": "1MiB",
    "DRYBOX_LIMITS_DISK": "8MiB",
    "DRYBOX_MAX_LIMITS_DISK": "8MiB",
    "DRYBOX_MAX_LIMITS_OUTPUT": "1MiB",
    "DRYBOX_KEYS_GREEDY_HASH": hash_key(GREEDY),
    "DRYBOX_KEYS_QUIET_HASH": hash_key(QUIET),
}
WRITES = f"head -c {MIB} /dev/zero | tr '\\0' x"


def written(session: HttpSession) -> list[dict[str, Any]]:
    """The results of its commands, once all have ended."""

    def listed() -> list[Any]:
        found: list[dict[str, Any]] = session.ask("GET", "/commands").json
        return [item["result"] for item in found]

    assert eventually(lambda: None not in listed(), TIMEOUT)
    return listed()


def has_written(session: HttpSession) -> bool:
    """Whether none of its commands writes any more."""
    found = session.command("grep -sh '^head$' /proc/[0-9]*/comm | wc -l")
    return bool(found["stdout"] == "0\n")


def greedy(server: Server) -> HttpSession:
    limits = {"memory": "64MiB", "pids": 100}
    return open_session(server, AS_GREEDY, language="bash", limits=limits)


def test_many_sessions_with_output_that_nobody_reads() -> None:
    """Unbounded by the budget, they took 32 MiB each, and the server four times its memory."""
    with serving(env=SETTINGS) as server, ThreadPoolExecutor() as threads:
        sessions = [greedy(server) for _ in range(SESSIONS)]
        with watched_memory(server) as grown:
            starts = [session for session in sessions for _ in range(COMMANDS)]
            pids = list(threads.map(lambda session: session.start(WRITES), starts))
            assert len(pids) == SESSIONS * COMMANDS
            for session in sessions:
                assert eventually(partial(has_written, session), TIMEOUT)
        print(f"{grown[-1] / MIB:.0f} MiB of {BUDGET}")
        assert grown[-1] < 1.2 * BUDGET * MIB
        # A neighbour is served, and so is the key itself.
        body = '{"language": "bash", "code": "echo on"}'
        for headers in (AS_QUIET, AS_GREEDY):
            answer = server.ask("POST", "/v1/execute", body, headers)
            assert (answer.status, answer.json["stdout"]) == (200, "on\n"), answer
        for session in sessions[1:]:
            assert session.ask("DELETE").status == 204
        # What was let go is told.
        assert any(result["truncated"]["stdout"] for result in written(sessions[0]))
        assert sessions[0].ask("DELETE").status == 204
        # What closed sessions held is free again.
        last = greedy(server)
        last.start(WRITES)
        (result,) = written(last)
        assert (len(result["stdout"]), result["truncated"]["stdout"]) == (MIB, False)


def test_output_is_kept_for_who_comes_to_read_it() -> None:
    with serving(env=SETTINGS) as server:
        session = greedy(server)
        pid = session.start(f"{WRITES}; echo; echo end; read line; echo $line")
        with session.attach(pid) as socket:
            told = ""
            while not told.endswith("end\n"):
                told += socket.until("stdout")["data"]
            socket.send({"type": "stdin", "data": "last\n"})
            rest = [event for event in socket.events() if event["type"] == "stdout"]
        assert told.lstrip("x") == "\nend\n"
        assert "".join(event["data"] for event in rest) == "last\n"
