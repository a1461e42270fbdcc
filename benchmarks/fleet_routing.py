"""Where the fleet's routing ends: a front door and up to 1,000 nodes, in simulated time.

Nodes run programs of 50 ms; requests arrive at 80 % of what all slots could serve. Each decision
is the front door's own (:func:`drybox.fleet.slots.routing.choose_node`), over what it knows of the
nodes. The time of programs is simulated; the time of a decision is measured, here. One process
decides at most 1 / decision times a second: where that is less than what the nodes can serve, the
design ends, and several front doors have to share them.
"""

from __future__ import annotations

import argparse
import heapq
import random
import time
from collections import deque
from typing import NamedTuple

from drybox.fleet.slots.routing import NodeState, choose_node, take_slot

SECONDS = 0.05
SLOTS = 16
LOAD = 0.8
LANGUAGE = "python"


class Figures(NamedTuple):
    """What came of one simulation.

    Attributes:
        nodes: How many there were.
        spread: How far a node's share is from an equal one at most, of that.
        wait: Seconds that 99 % of the requests waited at most, of simulated time.
        decision: Seconds that one decision took, by the median.
        rate: Requests in a second of simulated time.
    """

    nodes: int
    spread: float
    wait: float
    decision: float
    rate: float


def simulate(count: int, requests: int, chance: random.Random) -> Figures:
    """Serve so many requests with so many nodes.

    Args:
        count: Nodes.
        requests: How many arrive.
        chance: When they do, and how long they take.
    """
    nodes = [NodeState(str(n), slots=SLOTS) for n in range(count)]
    served = dict.fromkeys((node.id for node in nodes), 0)
    by_id = {node.id: node for node in nodes}
    ends: list[tuple[float, str]] = []
    queue: deque[float] = deque()
    waits: list[float] = []
    decisions: list[float] = []
    rate = LOAD * count * SLOTS / SECONDS
    now, arrived = 0.0, 0
    next_arrival = chance.expovariate(rate)
    while len(waits) < requests:
        if arrived < requests and (not ends or next_arrival <= ends[0][0]):
            now = next_arrival
            queue.append(now)
            arrived += 1
            next_arrival = now + chance.expovariate(rate)
        else:
            now, ended = heapq.heappop(ends)
            by_id[ended].running -= 1
        while queue:
            began = time.perf_counter()
            node = choose_node(nodes, "auto", LANGUAGE)
            decisions.append(time.perf_counter() - began)
            if node is None:
                break
            take_slot(node, "auto", LANGUAGE, len(waits))
            served[node.id] += 1
            waits.append(now - queue.popleft())
            heapq.heappush(ends, (now + SECONDS * chance.uniform(0.8, 1.2), node.id))
    even = requests / count
    spread = max(abs(share - even) for share in served.values()) / even
    waits.sort()
    decisions.sort()
    return Figures(
        count, spread, waits[int(0.99 * len(waits))], decisions[len(decisions) // 2], rate
    )


def main() -> None:
    """Print a line for each size of a fleet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 8, 30, 100, 300, 1000])
    parser.add_argument("--each", type=int, default=100, help="requests for each node")
    given = parser.parse_args()
    print("nodes  spread  p99 wait  decision  decisions/s  requests/s")
    for count in given.nodes:
        found = simulate(count, given.each * count, random.Random(1))
        print(
            f"{found.nodes:5}  {100 * found.spread:4.0f} %  {1000 * found.wait:5.1f} ms"
            f"  {1e6 * found.decision:5.0f} us  {1 / found.decision:11,.0f}  {found.rate:10,.0f}"
        )


if __name__ == "__main__":
    main()
