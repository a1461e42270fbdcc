"""A Ray cluster of three nodes on this machine, and executors over it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.bench import LANGUAGES, Bench
from tests.conformance.programs import Programs
from tests.support.host import eventually
from tests.support.isolations import Isolation
from tests.support.sleeper import RECORD, advertise_sleeper
from tests.support.source_tree import ROOT

from drybox import RayExecutor

NODES = 3

NODE = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}
"""As little as Ray takes, three times on one machine."""

SLOTS = 2
"""Of each node."""


TOLD_WITHIN = 5.0
"""Seconds in which somebody is told that a node is lost, or that there is no cluster."""

LOADED_TIMEOUT = 60.0
"""The same where other tests and other people use the machine too."""


@pytest.fixture(scope="session")
def told_within(pytestconfig: pytest.Config) -> float:
    """What is promised in the night, when nothing else runs."""
    return TOLD_WITHIN if pytestconfig.getoption("nightly") else LOADED_TIMEOUT


@dataclass
class Nodes:
    """The cluster, and how to do it harm.

    Attributes:
        cluster: Ray's own.
        address: Where it is.
        record: What the sleeper's programs write to.
    """

    cluster: Any
    address: str
    record: Path

    def victim(self, executor: RayExecutor) -> Any:
        """A member that this process, which is a part of one node, does not depend on."""
        return next(item for item in members(executor) if not item.state.is_local)

    def kill_raylet(self, member: Any) -> None:
        """End a node's raylet as the kernel does, and have another node."""
        node = next(item for item in self.cluster.worker_nodes if item.node_id == member.info.id)
        (raylet,) = node.all_processes["raylet"]
        os.kill(raylet.process.pid, signal.SIGKILL)

    def replace(self, member: Any) -> None:
        """Another node in place of one that was killed."""
        node = next(item for item in self.cluster.worker_nodes if item.node_id == member.info.id)
        self.cluster.remove_node(node, allow_graceful=False)
        self.cluster.add_node(**NODE)


def members(executor: RayExecutor) -> list[Any]:
    """The nodes as an executor sees them."""
    return executor._fleet._members.all()


def wait_for_nodes(executor: RayExecutor, count: int = NODES) -> None:
    """Until so many nodes have a replica."""
    assert eventually(lambda: len(members(executor)) >= count, 90), members(executor)


@pytest.fixture(scope="package")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    folder = tmp_path_factory.mktemp("fleet")
    advertise_sleeper(folder)
    record = folder / "record"
    record.touch()
    given = {
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(folder))),
        RECORD: str(record),
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    sys.path.append(str(folder))
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args=NODE)
    try:
        for _ in range(NODES - 1):
            cluster.add_node(**NODE)
        yield Nodes(cluster, cluster.address, record)
    finally:
        cluster.shutdown()
        sys.path.remove(str(folder))
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@pytest.fixture(scope="package")
def executor(nodes: Nodes) -> Iterator[RayExecutor]:
    """In place of the one that runs programs here."""
    with RayExecutor(nodes.address, concurrency=SLOTS, pool=None) as executor:
        wait_for_nodes(executor)
        yield executor


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every language in the night, else the one whose programs start quickest."""
    marks = metafunc.definition.iter_markers("parametrize")
    is_given = any("programs" in str(mark.args[0]) for mark in marks)
    if "programs" in metafunc.fixturenames and not is_given:
        languages = LANGUAGES if metafunc.config.getoption("nightly") else LANGUAGES[:1]
        names = [item.language for item in languages]
        metafunc.parametrize("programs", languages, ids=names, indirect=True)


@pytest.fixture
def programs(request: pytest.FixtureRequest) -> Programs:
    """The programs of one language."""
    found: Programs = request.param
    return found


@pytest.fixture
def bench(executor: Any, isolation: Isolation, programs: Programs) -> Bench:
    """One language with one isolation."""
    return Bench(executor, isolation, programs)


@pytest.fixture
def python_bench(executor: Any, isolation: Isolation) -> Bench:
    """One isolation, and the language whose programs start quickest."""
    return Bench(executor, isolation, LANGUAGES[0])
