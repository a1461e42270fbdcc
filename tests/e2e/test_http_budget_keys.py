"""Several keys that fill the server's memory at once come to no more than its one budget."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.support.wire import all_of, probed, push, raw, request, status_of, watched_memory

from drybox.service.api_keys import hash_key, new_key

MIB = 1 << 20
BUDGET = 480
KEYS = {name: new_key() for name in ("one", "two", "three", "four", "quiet")}
GREEDY = [f"Authorization: Bearer {key}" for name, key in KEYS.items() if name != "quiet"]
AS_QUIET = f"Authorization: Bearer {KEYS['quiet']}"
HELLO = {"language": "python", "code": "print(1)"}
PADDING = b"x" * (15 * MIB)
BODY = b'{"language": "python", "code": "1", "stdin": "' + PADDING + b'"}'
QUEUED = (
    b'{"language": "python", "code": "import time; time.sleep(3)", "stdin": "' + PADDING + b'"}'
)
LARGE = {
    **HELLO,
    "code": r"import sys; [out.write('\0' * (16 << 20)) for out in (sys.stdout, sys.stderr)]",
    "limits": {"output": "16MiB", "memory": "256MiB"},
}
HOLD = 5.0
"""Seconds for which a client keeps what it has."""


def test_keys_that_fill_the_memory_together_stay_within_the_budget(tmp_path: Path) -> None:
    env = {
        "DRYBOX_CONCURRENCY": "6",
        "DRYBOX_SERVER_MEMORY_BUDGET": f"{BUDGET}MiB",
        "DRYBOX_SERVER_QUEUE_TIMEOUT": "5s",
        **{f"DRYBOX_KEYS_{name.upper()}_HASH": hash_key(key) for name, key in KEYS.items()},
    }
    with probed(tmp_path / "longest", env) as (server, _):

        def ask(key: str, document: object) -> int:
            with raw(server, request("/v1/execute", document, key, "Connection: close")) as client:
                return status_of(all_of(client))

        def begin_a_body(key: str) -> int:
            head = request("/v1/execute", BODY, key, "Connection: close")
            with raw(server) as client:
                push(client, head[:-1])
                time.sleep(HOLD)
                push(client, head[-1:])
                return status_of(all_of(client))

        def wait_in_the_queue(key: str) -> int:
            return ask(key, QUEUED)

        def read_slowly(key: str) -> int:
            with raw(server, request("/v1/execute", LARGE, key), window=4096) as client:
                answer = client.recv(100)
                time.sleep(HOLD)
                return status_of(answer)

        assert ask(AS_QUIET, HELLO) == 200
        ways: list[Callable[[str], int]] = [begin_a_body, wait_in_the_queue, read_slowly]
        statuses: list[int] = []
        with watched_memory(server) as grown, ExitStack() as ended:
            for key in GREEDY:
                for way in ways * 5:
                    thread = threading.Thread(target=lambda w=way, k=key: statuses.append(w(k)))
                    thread.start()
                    ended.callback(thread.join)
        served = ask(AS_QUIET, HELLO)

    print(f"{grown[-1] / MIB:.0f} MiB of {BUDGET}", {s: statuses.count(s) for s in set(statuses)})
    assert grown[-1] < 1.2 * BUDGET * MIB
    assert {*statuses} <= {200, 429}
    assert statuses.count(200) >= len(GREEDY)
    assert served == 200
