"""A front door calls the replica on its own machine over a socket, and not through Ray."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.conformance.bench import marker
from tests.fleet.conftest import NODES, SLOTS, members, wait_for_nodes
from tests.support.host import eventually, running

from drybox import RayExecutor, SandboxLost
from drybox.fleet.link.front import LinkedHandle

pytestmark = [pytest.mark.promise("FLEET-1"), pytest.mark.isolations("local")]


def linked(executor: RayExecutor) -> list[Any]:
    """The nodes that are called over a socket."""
    return [item for item in members(executor) if item._link and not item._link._is_lost]


def test_a_front_door_calls_its_own_node_without_ray(
    executor: RayExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for_nodes(executor)
    called: list[str] = []
    call = LinkedHandle.call

    def noted(handle: LinkedHandle, method: str, *arguments: str | bytes) -> Any:
        called.append(method)
        return call(handle, method, *arguments)

    monkeypatch.setattr(LinkedHandle, "call", noted)
    with ThreadPoolExecutor(NODES * SLOTS) as threads:
        runs = [
            threads.submit(executor.execute, "python", "print(1)") for _ in range(2 * NODES * SLOTS)
        ]
        assert {run.result().stdout for run in runs} == {"1\n"}
    assert "exchange" in called
    assert [item.state.is_local for item in linked(executor)] == [True]


def test_what_runs_on_the_own_node_is_lost_with_its_replica(
    executor: RayExecutor, told_within: float
) -> None:
    wait_for_nodes(executor)
    word = marker()
    sleep = f"import sys, time  # {word}\nprint('begun', flush=True)\ntime.sleep(600)"

    def inside() -> list[int]:
        return [item.pid for item in running(word) if "python" in item.cmdline[0]]

    with ThreadPoolExecutor(NODES * SLOTS) as threads:
        runs = [
            threads.submit(executor.execute, "python", sleep, args=[word], timeout=900.0)
            for _ in range(NODES * SLOTS)
        ]
        assert eventually(lambda: len(inside()) == NODES * SLOTS, 60), inside()
        (own,) = linked(executor)
        os.kill(own.load.pid, signal.SIGKILL)
        assert eventually(lambda: sum(run.done() for run in runs) == SLOTS, told_within)
        errors = [run.exception() for run in runs if run.done()]
        assert [type(error) for error in errors] == [SandboxLost] * SLOTS, errors
        assert eventually(lambda: len(inside()) == (NODES - 1) * SLOTS)
        for pid in inside():
            os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: own not in members(executor))
    wait_for_nodes(executor)
    assert eventually(lambda: [item.state.is_local for item in linked(executor)] == [True], 60)
    assert executor.execute("python", "print(1)").stdout == "1\n"
