"""A server with all slots and all places in the queue taken."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest
from tests.support.host import eventually
from tests.support.sandboxed import HANG
from tests.support.server import TIMEOUT, Server, serving

from drybox.service.api_keys import hash_key, new_key

pytestmark = pytest.mark.promise("KEY-12")

RARE = new_key()
FULL = {
    "DRYBOX_CONCURRENCY": "1",
    "DRYBOX_SERVER_QUEUE": "1",
    "DRYBOX_SERVER_QUEUE_TIMEOUT": "10m",
    "DRYBOX_SERVER_DRAIN_TIMEOUT": "100ms",
    "DRYBOX_SERVER_PUBLIC_METRICS": "true",
}
HELLO: dict[str, object] = {"language": "python", "code": "print(1)"}

WRONG: dict[str, dict[str, object]] = {
    "timeout": {**HELLO, "timeout": -1},
    "isolation": {**HELLO, "isolation": "nowhere"},
    "language": {**HELLO, "language": "cobol"},
    "entrypoint": {**HELLO, "code": None, "files": [], "entrypoint": "../x"},
    "limits.memory": {**HELLO, "limits": {"memory": 1}},
    "limits.pids": {**HELLO, "language": "node", "limits": {"pids": 2}},
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(env=FULL) as server, server.stream({**HELLO, "code": HANG}) as events:
        assert next(event for event in events if event["type"] == "stdout")
        waiting = threading.Thread(target=server.post, args=("/v1/execute", HELLO))
        waiting.start()
        try:
            full = "\ndrybox_queue_waiting 1.0\n"
            assert eventually(lambda: full in server.get("/metrics").body.decode(), TIMEOUT)
            yield server
        finally:
            server.process.terminate()
            waiting.join()


def test_a_right_request_is_told_when_to_come_again(server: Server) -> None:
    for path in ("/v1/execute", "/v1/execute/stream"):
        answer = server.post(path, HELLO)
        assert (answer.status, answer.problem["type"].endswith("queue-full")) == (429, True)
        assert 1 <= int(answer.headers["retry-after"]) <= 60
    with server.websocket(HELLO) as talk:
        assert talk.until("error")["problem"]["status"] == 429


@pytest.mark.parametrize("field", WRONG)
def test_a_wrong_one_is_told_what_is_wrong(server: Server, field: str) -> None:
    for path in ("/v1/execute", "/v1/execute/stream"):
        problem = server.post(path, WRONG[field]).problem
        assert (problem["status"], problem["field"]) == (422, field)
    with server.websocket(WRONG[field]) as talk:
        problem = talk.until("error")["problem"]
        assert (problem["status"], problem["field"]) == (422, field)


def test_so_is_one_of_pistons(server: Server) -> None:
    body = {"language": "py", "version": "*", "files": [{"content": ""}], "args": ["\0"]}
    answer = server.post("/api/v2/execute", body)
    assert (answer.status, "has a NUL" in answer.json["message"]) == (400, True)


def test_a_wrong_request_takes_nothing_of_a_rate() -> None:
    env = {"DRYBOX_KEYS_RARE_HASH": hash_key(RARE), "DRYBOX_KEYS_RARE_RATE": "1/h"}
    with serving(env=env) as server:

        def status(document: object) -> int:
            headers = {"Authorization": f"Bearer {RARE}"}
            return server.ask("POST", "/v1/execute", json.dumps(document), headers).status

        assert [status(wrong) for wrong in WRONG.values()] == [422] * len(WRONG)
        assert [status(HELLO), status(HELLO)] == [200, 429]
