"""Score generated solutions on a fleet: from one program, and inside of a Ray program.

Usage: python score.py [--address HOST:PORT] [--count N]; the default starts a cluster here.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import ray
from ray.util import ActorPool

from drybox import ExecutionRequest, RayExecutor, ResourceLimits

# Replicas belong to front doors with the same settings, so all of these share them.
SETTINGS: dict[str, Any] = {
    "isolation": "local",
    "timeout": 10.0,
    "limits": ResourceLimits(memory=256 << 20),
}

TEST = "import solution\nassert [solution.double(n) for n in (0, 3, -2)] == [0, 6, -4]\n"

GENERATED = (
    "def double(n):\n    return 2 * n\n",
    "def double(n):\n    return n * n\n",
    "def double(n):\n    while True: pass\n",
    "def double(n)\n    return n + n\n",
)


def request(solution: str) -> ExecutionRequest:
    """A solution with its test."""
    return ExecutionRequest("python", TEST, files={"solution.py": solution})


def plain(solution: str, result: Any) -> dict[str, Any]:
    """A result as a row of a table."""
    return {"solution": solution, "passed": result.status == "success", "status": result.status}


class Scorer:
    """Scores batches of rows; its front door lives as long as it does.

    With Ray Data: ``dataset.map_batches(Scorer, batch_size=500, concurrency=4)``.
    """

    def __init__(self) -> None:
        self._executor = RayExecutor("auto", **SETTINGS)
        self._executor.open()

    def __call__(self, batch: dict[str, Sequence[str]]) -> dict[str, list[Any]]:
        solutions = [str(item) for item in batch["solution"]]
        results = self._executor.execute_many([request(item) for item in solutions])
        rows = [plain(*pair) for pair in zip(solutions, results, strict=True)]
        return {name: [row[name] for row in rows] for name in ("solution", "passed", "status")}


def main() -> None:
    """Score all of them twice, and print how many passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="local")
    parser.add_argument("--count", type=int, default=10_000)
    given = parser.parse_args()
    solutions = [GENERATED[n % len(GENERATED)] for n in range(given.count)]

    # From one program: the requests go to all nodes, a bounded number at once, results in order.
    ray.init(given.address, log_to_driver=False, logging_level="ERROR")
    with RayExecutor("auto", **SETTINGS) as executor:
        results = executor.execute_many([request(item) for item in solutions])
    print(sum(result.status == "success" for result in results), "of", len(results), "passed")

    # Inside of a Ray program: each actor is a front door of its own, so that many decide at once.
    scorers = [ray.remote(num_cpus=0)(Scorer).remote() for _ in range(2)]
    batches = [{"solution": solutions[n : n + 500]} for n in range(0, len(solutions), 500)]
    done = ActorPool(scorers).map(lambda actor, batch: actor.__call__.remote(batch), batches)
    rows = [passed for batch in done for passed in batch["passed"]]
    print(sum(rows), "of", len(rows), "passed")


if __name__ == "__main__":
    main()
