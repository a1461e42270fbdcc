"""What a fleet costs, and how well it fills its nodes: a cluster of several nodes on this machine.

*overhead*: warm Python by this process's own executor, by a fleet on its own node, and on another
one, interleaved: the time that a run takes, and in runs of their own the CPU time of all processes
that were there before it, which other load on the machine changes less. And a call of a replica on
this machine that does nothing, over the socket and through Ray. *dispatch*: nodes whose
programs only sleep, all slots of them at once: how near the executions come to what the slots could
do, how evenly nodes get them, and what CPU time each takes. All nodes share this machine's
processors, so neither says that throughput grows with machines.

Ends with 1 if a goal is missed; --keep writes the raw figures into benchmarks/results.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any, cast
from unittest.mock import patch

from benchmarks.keep import keep
from tests.support.host import descendants
from tests.support.sleeper import RECORD, SECONDS, SLEEP, advertise_sleeper
from tests.support.source_tree import ROOT

from drybox import CodeExecutor, ExecutionRequest, PoolSettings, RayExecutor
from drybox.bench.benchmark import SETTLE, run, wait_for
from drybox.bench.interleave import Contender, interleave
from drybox.bench.machine import describe
from drybox.fleet.member import Member
from drybox.fleet.slots.routing import NodeState, choose_node

NODE = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}
OWN_GOAL, OTHER_GOAL = 1.2, 2.0
RATE_GOAL, SPREAD_GOAL = 0.8, 0.1
START_TIMEOUT = 300.0
IDLE = 5.0
"""Seconds in which it is measured what the cluster takes while nothing runs."""

_SCHEDULED = 2
"""Of a process's clock, which Linux makes of its id: the time that it ran."""

Document = dict[str, Any]


@contextmanager
def cluster(count: int, folder: Path, seconds: float) -> Iterator[str]:
    """So many nodes on this machine; the address of their head."""
    advertise_sleeper(folder)
    os.environ |= {
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(folder))),
        RECORD: str(folder / "record"),
        SLEEP: str(seconds),
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_worker_niceness": "0",
    }
    sys.path.append(str(folder))
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args=NODE)
    try:
        for _ in range(count - 1):
            made.add_node(**NODE)
        yield made.address
    finally:
        made.shutdown()


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Wait for something that takes its time to begin.

    Raises:
        TimeoutError: It did not.
    """
    until = time.monotonic() + START_TIMEOUT
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(what)
        time.sleep(0.05)


def cpu_seconds() -> float:
    """CPU time of this process and all that came of it: front door, nodes and Ray."""
    ticks = 0
    for pid in [os.getpid(), *(item.pid for item in descendants(os.getpid()))]:
        with suppress(OSError):  # it ends at this very moment
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class Metered:
    """One way to run a program, and what CPU time its runs take.

    Args:
        contender: The way.

    Attributes:
        seconds: Of each run, of all processes that were there before it: not of the program.
    """

    def __init__(self, contender: Contender) -> None:
        self._contender = contender
        self._clocks: list[int] = []
        self.seconds: list[float] = []

    def ready(self) -> None:
        """Look which processes there are."""
        self._contender.ready()
        pids = [os.getpid(), *(item.pid for item in descendants(os.getpid()))]
        self._clocks = [~pid << 3 | _SCHEDULED for pid in pids]

    def run(self, number: int) -> None:
        """Run it once."""
        before = self._read()
        self._contender.run(number)
        after = self._read()
        self.seconds.append(sum(after[clock] - before[clock] for clock in after) / 1e9)

    def _read(self) -> dict[int, int]:
        found = {}
        for clock in self._clocks:
            with suppress(OSError):
                found[clock] = time.clock_gettime_ns(clock)
        return found


def all_members(executor: RayExecutor) -> list[Member]:
    """The nodes as an executor sees them."""
    return executor._fleet._members.all()


class OneNode:
    """Warm runs on this machine's node, or on another one."""

    wants_local = False

    @classmethod
    def choose(cls, nodes: Iterable[NodeState], isolation: str, language: str) -> NodeState | None:
        """In the place of the fleet's own choice."""
        wanted = (node for node in nodes if node.is_local is cls.wants_local)
        return choose_node(wanted, isolation, language)

    def __init__(self, executor: RayExecutor, *, is_local: bool) -> None:
        self._executor = executor
        self._is_local = is_local
        self._has_begun = False

    def run(self, number: int) -> None:
        """Run it once."""
        run(cast("CodeExecutor", self._executor), "python", number)

    def ready(self) -> None:
        """Wait for a sandbox there; a pool keeps some for what was asked for before."""
        OneNode.wants_local = self._is_local
        if not self._has_begun:
            self._has_begun = True
            self.run(0)
        wait_until(self._is_warm, "no sandbox waits")
        time.sleep(SETTLE["local"])

    def _is_warm(self) -> bool:
        return any(
            item.state.is_local is self._is_local and item.state.warm("local", "python")
            for item in all_members(self._executor)
        )


def calls(executor: RayExecutor, rounds: int) -> dict[str, list[float]]:
    """Seconds that a call of the own node's replica takes there and back, by its way."""
    (own,) = (item for item in all_members(executor) if item.state.is_local)
    assert own._link is not None, "the own node is not linked"
    ways = {"over the socket": own._link, "through Ray": own._handle}
    found: dict[str, list[float]] = {name: [] for name in ways}

    async def call() -> None:
        for _ in range(rounds):
            for name, handle in ways.items():
                began = time.perf_counter()
                await handle.call("give", "nobody", b"")  # which does nothing
                found[name].append(time.perf_counter() - began)

    executor._call(call)
    return found


def overhead(rounds: int, folder: Path) -> Document:
    """What the way to a node costs."""
    options: Document = {"isolation": "local", "concurrency": 2, "pool": PoolSettings()}
    with (
        cluster(2, folder, SECONDS) as address,
        CodeExecutor(**options) as own,
        RayExecutor(address, **options) as fleet,
    ):
        wait_until(lambda: len(all_members(fleet)) == 2, "a node does not get ready")

        def ready() -> None:
            wait_for(own, "python")
            time.sleep(SETTLE["local"])

        contenders = {
            "executor": Contender(lambda number: run(own, "python", number), ready),
        }
        for name, is_local in (("own node", True), ("other node", False)):
            way = OneNode(fleet, is_local=is_local)
            contenders[name] = Contender(way.run, way.ready)
        with patch("drybox.fleet.members.choose_node", OneNode.choose):
            interleave(contenders, 5)
            seconds = interleave(contenders, rounds, first=5)
            metered = {name: Metered(item) for name, item in contenders.items()}
            ways = {name: Contender(item.run, item.ready) for name, item in metered.items()}
            interleave(ways, rounds, first=5 + rounds)
        called = calls(fleet, rounds)
    base = median(seconds["executor"])
    told = {name: {"seconds": taken} for name, taken in called.items()}
    return told | {
        name: {
            "ratio": median(taken) / base,
            "seconds": taken,
            "cpu_seconds": metered[name].seconds,
        }
        for name, taken in seconds.items()
    }


def dispatch(nodes: int, slots: int, seconds: float, count: int, folder: Path) -> Document:
    """How near executions come to what the slots could do."""
    options: Document = {"isolation": "sleeper", "pool": None, "compile_cache": 0}
    requests = [ExecutionRequest("python", "", args=[str(n)]) for n in range(count)]
    with (
        cluster(nodes, folder, seconds) as address,
        RayExecutor(address, concurrency=slots, **options) as fleet,
    ):
        wait_until(lambda: len(all_members(fleet)) == nodes, "a node does not get ready")
        fleet.execute_many(requests[: 4 * nodes * slots])
        record = folder / "record"
        before = record.stat().st_size
        idle = cpu_seconds()
        time.sleep(IDLE)
        busy = cpu_seconds()
        idle = (busy - idle) / IDLE
        began = time.perf_counter()
        results = fleet.execute_many(requests)
        took = time.perf_counter() - began
        busy = cpu_seconds() - busy - idle * took
        lines = record.read_bytes()[before:].decode().splitlines()
    shares = Counter(line.split()[1] for line in lines)
    most = nodes * slots / seconds
    return {
        "nodes": nodes,
        "slots": slots,
        "program_seconds": seconds,
        "count": count,
        "failed": sum(result.status != "success" for result in results),
        "rate": count / took,
        "limit": most,
        "share_of_limit": count / took / most,
        "cpu_milliseconds_each": 1000 * busy / count,
        "spread": max(abs(n * nodes / count - 1) for n in shares.values()),
        "shares": sorted(shares.values()),
    }


def main() -> int:
    """Measure, print, and say whether every goal was met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "what", nargs="?", choices=["overhead", "dispatch"], help="Both by default."
    )
    parser.add_argument("--rounds", type=int, default=200, help="Runs of each way.")
    parser.add_argument("--nodes", type=int, default=8)
    parser.add_argument("--slots", type=int, default=16, help="Of each node.")
    parser.add_argument("--program", type=float, default=SECONDS, help="Seconds that one sleeps.")
    parser.add_argument("--count", type=int, default=5000, help="Executions.")
    parser.add_argument("--keep", action="store_true", help="Keep the raw figures.")
    given = parser.parse_args()
    document: Document = {"machine": describe()}
    met = []
    if given.what != "dispatch":
        with tempfile.TemporaryDirectory() as folder:
            document["overhead"] = told = overhead(given.rounds, Path(folder))
        for name, figures in told.items():
            line = f"{name:15} p50 {median(figures['seconds']) * 1000:7.2f} ms"
            if "ratio" in figures:
                cpu = median(figures["cpu_seconds"]) * 1000
                line += f"   {figures['ratio']:.2f} x   CPU {cpu:.2f} ms"
            print(line)
        met += [told["own node"]["ratio"] <= OWN_GOAL, told["other node"]["ratio"] <= OTHER_GOAL]
    if given.what != "overhead":
        with tempfile.TemporaryDirectory() as folder:
            shape = (given.nodes, given.slots, given.program, given.count)
            document["dispatch"] = told = dispatch(*shape, Path(folder))
        print(
            f"{given.nodes} nodes x {given.slots} slots, programs of {given.program:g} s:"
            f" {told['rate']:,.0f} of {told['limit']:,.0f} a second"
            f" ({told['share_of_limit']:.0%}), shares within {told['spread']:.1%},"
            f" {told['cpu_milliseconds_each']:.2f} ms of CPU each"
        )
        met += [told["share_of_limit"] >= RATE_GOAL, told["spread"] <= SPREAD_GOAL]
        met.append(not told["failed"])
    document["machine"]["load_after"] = [round(value, 2) for value in os.getloadavg()]
    if given.keep:
        print(keep("fleet" + (f"-{given.what}" if given.what else ""), document))
    print("every goal is met" if all(met) else "a goal is missed")
    return not all(met)


if __name__ == "__main__":
    sys.exit(main())
