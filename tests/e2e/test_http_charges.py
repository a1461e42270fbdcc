"""What a key used is charged, however it ended: by what the kernel counted, asked from outside."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from tests.support.host import eventually, sandboxes
from tests.support.server import TIMEOUT, Answer, Server, serving
from tests.support.sessions import HttpSession, open_session

from drybox.backends.local.cgroups.tree import cpu_seconds
from drybox.service.api_keys import hash_key, new_key

pytestmark = pytest.mark.promise("KEY-7")

CLIENT, POOR = new_key(), new_key()
ENV = {
    "DRYBOX_KEYS_CLIENT_HASH": hash_key(CLIENT),
    "DRYBOX_KEYS_POOR_HASH": hash_key(POOR),
    "DRYBOX_KEYS_POOR_CPU_PER_DAY": "1s",
    "DRYBOX_ISOLATION": "local",
    "DRYBOX_CONCURRENCY": "4",
    "DRYBOX_SERVER_PUBLIC_METRICS": "true",
    "DRYBOX_SERVER_QUEUE_TIMEOUT": "60s",
}

BUSY = "import time\nwhile time.process_time() < {}: pass\n"
LONG_GO = "package main\n\n" + "\n".join(
    f"func f{n}(a map[string]int) int {{ for k, v := range a {{ a[k+{str(n)!r}] = v * {n} }}; "
    f"return len(a) + {n} }}".replace("'", '"')
    for n in range(1200)
)
"""A package that takes its compiler seconds, and is no program without a main function."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(env=ENV) as server:
        yield server


def body_of(language: str, code: str, **more: Any) -> str:
    return json.dumps({"language": language, "code": code, **more})


def run(server: Server, key: str, language: str, code: str, **more: Any) -> Answer:
    headers = {"Authorization": f"Bearer {key}"}
    return server.ask("POST", "/v1/execute", body_of(language, code, **more), headers)


def charged(server: Server, key: str) -> float:
    """CPU seconds that a key was charged so far."""
    text = server.get("/metrics").body.decode()
    found = re.search(rf'^drybox_key_cpu_seconds_total{{key="{key}"}} (\S+)$', text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def used(server: Server) -> float:
    """CPU seconds of the sandbox that has used most so far, as the kernel counts them."""
    found = [cpu_seconds([folder]) or 0.0 for folder in sandboxes(server.process.pid)]
    return max(found, default=0.0)


def leave(server: Server, path: str, body: str, seconds: float) -> None:
    """Ask for something, and leave when that has used so many CPU seconds."""
    with closing(server.connect()) as connection:
        connection.request("POST", path, body, {"Authorization": f"Bearer {CLIENT}"})
        assert eventually(lambda: used(server) >= seconds, TIMEOUT)


@pytest.mark.parametrize(
    ("language", "code", "more"),
    [
        ("python", BUSY.format(1) + "raise SystemExit(3)", {}),
        ("python", BUSY.format(99), {"timeout": 5}),
        ("python", BUSY.format(1) + "import os; os.kill(os.getpid(), 9)", {}),
        ("python", BUSY.format(1) + "print('x' * 9_000_000)", {}),
        ("python", BUSY.format(1) + "x = bytearray(1 << 30)", {}),
        ("go", LONG_GO, {"limits": {"cpus": 0.01}}),
    ],
    ids=["failed", "timeout", "signaled", "output", "memory", "compile"],
)
def test_what_failed_is_charged(
    server: Server, language: str, code: str, more: dict[str, Any]
) -> None:
    before = charged(server, "client")
    result = run(server, CLIENT, language, code, **more).json
    told = sum(phase["cpu_time"] for phase in result["phases"])
    assert result["status"] not in ("success", "sandbox_error"), result
    assert charged(server, "client") - before >= told > 0.1


@pytest.mark.parametrize("path", ["/v1/execute", "/v1/execute/stream"])
@pytest.mark.parametrize(
    ("language", "code", "limits"),
    [("python", BUSY.format(99), {}), ("go", LONG_GO, {"cpus": 0.01})],
    ids=["run", "compile"],
)
def test_who_leaves_is_charged_for_what_ran_until_it_was_dead(
    server: Server, path: str, language: str, code: str, limits: dict[str, float]
) -> None:
    assert eventually(lambda: used(server) < 0.5)  # what ran before is gone
    before = charged(server, "client")
    leave(server, path, body_of(language, code, limits=limits), 0.5)
    assert eventually(lambda: charged(server, "client") > before, TIMEOUT)
    assert 0.5 <= charged(server, "client") - before < 3
    assert eventually(lambda: used(server) < 0.5)


def test_a_sandbox_that_is_destroyed_from_inside_is_charged(server: Server) -> None:
    before = charged(server, "client")
    run(server, CLIENT, "python", BUSY.format(1), limits={"memory": "20MiB", "pids": 1})
    assert charged(server, "client") - before > 0.7


def test_many_runs_at_once_overrun_a_day_by_one_at_most() -> None:
    with serving(env=ENV) as server:
        answers: list[Answer] = []
        threads = [
            threading.Thread(
                target=lambda: answers.append(run(server, POOR, "python", BUSY.format(0.7)))
            )
            for _ in range(10)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answer.status for answer in answers) == [200] * 2 + [429] * 8
        assert 1.0 <= charged(server, "poor") < 2.0


SPIN = "while :; do :; done"
THREAD = """
import threading
def spin():
    while True:
        pass
threading.Thread(target=spin, daemon=True).start()
"""


def session_with(server: Server, language: str = "bash") -> HttpSession:
    return open_session(server, {"Authorization": f"Bearer {CLIENT}"}, language=language)


@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "open"])
@pytest.mark.parametrize("how", ["background", "left behind", "a kernel's thread"])
def test_what_nobody_waits_for_in_a_session_is_charged(
    server: Server, how: str, is_closed: bool
) -> None:
    assert eventually(lambda: used(server) < 0.5)  # what ran before is gone
    session = session_with(server, "python" if how == "a kernel's thread" else "bash")
    if how == "background":
        session.start(SPIN)
    elif how == "left behind":
        session.command(f"setsid bash -c '{SPIN}' >/dev/null 2>&1 & exit")
    else:
        session.run(THREAD)
    before = charged(server, "client")
    assert eventually(lambda: used(server) >= 2, TIMEOUT)
    if is_closed:
        session.ask("DELETE")
    assert eventually(lambda: charged(server, "client") >= before + 1, TIMEOUT)
    session.ask("DELETE")


def test_what_is_started_for_a_session_is_charged(server: Server) -> None:
    before = charged(server, "client")
    session = session_with(server, "java")
    assert session.run("1")["status"] == "success"
    session.ask("DELETE")
    assert charged(server, "client") - before > 0.2


def test_a_session_stands_still_once_its_owners_day_is_used_up() -> None:
    with serving(env={**ENV, "DRYBOX_KEYS_CLIENT_CPU_PER_DAY": "2"}) as server:
        session = session_with(server)
        session.start(SPIN)
        assert eventually(lambda: session.ask("GET").json["state"] == "paused", TIMEOUT)
        assert session.ask("POST", "/commands", {"command": "true"}).status == 429
        stands = used(server)
        assert session.ask("GET").json["state"] == "paused"
        assert used(server) == stands
