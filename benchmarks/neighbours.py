"""How much a hostile neighbour slows another sandbox down.

A sandbox that says hello is run again and again, interleaved beside nobody and beside a neighbour
that forks without end, takes all the memory it can, or writes without end. Prints the 95th
percentiles and their ratio; ends with 1 if one more than doubles. --keep writes the raw figures.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.keep import keep

from drybox import CodeExecutor, ExecutionRequest, PoolSettings, ResourceLimits
from drybox.bench.benchmark import run, wait_for
from drybox.bench.machine import describe
from drybox.bench.report import Group, Report
from drybox.bench.statistics import summary

ATTACKS = {
    "idle": "import time\ntime.sleep(600)",
    "fork bomb": "import os\nwhile True:\n    try:\n        os.fork()\n"
    "    except OSError:\n        pass",
    "memory bomb": "while True:\n    try:\n        x = bytearray(1 << 30)\n"
    "    except MemoryError:\n        pass\n    y = [bytearray(1 << 20) for _ in range(400)]",
    "output flood": "import os\nline = b'x' * 65536\nwhile True:\n    os.write(1, line)",
}
"""What a neighbour does. The idle one is what the others are held against."""

MOST = 2.0
"""The ratio that the project promises at most."""

OUTPUT = 64 << 20
"""Bytes that a neighbour may write before it is ended; the next one takes its place."""


LIFE = 2.0
"""Seconds after which a neighbour is ended, and the next one takes its place."""


@contextmanager
def neighbour(executor: CodeExecutor, code: str) -> Iterator[None]:
    """A sandbox that does this, and another when that has ended, for as long as it is asked for."""
    over = threading.Event()
    limits = ResourceLimits(output=OUTPUT)
    request = ExecutionRequest("python", code, limits=limits, timeout=LIFE)

    def work() -> None:
        while not over.is_set():
            executor.execute(request)

    def end() -> None:
        over.set()
        thread.join()

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.3)
    try:
        yield
    finally:
        end()


def main() -> int:
    """Measure, print, and say whether the promise is kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=4, help="Rounds of each neighbour.")
    parser.add_argument("--runs", type=int, default=40, help="Runs beside it in a round.")
    parser.add_argument("--isolation", default="local", help="The isolation.")
    parser.add_argument("--cold", action="store_true", help="Without sandboxes that wait.")
    parser.add_argument("--keep", action="store_true", help="Keep the raw figures.")
    options = parser.parse_args()
    machine = describe()
    times: dict[str, list[float]] = {name: [] for name in ATTACKS}
    pool = None if options.cold else PoolSettings()
    # The same drybox serves both, as in a service.
    with CodeExecutor(isolation=options.isolation, concurrency=4, pool=pool) as executor:
        run(executor, "python", -1)
        for round_number in range(options.rounds):
            for name, code in ATTACKS.items():
                with neighbour(executor, code):
                    for number in range(options.runs):
                        if not options.cold:
                            wait_for(executor, "python")
                        start = time.perf_counter()
                        run(executor, "python", round_number * options.runs + number)
                        times[name].append(time.perf_counter() - start)
    base, missed = summary(times["idle"]), False
    print(f"{'beside':14} p50 ms   p95 ms   ratio of p95")
    for name, seconds in times.items():
        found = summary(seconds)
        ratio = found.p95 / base.p95
        missed |= ratio > MOST
        print(f"{name:14} {found.p50 * 1e3:6.1f} {found.p95 * 1e3:8.1f} {ratio:8.2f}x")
    if missed:
        print(f"missed: a neighbour may at most double it ({MOST}x)")
    if options.keep:
        report = Report(machine, [Group("python", options.isolation, times)], [], 0)
        print(keep("neighbours", report.document()))
    return missed


if __name__ == "__main__":
    sys.exit(main())
