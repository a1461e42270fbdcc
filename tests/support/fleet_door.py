"""A front door in a network namespace, to whose nodes another process does harm.

It prints ``harm ADDRESS`` when it is ready, waits for a line, and sees what becomes of everything.
"""

from __future__ import annotations

import sys
from typing import Any

from tests.support.fleet_losses import BeginCounter, Losses, members
from tests.support.host import eventually

from drybox import ExecutionRequest, RayExecutor


def main(address: str, record: str, victim: str, count: int, told_within: float) -> None:
    """See to it that nothing is lost silently.

    Args:
        address: Of the cluster.
        record: File of the counter.
        victim: Address of the node that comes to harm.
        count: How many nodes there are.
        told_within: Seconds in which those whose programs ran there are told.
    """
    counter = BeginCounter(record)
    with RayExecutor(address, concurrency=2, pool=None, hooks=[counter]) as executor:
        assert eventually(lambda: len(members(executor)) >= count, 90), members(executor)
        losses = Losses(executor, counter, f"harm-{record.replace('/', '-')}")
        chosen = next(item for item in members(executor) if item.info.name.startswith(victim))

        def harm(_: Any) -> None:
            ask(f"harm {victim}")

        losses.check(chosen, harm, told_within)
        ask("mend")
        assert eventually(lambda: len(members(executor)) >= count, 90), members(executor)
        # More than are left without the node that is back.
        more = [ExecutionRequest("python", f"print({n})") for n in range(3 * count)]
        results = executor.execute_many(more)
        assert all(result.status == "success" for result in results), results


def ask(words: str) -> None:
    """Have the other process do something, and wait until it has."""
    print(words, flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    where, file, whom, how_many, soon = sys.argv[1:]
    main(where, file, whom, int(how_many), float(soon))
