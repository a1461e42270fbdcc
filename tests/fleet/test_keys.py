"""Two front doors of one cluster: what a key may use, it may use of both together."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from tests.conformance.bench import marker
from tests.fleet.conftest import SLOTS, Nodes
from tests.support.host import eventually, processes
from tests.support.server import Answer, Server, serving
from tests.support.sessions import JSON

from drybox.service.api_keys import hash_key, new_key

pytestmark = [pytest.mark.promise("FLEET-3", "FLEET-4"), pytest.mark.nightly]

BOB = new_key()
"""Has no limits."""

Headers = Mapping[str, str]


@contextmanager
def two(nodes: Nodes, limits: Mapping[str, str]) -> Iterator[tuple[list[Server], Headers]]:
    """Two front doors, and what a key with these limits sends."""
    alice = new_key()
    env = {"DRYBOX_ISOLATION": "sleeper", "DRYBOX_CONCURRENCY": str(SLOTS)}
    env |= {"DRYBOX_KEYS_ALICE_HASH": hash_key(alice), "DRYBOX_KEYS_BOB_HASH": hash_key(BOB)}
    env |= {f"DRYBOX_KEYS_ALICE_{name}": value for name, value in limits.items()}
    words = ("--fleet", "ray", "--address", nodes.address)
    with serving(*words, env=env) as first, serving(*words, env=env) as second:
        yield [first, second], {"Authorization": f"Bearer {alice}", **JSON}


def flood(servers: list[Server], headers: Headers, word: str, count: int) -> list[Answer]:
    """So many requests at each of them, many at once."""
    body = json.dumps({"language": "python", "code": "", "args": [word]})
    with ThreadPoolExecutor(100) as threads:
        calls = [
            threads.submit(server.ask, "POST", "/v1/execute", body, headers)
            for _ in range(count)
            for server in servers
        ]
    return [call.result() for call in calls]


def ledger() -> list[int]:
    """Processes of this cluster's ledger."""
    return [item.pid for item in processes() if "ray::LedgerActor" in "".join(item.cmdline[:1])]


def test_two_front_doors_serve_no_more_than_a_key_may_have(nodes: Nodes) -> None:
    word = marker()
    before = set(ledger())
    with two(nodes, {"RATE": "12/h"}) as (servers, headers):
        told = flood(servers, headers, word, 20)
        assert Counter(answer.status for answer in told) == {200: 12, 429: 28}
        assert all(int(item.headers["retry-after"]) > 0 for item in told if item.status == 429)
        assert nodes.record.read_text().count(word) == 12
        # Its ledger dies: nothing more is given, and the next one knows that nothing is left.
        (pid,) = set(ledger()) - before
        os.kill(pid, signal.SIGKILL)
        until = time.monotonic() + 15
        while time.monotonic() < until:
            told = flood(servers, headers, word, 1)
            assert {answer.status for answer in told} <= {429, 503}
        assert nodes.record.read_text().count(word) == 12
        assert {answer.problem["type"].rpartition(":")[2] for answer in told} == {"rate-limited"}
    assert eventually(lambda: set(ledger()) <= before, 90)


def test_a_key_goes_on_soon_after_the_ledger_has_died(nodes: Nodes) -> None:
    word = marker()
    before = set(ledger())
    with two(nodes, {"CONCURRENCY": "2"}) as (servers, headers):
        assert {item.status for item in flood(servers, headers, word, 10)} == {200}
        (pid,) = set(ledger()) - before
        os.kill(pid, signal.SIGKILL)
        assert {item.status for item in flood(servers, headers, word, 10)} == {200}
        assert nodes.record.read_text().count(word) == 40


def test_a_key_that_floods_one_front_door_does_not_hold_up_another_ones(nodes: Nodes) -> None:
    word, single = marker(), marker()
    bob = {"Authorization": f"Bearer {BOB}", **JSON}
    body = json.dumps({"language": "python", "code": "", "args": [single]})
    with two(nodes, {}) as (servers, headers), ThreadPoolExecutor(1) as threads:
        flooding = threads.submit(flood, servers[:1], headers, word, 200)

        def begun() -> int:
            return nodes.record.read_text().count(word)

        assert eventually(lambda: begun() >= 20)
        before = begun()
        assert servers[1].ask("POST", "/v1/execute", body, bob).status == 200
        assert {answer.status for answer in flooding.result()} == {200}
        lines = [line.split()[0] for line in nodes.record.read_text().splitlines()]
    ran = [line for line in lines if line in (word, single)]
    # Not after the 90 that waited: those that began while it was on its way, and one in each slot.
    assert ran.index(single) - before < 60, ran
