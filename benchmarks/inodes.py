"""What inodes of its own cost a sandbox, warm and cold.

A copy of this drybox binds the host's folders into sandboxes as they are, where drybox mounts an
overlay of each. Both run the same programs by turns: one that says hello, and one that opens many
files, by importing. Prints what each takes, in wall time and in CPU time of everything that it
starts, and the ratios; --keep writes the raw times.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.keep import keep

import drybox
from drybox.bench.machine import describe
from drybox.bench.report import Group, Report

OWN, SHARED = "own inodes", "the host's inodes"

PROGRAMS = {
    "hello": "print('hello')",
    "imports": "import asyncio, email.message, http.client, json, sqlite3, ssl, unittest, "
    "urllib.request, xml.dom.minidom; print('hello')",
}

WORKER = """
import json, sys, time
from drybox import CodeExecutor, PoolSettings
from drybox.bench.benchmark import wait_for
is_warm = sys.argv[1] == "warm"
with CodeExecutor(isolation="local", pool=PoolSettings() if is_warm else None) as executor:
    for line in sys.stdin:
        if is_warm:
            wait_for(executor, "python")
        begun = time.perf_counter()
        result = executor.execute("python", json.loads(line))
        taken = time.perf_counter() - begun
        assert result.stdout == "hello\\n", result
        print(taken, flush=True)
"""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="Runs of each program and contender.")
    parser.add_argument("--keep", action="store_true", help="Keep the raw times.")
    options = parser.parse_args()
    machine, groups = describe(), []
    for way in ("warm", "cold"):
        for name, code in PROGRAMS.items():
            times: dict[str, list[float]] = {OWN: [], SHARED: []}
            cpu: dict[str, float] = {}
            with ExitStack() as stack:
                workers = {
                    each: stack.enter_context(_worker(way, shares=each == SHARED)) for each in times
                }
                for worker in workers.values():
                    for _ in range(5):
                        _ask(worker, code)
                before = {each: _cpu_of(worker.pid) for each, worker in workers.items()}
                for number in range(options.runs):
                    for each in sorted(workers, reverse=number % 2 == 1):
                        times[each].append(_ask(workers[each], code))
                for each, worker in workers.items():
                    cpu[each] = (_cpu_of(worker.pid) - before[each]) / options.runs
            wall = {each: statistics.median(taken) for each, taken in times.items()}
            for what, figures in (("wall", wall), ("CPU", cpu)):
                print(
                    f"{way} {name:8} {what:5} {figures[OWN] * 1e3:7.2f} ms with, "
                    f"{figures[SHARED] * 1e3:7.2f} without: {figures[OWN] / figures[SHARED]:.3f}x"
                )
            groups.append(Group(f"python, {way}, {name}", "local", times))
    if options.keep:
        print(keep("inodes", Report(machine, groups, [], 0).document()))
    return 0


@contextmanager
def _worker(way: str, *, shares: bool) -> Iterator[subprocess.Popen[str]]:
    with tempfile.TemporaryDirectory(prefix="drybox-bench-", dir="/var/tmp") as folder:
        env = {**os.environ}
        if shares:
            Path(folder).chmod(0o755)
            package = Path(folder, "drybox")
            shutil.copytree(Path(drybox.__file__).parent, package)
            module = package / "backends/local/rootfs/mount_namespace.py"
            text = module.read_text()
            assert '("folder", ' in text
            module.write_text(text.replace('("folder", ', '("bind", '))
            env["PYTHONPATH"] = folder
        command = [sys.executable, "-c", WORKER, way]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=env, text=True) as worker:
            yield worker
            assert worker.stdin is not None
            worker.stdin.close()


def _ask(worker: Any, code: str) -> float:
    print(json.dumps(code), file=worker.stdin, flush=True)
    return float(worker.stdout.readline())


def _cpu_of(root: int) -> float:
    """CPU seconds of a process and of all that it has started, as far as they were waited for."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(path.parent.name)
        parents[pid] = int(words[1])
        ticks[pid] = sum(map(int, words[11:15]))
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return sum(ticks.get(pid, 0) for pid in found) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
