"""Nodes that are neither well nor dead: slow, full, of another time or version."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.bench import marker
from tests.fleet.conftest import NODE, NODES, SLOTS, Nodes, members, wait_for_nodes
from tests.support.fleet_losses import BeginCounter, Losses
from tests.support.host import eventually
from tests.support.source_tree import ROOT

from drybox import ExecutionRequest, RayExecutor
from drybox.fleet.status import fleet_status

pytestmark = pytest.mark.isolations("local")


@pytest.fixture
def counter(tmp_path: Path) -> BeginCounter:
    return BeginCounter(str(tmp_path / "begun"))


@pytest.fixture
def counted(nodes: Nodes, counter: BeginCounter) -> Iterator[RayExecutor]:
    """One whose nodes count what begins."""
    with RayExecutor(nodes.address, concurrency=SLOTS, pool=None, hooks=[counter]) as executor:
        wait_for_nodes(executor)
        yield executor


@contextmanager
def one_more(nodes: Nodes, env: dict[str, str]) -> Iterator[str]:
    """One more node for a while, whose processes have these variables; its id."""
    node = nodes.cluster.add_node(**NODE, env_vars=env)
    try:
        yield node.node_id
    finally:
        nodes.cluster.remove_node(node, allow_graceful=False)


@pytest.mark.promise("FLEET-1")
@pytest.mark.nightly
def test_what_runs_on_a_node_that_stands_still_is_lost_and_ends_when_it_goes_on(
    counted: RayExecutor, counter: BeginCounter, nodes: Nodes, told_within: float
) -> None:
    victim = nodes.victim(counted)
    pid = victim.load.pid

    def mend() -> None:
        os.kill(pid, signal.SIGCONT)

    losses = Losses(counted, counter, marker())
    try:
        losses.check(victim, lambda _: os.kill(pid, signal.SIGSTOP), told_within, mend)
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_for_nodes(counted)


def test_front_doors_whose_nodes_are_full_run_everything_once(nodes: Nodes) -> None:
    given: dict[str, Any] = {"isolation": "sleeper", "concurrency": SLOTS, "pool": None}
    word = marker()
    told: list[Any] = []

    def run(executor: RayExecutor, name: str) -> None:
        requests = [ExecutionRequest("python", "", args=[f"{word}-{name}{n}"]) for n in range(60)]
        told.extend(executor.execute_many(requests))

    with (
        RayExecutor(nodes.address, **given) as one,
        RayExecutor(nodes.address, **given) as other,
    ):
        wait_for_nodes(one)
        wait_for_nodes(other)
        assert {item.load.pid for item in members(one)} == {
            item.load.pid for item in members(other)
        }
        threads = [threading.Thread(target=run, args=(one, "a"))]
        threads.append(threading.Thread(target=run, args=(other, "b")))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [item.status for item in told] == ["success"] * 120
    lines = [line.split()[0] for line in nodes.record.read_text().splitlines() if word in line]
    assert Counter(Counter(lines).values()) == {1: 120}


@pytest.mark.promise("FLEET-2")
@pytest.mark.nightly
def test_a_node_whose_clock_jumps_goes_on(nodes: Nodes, tmp_path: Path) -> None:
    library, offset = tmp_path / "clock_offset.so", tmp_path / "offset"
    source = ROOT / "tests/support/clock_offset.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    offset.write_text("0")
    env = {"LD_PRELOAD": str(library), "CLOCK_OFFSET_FILE": str(offset)}
    with (
        one_more(nodes, env) as id,
        RayExecutor(nodes.address, concurrency=SLOTS + 1, pool=None, isolation="local") as executor,
    ):
        wait_for_nodes(executor, NODES + 1)
        sessions = [executor.open_session("bash", idle_timeout=3600) for _ in range(NODES + 1)]
        (there,) = [item for item in sessions if id.startswith(item.id.rpartition("-")[2])]
        member = next(item for item in members(executor) if item.info.id == id)
        for seconds in (86_400 * 3, -86_400 * 3, 0):
            thread = threading.Thread(target=there.command, args=("sleep 1",))
            thread.start()
            offset.write_text(str(seconds))
            thread.join()
            there.run(f"echo {seconds} >> told")
            assert there.state == "running"
            results = executor.execute_many([ExecutionRequest("python", "print(1)")] * 16)
            assert {item.stdout for item in results} == {"1\n"}, results
        assert there.run("cat told").stdout == f"{86_400 * 3}\n{-86_400 * 3}\n0\n"
        assert not member.lost


SITE = """
import drybox
drybox.__version__ = "0.0.1"
"""


@pytest.mark.promise("FLEET-2")
@pytest.mark.nightly
def test_a_node_of_another_version_is_told_and_not_used(
    executor: RayExecutor, nodes: Nodes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "sitecustomize.py").write_text(SITE)
    env = {"PYTHONPATH": os.pathsep.join((str(tmp_path), os.environ["PYTHONPATH"]))}
    wait_for_nodes(executor)

    def told() -> list[str]:
        return [item.message for item in caplog.records if "0.0.1" in item.message]

    with caplog.at_level(logging.INFO, "drybox.fleet"), one_more(nodes, env) as id:
        assert eventually(told, 90)
        assert id[:8] in told()[0]
        results = executor.execute_many([ExecutionRequest("python", "print(1)")] * 12)
        assert {item.stdout for item in results} == {"1\n"}
        assert id not in {item.info.id for item in members(executor)}
        (status,) = [item for item in fleet_status(nodes.address) if item.node == id]
        assert status.state in ("refused", "unused"), status
        assert len(told()) == 1, told()


@pytest.mark.nightly
def test_a_replica_that_nobody_needs_is_not_told_as_one_that_crashed(
    executor: RayExecutor, nodes: Nodes
) -> None:
    with RayExecutor(nodes.address, concurrency=1, pool=None, timeout=33.0) as other:
        wait_for_nodes(other)
        pids = {item.load.pid for item in members(other)}
    assert eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
    from ray._private.state import actors

    def causes() -> list[str]:
        return [str(item["DeathCause"]) for item in actors().values() if item["Pid"] in pids]

    assert eventually(lambda: [cause for cause in causes() if "RAY_KILL" in cause], 30), causes()
    assert all("RAY_KILL" in cause for cause in causes())
