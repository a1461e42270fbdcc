"""What a run in a sandbox that waited costs over the same program outside any, as a ratio.

For each language the bare process, a warm ``execute`` and now and then a cold one take turns, each
with a source that nobody has seen. The bare process is the interpreter with the source as an
argument, or in a file where it takes none. Also prints how much memory an idle sandbox takes.
--json FILE keeps every figure.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from drybox import CodeExecutor, ExecutionRequest, PoolSettings
from drybox.backends.local.toolchain import find_toolchain
from drybox.languages import find_language

COLD_SHARE = 5  # one cold run for so many warm ones


@dataclass(frozen=True)
class Case:
    """A program in one language and how it runs bare.

    Attributes:
        language: The language.
        source: The program; ``%d`` is replaced by the round's number.
        flag: The option of the bare interpreter that takes a source, or the file that it reads it
            from.
        goal: The ratio that the project promises at most.
        spread: The promised ratio of the 99th percentile to the median; None for no promise.
        settle: Seconds between measurements, for the pool to refill as it does between requests.
    """

    language: str
    source: str
    flag: str
    goal: float
    spread: float | None = None
    settle: float = 0.06


JAVA = """public class Main {
    public static void main(String[] args) {
        System.out.println("hello " + %d);
    }
}
"""

CASES = (
    Case("python", "print('hello', %d)", "-c", 0.25, 3.0),
    Case("node", "console.log('hello', %d)", "-e", 0.30),
    Case("java", JAVA, "Main.java", 0.12, settle=1.5),
)


def measure(
    case: Case, warm: CodeExecutor, cold: CodeExecutor, rounds: int, isolation: str, folder: str
) -> dict[str, list[float]]:
    """Wall seconds of every run, by kind."""
    language, _ = find_language(case.language)
    program = find_toolchain(case.language, language.toolchain, "").executable
    env = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8"}

    def bare(source: str) -> None:
        argv = [program, case.flag, source]
        if not case.flag.startswith("-"):
            Path(folder, case.flag).write_text(source)
            argv.pop()
        subprocess.run(
            argv, cwd=folder, env=env, stdin=subprocess.DEVNULL, check=True, capture_output=True
        )

    def boxed(executor: CodeExecutor) -> Callable[[str], None]:
        def run(source: str) -> None:
            request = ExecutionRequest(case.language, source, isolation=isolation)
            result = executor.execute(request)
            assert result.status == "success", result

        return run

    sides = {"bare": bare, "warm": boxed(warm), "cold": boxed(cold)}
    for number in range(-4, 0):
        for run in sides.values():
            run(case.source % number)
            time.sleep(5 * case.settle)
    times: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds):
        for name, run in sides.items():
            if name == "cold" and number % COLD_SHARE:
                continue
            time.sleep(case.settle)
            start = time.perf_counter()
            run(case.source % number)
            times[name].append(time.perf_counter() - start)
    return times


def idle_memory() -> list[int]:
    """Proportional set size, in bytes, of each sandbox below this process that is idle now."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parents[int(folder.name)] = int(
                    (folder / "stat").read_text().rpartition(")")[2].split()[1]
                )
            except OSError:
                continue

    def below(pid: int) -> list[int]:
        return [pid, *(item for child in parents if parents[child] == pid for item in below(child))]

    def is_named(pid: int, name: str) -> bool:
        return Path(f"/proc/{pid}/comm").read_text().strip() == name

    boxes = [pid for pid in below(os.getpid()) if is_named(pid, "bwrap")]
    sizes = []
    for box in boxes:
        if parents[box] in boxes:
            continue
        maps = (Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in below(box))
        sizes.append(sum(int(text.partition("\nPss:")[2].split()[0]) * 1024 for text in maps))
    return sizes


def quantile(values: list[float], share: float) -> float:
    """The value below which this share of them lies, in milliseconds."""
    return sorted(values)[round(share * (len(values) - 1))] * 1e3


def main() -> int:
    """Measure, print, and say whether every goal was met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("languages", nargs="*", help="Which ones; all by default.")
    parser.add_argument("--rounds", type=int, default=100, help="Warm rounds of each language.")
    parser.add_argument("--isolation", default="local", help="The wall.")
    parser.add_argument("--json", type=Path, help="Keep the raw figures in this file.")
    options = parser.parse_args()
    kept, missed = {}, []
    print(f"{'ms':8}{'bare':>8}{'warm':>8}{'ratio':>8}{'goal':>7}", end="")
    print(f"{'p99/p50':>9}{'cold':>8}{'idle MB':>9}")
    for case in CASES:
        if options.languages and case.language not in options.languages:
            continue
        with (
            CodeExecutor(pool=PoolSettings()) as warm,
            CodeExecutor(pool=None) as cold,
            tempfile.TemporaryDirectory() as folder,
        ):
            times = measure(case, warm, cold, options.rounds, options.isolation, folder)
            time.sleep(20 * case.settle)
            idle = idle_memory() if options.isolation == "local" else []
        ratio = statistics.median(times["warm"]) / statistics.median(times["bare"])
        spread = quantile(times["warm"], 0.99) / quantile(times["warm"], 0.5)
        print(
            f"{case.language:8}{quantile(times['bare'], 0.5):8.1f}"
            f"{quantile(times['warm'], 0.5):8.1f}{ratio:7.2f}x{case.goal:6.2f}x{spread:9.1f}"
            f"{quantile(times['cold'], 0.5):8.1f}{max(idle, default=0) / 1e6:9.1f}",
            flush=True,
        )
        kept[case.language] = {**times, "ratio": ratio, "idle_bytes": idle}
        if ratio > case.goal or (case.spread and spread > case.spread):
            missed.append(case.language)
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
