"""What a cold sandbox costs behind a container wall, beside the ways it is usually done.

Interleaved, each time with a source that nobody has seen: ``docker run --rm`` of the same image
under the same runtime, the naive use of Testcontainers (start a container that sleeps, ``exec``,
stop), and ``CodeExecutor.execute``, each with Python saying hello. Prints medians and ratios;
--json FILE keeps every figure together with the machine's description.

It starts a Docker daemon of its own, as the tests do, unless --host names one that has the image.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from testcontainers.core.container import DockerContainer
from tests.support.daemon import CLIENT, running_daemon
from tests.support.images import standard

from drybox import CodeExecutor, DockerSettings, ExecutionRequest

IMAGE = "python:3.11-alpine"
SOURCE = "print('hello', %d)"
SETTLE = 0.2  # seconds between measurements, so that what one removes does not slow the next
RUNTIMES = {"docker": "runc", "gvisor": "runsc"}
GOALS = {"docker": {"docker run": 1.15, "naive": 0.5}, "gvisor": {}}


@contextmanager
def daemon(host: str | None) -> Iterator[str]:
    """The address of a daemon that has the image."""
    if host:
        yield host
        return
    with running_daemon() as own:
        own.load(standard())
        yield own.host


def measure(wall: str, host: str, rounds: int) -> dict[str, list[float]]:
    """Wall seconds of every run, by who ran it."""
    runtime = RUNTIMES[wall]

    def docker_run(source: str) -> str:
        words = [CLIENT, "-H", host, "run", "--rm", "--network=none", f"--runtime={runtime}"]
        done = subprocess.run(
            [*words, IMAGE, "python3", "-c", source],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=True,
        )
        return done.stdout.decode()

    def naive(source: str) -> str:
        container = DockerContainer(IMAGE, docker_client_kw={"environment": {"DOCKER_HOST": host}})
        container.with_kwargs(runtime=runtime, network="none").with_command("sleep 60")
        with container:
            return container.exec(["python3", "-c", source]).output.decode()

    settings = DockerSettings(host=host)
    times: dict[str, list[float]] = {"docker run": [], "naive": [], "drybox": []}
    with CodeExecutor(isolation=wall, docker=settings, pool=None) as executor:

        def drybox(source: str) -> str:
            result = executor.execute(ExecutionRequest("python", source))
            assert result.status == "success", result
            return result.stdout

        sides: list[tuple[str, Callable[[str], str]]] = [
            ("docker run", docker_run),
            ("naive", naive),
            ("drybox", drybox),
        ]
        for number in range(-1, rounds):  # the first one fills caches
            for name, run in sides[number % 3 :] + sides[: number % 3]:
                time.sleep(SETTLE)
                start = time.perf_counter()
                said = run(SOURCE % number)
                took = time.perf_counter() - start
                assert said == f"hello {number}\n", (name, said)
                if number >= 0:
                    times[name].append(took)
    return times


def main() -> int:
    """Measure, print, and say whether every goal was met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("walls", nargs="*", help="docker, gvisor; both by default.")
    parser.add_argument("--rounds", type=int, default=20, help="Rounds of each.")
    parser.add_argument("--host", help="Address of a daemon that has the image.")
    parser.add_argument("--json", type=Path, help="Keep the raw figures in this file.")
    options = parser.parse_args()
    os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"
    kept, missed = {}, []
    with daemon(options.host) as host:
        os.environ["DOCKER_HOST"] = host
        print(f"{'':8} {'':11} {'median ms':>10} {'drybox is':>10} {'goal':>7}")
        for wall in options.walls or list(RUNTIMES):
            kept[wall] = measure(wall, host, options.rounds)
            median = {name: statistics.median(all_) for name, all_ in kept[wall].items()}
            for name, value in median.items():
                ratio, goal = median["drybox"] / value, GOALS[wall].get(name)
                words = "" if name == "drybox" else f"{ratio:9.2f}x"
                wanted = f"{goal:6.2f}x" if goal else ""
                print(f"{wall:8} {name:11} {value * 1e3:10.1f} {words:>10} {wanted:>7}", flush=True)
                if goal and ratio > goal:
                    missed.append(f"{wall} beside {name}")
    if options.json:
        machine = {
            "cpus": os.cpu_count(),
            "kernel": platform.release(),
            "python": platform.python_version(),
            "load": os.getloadavg(),
        }
        options.json.write_text(json.dumps({"machine": machine, "seconds": kept}, indent=1))
    if missed:
        print(f"missed: {', '.join(missed)}")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
