"""What is lost with a node, and what is not: told within five seconds, and seen from outside."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from tests.conformance.bench import marker
from tests.fleet.conftest import NODES, SLOTS, Nodes, members, wait_for_nodes
from tests.support.host import cgroups, eventually, running, supervisors

from drybox import ExecutionRequest, ExecutionResult, RayExecutor, SandboxLost
from drybox.backends.local.cgroups.tree import instance_name

pytestmark = [pytest.mark.promise("FLEET-1"), pytest.mark.isolations("local")]


def begin_everywhere(executor: RayExecutor, word: str) -> list[Future[ExecutionResult]]:
    """Programs in every slot, each seen to run from outside."""
    sleep = f"import sys, time  # {word}\nprint('begun', flush=True)\ntime.sleep(600)"
    threads = ThreadPoolExecutor(NODES * SLOTS)
    runs = [
        threads.submit(executor.execute, "python", sleep, args=[word], timeout=900.0)
        for _ in range(NODES * SLOTS)
    ]
    threads.shutdown(wait=False)
    assert eventually(lambda: len(inside(word)) == NODES * SLOTS, 60), inside(word)
    return runs


def inside(word: str) -> list[int]:
    """Processes of the host that run a program with this word."""
    return [item.pid for item in running(word) if "python" in item.cmdline[0]]


@pytest.mark.parametrize("what", ["replica", "raylet"])
def test_what_runs_on_a_node_that_dies_is_lost_and_leaves_nothing(
    executor: RayExecutor, nodes: Nodes, what: str, told_within: float
) -> None:
    wait_for_nodes(executor)
    word = marker()
    victim = nodes.victim(executor)
    runs = begin_everywhere(executor, word)
    names = [instance_name(item.pid) for item in supervisors(victim.load.pid)]
    assert any(names[0] in folder for folder in cgroups())
    if what == "replica":
        os.kill(victim.load.pid, signal.SIGKILL)
    else:
        nodes.kill_raylet(victim)
    assert eventually(lambda: sum(run.done() for run in runs) == SLOTS, told_within)
    lost = [run.exception() for run in runs if run.done()]
    assert [type(error) for error in lost] == [SandboxLost] * SLOTS, lost
    assert all("unknown" in error.hint for error in lost if isinstance(error, SandboxLost))
    # Its sandboxes are gone; those of the others go on.
    assert eventually(lambda: len(inside(word)) == (NODES - 1) * SLOTS)
    assert eventually(lambda: not os.path.exists(f"/proc/{victim.load.pid}"))
    assert eventually(lambda: not any(names[0] in folder for folder in cgroups()))
    assert sum(run.done() for run in runs) == SLOTS
    for pid in inside(word):
        os.kill(pid, signal.SIGKILL)
    assert sorted(run.result(30).status for run in runs if run.exception(30) is None) == [
        "signaled"
    ] * ((NODES - 1) * SLOTS)
    if what == "raylet":
        nodes.replace(victim)
    wait_for_nodes(executor)
    assert executor.execute("python", "print(1)").stdout == "1\n"


def rounds(executor: RayExecutor, nodes: Nodes, count: int, kills: int) -> Counter[str]:
    """Run so many programs of the sleeper while replicas are killed; what became of them."""
    word = marker()
    requests = [ExecutionRequest("python", "", args=[f"{word}-{n}"]) for n in range(count)]
    ended = threading.Event()
    chance = random.Random(16)

    def begun_so_far() -> int:
        return nodes.record.read_bytes().count(word.encode())

    def kill() -> None:
        seen = 0
        for _ in range(kills):
            # While programs run there: not before the first, nor while nothing is left to kill.
            while begun_so_far() < seen + count // (2 * kills) or not members(executor):
                if ended.wait(0.02):
                    return
            member = chance.choice(members(executor))
            with contextlib.suppress(ProcessLookupError):
                os.kill(member.load.pid, signal.SIGKILL)
            seen = begun_so_far()

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        results: list[Any] = executor.execute_many(requests)
    finally:
        ended.set()
        thread.join()
    lines = [line.split()[0] for line in nodes.record.read_text().splitlines() if word in line]
    begun = Counter(lines)
    assert len(results) == count
    assert max(begun.values()) == 1, [name for name, times in begun.items() if times > 1]
    for request, result in zip(requests, results, strict=True):
        if result.status == "success":
            assert begun[request.args[0]] == 1
        else:
            assert result.error is not None
            assert result.error.type == "SandboxLost", result
    return Counter(result.status for result in results)


@pytest.fixture
def sleepers(nodes: Nodes) -> Any:
    with RayExecutor(
        nodes.address, isolation="sleeper", concurrency=4, pool=None, compile_cache=0
    ) as executor:
        wait_for_nodes(executor)
        yield executor


def test_nothing_runs_twice_while_replicas_are_killed(sleepers: RayExecutor, nodes: Nodes) -> None:
    told = rounds(sleepers, nodes, 150, kills=2)
    assert told["success"] > 150 // 2
    assert sum(told.values()) == 150


@pytest.mark.nightly
def test_ten_rounds_of_kills_during_two_thousand_runs(sleepers: RayExecutor, nodes: Nodes) -> None:
    told = rounds(sleepers, nodes, 2000, kills=10)
    assert told["success"] >= 2000 - 10 * 4
    assert told["sandbox_error"] > 0


DOOR = """
import sys
from drybox import RayExecutor
with RayExecutor(sys.argv[1], concurrency=int(sys.argv[2]), pool=None) as executor:
    word = sys.stdin.readline().strip()
    executor.execute("python", "import time; time.sleep(100)", args=[word], timeout=200.0)
"""


@pytest.mark.nightly
def test_a_front_door_that_is_killed_leaves_nothing_running(
    executor: RayExecutor, nodes: Nodes
) -> None:
    word = marker()
    door = subprocess.Popen(
        [sys.executable, "-c", DOOR, nodes.address, str(SLOTS)], stdin=subprocess.PIPE
    )
    assert door.stdin is not None
    try:
        door.stdin.write(f"{word}\n".encode())
        door.stdin.close()
        assert eventually(lambda: inside(word), 60)
    finally:
        door.kill()
        door.wait()
    assert eventually(lambda: not inside(word))
    assert executor.execute("python", "print(1)").stdout == "1\n"
