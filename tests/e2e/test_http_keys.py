"""Keys and their limits, at a really started server."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator

import pytest
from tests.support.host import eventually
from tests.support.server import Answer, Server, serving

from drybox.service.api_keys import hash_key, new_key

SHOP, CROWD, SLOW, NARROW, POOR = (new_key() for _ in range(5))
KEYS = {
    "DRYBOX_KEYS_SHOP_HASH": hash_key(SHOP),
    "DRYBOX_KEYS_CROWD_HASH": hash_key(CROWD),
    "DRYBOX_KEYS_SLOW_HASH": hash_key(SLOW),
    "DRYBOX_KEYS_SLOW_RATE": "1/s",
    "DRYBOX_KEYS_NARROW_HASH": hash_key(NARROW),
    "DRYBOX_KEYS_NARROW_LANGUAGES": "node",
    "DRYBOX_KEYS_POOR_HASH": hash_key(POOR),
    "DRYBOX_KEYS_POOR_CPU_PER_DAY": "0.2s",
    "DRYBOX_CONCURRENCY": "1",
    "DRYBOX_SERVER_QUEUE_TIMEOUT": "60s",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(env=KEYS) as server:
        yield server


def run(server: Server, key: str, code: str = "print(1)", path: str = "/v1/execute") -> Answer:
    body = json.dumps({"language": "python", "code": code})
    return server.ask("POST", path, body, {"Authorization": f"Bearer {key}"})


@pytest.mark.promise("KEY-1")
def test_who_has_no_key_gets_nothing_but_how_the_server_is(server: Server) -> None:
    for path in ("/v1/execute", "/v1/execute/stream"):
        answer = server.post(path, {"language": "python", "code": "print(1)"})
        assert answer.problem["status"] == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="drybox"'
    wrong = run(server, new_key())
    assert wrong.problem["status"] == 401
    assert "invalid_token" in wrong.headers["www-authenticate"]
    assert server.get("/v1/languages").status == 401
    assert server.get("/healthz").status == 200
    assert server.get("/readyz").status == 200


@pytest.mark.promise("KEY-1")
def test_who_has_one_is_served(server: Server) -> None:
    answer = run(server, SHOP)
    assert (answer.status, answer.json["stdout"]) == (200, "1\n")


@pytest.mark.promise("KEY-1")
def test_a_language_that_is_not_the_keys_is_forbidden(server: Server) -> None:
    assert run(server, NARROW).problem["status"] == 403


@pytest.mark.promise("KEY-6")
def test_who_comes_again_when_told_to_is_served(server: Server) -> None:
    answers: list[Answer] = []

    def is_late() -> bool:  # where a run takes longer than a second, it is not
        answers.append(run(server, SLOW))
        return answers[-1].status == 429

    assert eventually(is_late)
    assert answers[-1].problem["type"].endswith("rate-limited")
    time.sleep(int(answers[-1].headers["retry-after"]))
    assert run(server, SLOW).status == 200


@pytest.mark.promise("KEY-7")
def test_cpu_time_of_a_day_is_used_up(server: Server) -> None:
    busy = "import time\nwhile time.process_time() < 0.3: pass"
    assert run(server, POOR, busy).json["status"] == "success"
    answer = run(server, POOR, busy)
    assert answer.problem["type"].endswith("quota-exceeded")
    assert 1 <= int(answer.headers["retry-after"]) <= 86_400


@pytest.mark.promise("KEY-3")
def test_a_crowd_of_one_key_does_not_keep_another_waiting(server: Server) -> None:
    # Programs tell when they began: how late their answers are says something of the machine.
    code, count = "import time; print(time.time(), flush=True); time.sleep({})", 30
    begun: list[float] = []

    def one() -> None:
        begun.append(float(run(server, CROWD, code.format(0.3)).json["stdout"]))

    run(server, SHOP)
    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        assert eventually(lambda: len(begun) >= 2)
        asked = time.time()
        served = float(run(server, SHOP, code.format(0)).json["stdout"])
    finally:
        for thread in threads:
            thread.join()
    assert len([moment for moment in begun if asked < moment < served]) <= 2
    assert len([moment for moment in begun if moment > served]) >= count // 2


@pytest.mark.promise("KEY-14")
def test_a_client_that_leaves_the_queue_is_not_served(server: Server) -> None:
    threads = [threading.Thread(target=run, args=(server, CROWD, "import time; time.sleep(1)"))]
    threads[0].start()
    body = json.dumps({"language": "python", "code": "import time; time.sleep(20)"})
    for _ in range(20):
        connection = server.connect()
        connection.request("POST", "/v1/execute", body, {"Authorization": f"Bearer {CROWD}"})
        connection.close()
    began = time.monotonic()
    assert run(server, CROWD).status == 200
    assert time.monotonic() - began < 15
    threads[0].join()
