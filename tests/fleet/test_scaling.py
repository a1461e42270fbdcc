"""Ray's own autoscaler adds nodes while programs wait, and removes them when none does."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.bench import marker
from tests.fleet.test_losses import inside
from tests.support.host import eventually
from tests.support.scaled_cluster import scaled_cluster
from tests.support.source_tree import ROOT

from drybox import ExecutionResult, RayExecutor

pytestmark = [
    pytest.mark.isolations("local"),
    pytest.mark.nightly,
    pytest.mark.promise("FLEET-7"),
]

SCALE_TIMEOUT = 120.0
"""Seconds in which Ray starts a node, or removes one."""

SLOTS = 2


@pytest.fixture
def address() -> Iterator[str]:
    env = {
        "PYTHONPATH": str(ROOT),
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "disabled",
    }
    with (
        tempfile.TemporaryDirectory(prefix="dbx") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in env.items():
            patch.setenv(name, value)
        with scaled_cluster(Path(folder), most=3, idle=3.0, env=env) as found:
            yield found


def test_nodes_come_and_go_with_what_waits(address: str) -> None:
    import ray

    def nodes() -> int:
        return sum(node["Alive"] for node in ray.nodes())

    word, count = marker(), 3 * SLOTS + 2
    sleep = f"import time\ntime.sleep(600)  # {word}"
    given: dict[str, Any] = {"concurrency": SLOTS, "pool": None, "isolation": "local"}
    with (
        RayExecutor(address, max_nodes=3, node_idle_timeout=3.0, **given) as executor,
        ThreadPoolExecutor(count) as threads,
    ):
        assert nodes() == 1
        execute = partial(executor.execute, "python", sleep, args=[word], timeout=900.0)
        runs = [threads.submit(execute) for _ in range(count)]
        try:
            assert eventually(lambda: len(inside(word)) == 3 * SLOTS, SCALE_TIMEOUT), inside(word)
            assert nodes() == 3  # and no more, although some wait yet
            # The first is on the head's node, the second on another one.
            sessions = [executor.open_session("bash", isolation="local") for _ in range(2)]
        finally:
            assert eventually(lambda: _end(word, runs), SCALE_TIMEOUT), runs
        assert {run.result().status for run in runs} == {"signaled"}
        assert eventually(lambda: nodes() == 2, SCALE_TIMEOUT), nodes()
        for session in sessions:
            assert session.command("echo on").stdout == "on\n"
            session.close()
        assert eventually(lambda: nodes() == 1, SCALE_TIMEOUT), nodes()
        assert executor.execute("python", "print(1)").stdout == "1\n"
        assert executor._fleet.lost == 0


def _end(word: str, runs: list[Future[ExecutionResult]]) -> bool:
    """End what runs, from outside; whether all have ended."""
    for pid in inside(word):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return all(run.done() for run in runs)
