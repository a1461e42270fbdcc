"""All that clients send, have waiting and get stays within one budget, shared between keys."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from tests.support.server import TIMEOUT, Server
from tests.support.wire import (
    LoopProbe,
    all_of,
    probed,
    push,
    raw,
    request,
    status_of,
    watched_memory,
)

from drybox.service.api_keys import hash_key, new_key

MIB = 1 << 20
BUDGET = 480
HELD = 0.05
"""Seconds that one client may hold the event loop."""

GREEDY, OTHER = new_key(), new_key()
AS_GREEDY, AS_OTHER = (f"Authorization: Bearer {key}" for key in (GREEDY, OTHER))
HELLO = {"language": "python", "code": "print(1)"}
BODY = (
    b'{"language": "python", "code": "import time; time.sleep(2)", "files": [{"path": "x",'
    b' "content": "' + b"x" * (15 * MIB) + b'"}]}'
)
EMOJI = b'{"language": "python", "code": "1", "stdin": "' + "😀".encode() * (15 * MIB // 4) + b'"}'
LARGE = {
    **HELLO,
    "code": r"import sys; [out.write('\0' * (16 << 20)) for out in (sys.stdout, sys.stderr)]",
    "limits": {"output": "16MiB", "memory": "256MiB"},
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, LoopProbe]]:
    env = {
        "DRYBOX_CONCURRENCY": "8",
        "DRYBOX_SERVER_MEMORY_BUDGET": f"{BUDGET}MiB",
        "DRYBOX_SERVER_QUEUE_TIMEOUT": "5s",
        "DRYBOX_KEYS_GREEDY_HASH": hash_key(GREEDY),
        "DRYBOX_KEYS_OTHER_HASH": hash_key(OTHER),
    }
    with probed(tmp_path_factory.mktemp("probe") / "longest", env) as (server, probe):
        assert _ask(server, AS_OTHER, HELLO) == 200
        yield server, probe


def _ask(server: Server, key: str, document: object) -> int:
    with raw(server, request("/v1/execute", document, key, "Connection: close")) as client:
        return status_of(all_of(client))


def _at_once(count: int, ask: Callable[[], int]) -> Counter[int]:
    """The statuses that so many clients get who ask at once."""
    statuses: Counter[int] = Counter()

    def count_one() -> None:
        statuses[ask()] += 1

    threads = [threading.Thread(target=count_one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def _beside(server: Server, attack: Callable[[], Counter[int]]) -> tuple[Counter[int], list[float]]:
    """What an attack comes to, and how long another key's programs take meanwhile."""
    found: list[Counter[int]] = []
    thread = threading.Thread(target=lambda: found.append(attack()))
    thread.start()
    waits = []
    while thread.is_alive():
        began = time.monotonic()
        assert _ask(server, AS_OTHER, HELLO) == 200
        waits.append(time.monotonic() - began)
    thread.join()
    return found[0], waits


def _slow_body(server: Server, body: bytes) -> int:
    head = request("/v1/execute", body, AS_GREEDY, "Connection: close")
    with raw(server) as client:
        push(client, head[:-1])
        time.sleep(4)
        push(client, head[-1:])
        return status_of(all_of(client))


def _slow_answer(server: Server, path: str) -> int:
    with raw(server, request(path, LARGE, AS_GREEDY), window=4096) as client:
        answer = client.recv(100)
        time.sleep(6)
        return status_of(answer)


@pytest.mark.parametrize(
    ("count", "attack"),
    [
        (40, lambda server: _slow_body(server, BODY)),
        (40, lambda server: _ask(server, AS_GREEDY, BODY)),
        (12, lambda server: _ask(server, AS_GREEDY, EMOJI)),
        (8, lambda server: _slow_answer(server, "/v1/execute")),
        (8, lambda server: _slow_answer(server, "/v1/execute/stream")),
    ],
    ids=["slow bodies", "bodies", "bodies that grow", "slow answers", "slow streams"],
)
def test_one_key_takes_its_share_and_no_more(
    served: tuple[Server, LoopProbe], count: int, attack: Callable[[Server], int]
) -> None:
    server, probe = served

    def ask_too_much() -> None:
        with watched_memory(server) as grown:
            statuses, waits = _beside(server, lambda: _at_once(count, lambda: attack(server)))
        assert set(statuses) <= {200, 429}
        assert statuses[200] >= 1
        assert grown[-1] < BUDGET * MIB * 0.7, f"{grown[-1]:,} bytes for one key"
        assert sorted(waits)[len(waits) // 2] < 1.5

    assert probe.least(ask_too_much, HELD) < HELD


def test_all_of_it_is_free_again(served: tuple[Server, LoopProbe]) -> None:
    server, _ = served
    assert _at_once(8, lambda: _ask(server, AS_GREEDY, HELLO)) == {200: 8}
    answer = server.ask(
        "POST", "/v1/execute", json.dumps(LARGE), {"Authorization": f"Bearer {OTHER}"}
    )
    assert answer.json["stdout"] == answer.json["stderr"] == "\0" * (16 * MIB)


def test_a_refusal_says_when_to_come_again(served: tuple[Server, LoopProbe]) -> None:
    server, _ = served
    clients = [raw(server, request("/v1/execute", LARGE, AS_GREEDY), window=4096) for _ in range(6)]
    try:
        for client in clients[:3]:
            assert client.recv(100)
        answer = server.ask(
            "POST", "/v1/execute", json.dumps(LARGE), {"Authorization": f"Bearer {GREEDY}"}
        )
        assert answer.problem["type"] == "urn:drybox:problem:memory-full"
        assert int(answer.headers["retry-after"]) >= 1
    finally:
        for client in clients:
            client.close()


def test_large_answers_over_every_route(served: tuple[Server, LoopProbe]) -> None:
    server, probe = served

    def ask_for_much() -> None:
        shown = {"Authorization": f"Bearer {OTHER}"}
        with server.websocket(LARGE, additional_headers=shown) as talk:
            events = list(talk.events())
        assert events[-1]["result"]["stdout"] == "\0" * (16 * MIB)
        text = "".join(event["data"] for event in events if event["type"] == "stdout")
        assert text == "\0" * (16 * MIB)
        piston = {
            "language": "python",
            "version": "*",
            "files": [{"content": "import sys; sys.stdout.write('\\0' * (16 << 20))"}],
        }
        answer = server.ask(
            "POST",
            "/api/v2/execute",
            json.dumps(piston),
            {**shown, "Content-Type": "application/json"},
        )
        assert set(answer.json["run"]["stdout"]) == {"\0"}

    assert probe.least(ask_for_much, HELD) < HELD
    assert TIMEOUT
