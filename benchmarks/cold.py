"""What a cold sandbox costs over the same program outside any, as a ratio.

For each language the bare program and ``CodeExecutor.execute`` take turns, each time with
a source that neither has seen, in a process that is up already. Prints medians and their
ratio; --json FILE keeps every figure together with the machine's description.
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

from drybox import CodeExecutor, ExecutionRequest
from drybox.backends.local.toolchain import find_toolchain
from drybox.languages import find_language

SETTLE = 0.03  # seconds between measurements, so that what one leaves does not slow the next


@dataclass(frozen=True)
class Case:
    """A program in one language and how it runs bare.

    Attributes:
        language: The language.
        source: The program; ``%d`` is replaced by the round's number.
        file: Name of its file.
        bare: Arguments after the toolchain's program.
        goal: The ratio that the project promises at most.
        rounds: How often each side runs by default.
    """

    language: str
    source: str
    file: str
    bare: tuple[str, ...]
    goal: float
    rounds: int


CASES = (
    Case("python", "print('hello', %d)\n", "main.py", (), 1.6, 100),
    Case("node", "console.log('hello', %d)\n", "main.js", (), 1.4, 60),
    Case(
        "go",
        'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("hello", %d) }\n',
        "main.go",
        ("run",),
        1.3,
        40,
    ),
    Case(
        "java",
        "public class Main {\n"
        "    public static void main(String[] args) {\n"
        '        System.out.println("hello " + %d);\n'
        "    }\n"
        "}\n",
        "Main.java",
        (),
        1.2,
        30,
    ),
)


def measure(
    case: Case, executor: CodeExecutor, rounds: int, folder: Path
) -> tuple[list[float], list[float]]:
    """Wall seconds of every bare run and every sandboxed one."""
    language, _ = find_language(case.language)
    program = find_toolchain(case.language, language.toolchain, "").executable
    env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"}

    def bare(source: str) -> str:
        (folder / case.file).write_text(source)
        argv = [program, *case.bare, case.file]
        done = subprocess.run(
            argv, cwd=folder, env=env, stdin=subprocess.DEVNULL, check=True, stdout=subprocess.PIPE
        )
        return done.stdout.decode()

    def boxed(source: str) -> str:
        result = executor.execute(ExecutionRequest(case.language, source))
        assert result.status == "success", result
        return result.stdout

    for number in (-2, -1):  # fills both sides' caches
        assert bare(case.source % number) == boxed(case.source % number)
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        sides: list[tuple[Callable[[str], str], list[float]]] = [
            (bare, times[0]),
            (boxed, times[1]),
        ]
        for run, kept in sides if number % 2 else reversed(sides):
            time.sleep(SETTLE)
            start = time.perf_counter()
            run(case.source % number)
            kept.append(time.perf_counter() - start)
    return times


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


def main() -> int:
    """Measure, print, and say whether every goal was met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("languages", nargs="*", help="Which ones; all by default.")
    parser.add_argument("--rounds", type=int, help="Rounds of each language.")
    parser.add_argument("--json", type=Path, help="Keep the raw figures in this file.")
    options = parser.parse_args()
    kept = {}
    missed = []
    print(f"{'':8} {'bare ms':>9} {'drybox ms':>10} {'ratio':>7} {'goal':>6} {'p95 ms':>8}  rounds")
    with CodeExecutor(
        isolation="local", pool=None, progress=lambda line: print(line, file=sys.stderr)
    ) as executor:
        for case in CASES:
            if options.languages and case.language not in options.languages:
                continue
            rounds = options.rounds or case.rounds
            with tempfile.TemporaryDirectory() as folder:
                bare, boxed = measure(case, executor, rounds, Path(folder))
            ratio = statistics.median(boxed) / statistics.median(bare)
            p95 = sorted(boxed)[int(0.95 * (len(boxed) - 1))]
            print(
                f"{case.language:8} {statistics.median(bare) * 1e3:9.1f} "
                f"{statistics.median(boxed) * 1e3:10.1f} {ratio:6.2f}x {case.goal:5.1f}x "
                f"{p95 * 1e3:8.1f}  {rounds}",
                flush=True,
            )
            kept[case.language] = {"bare": bare, "drybox": boxed, "ratio": ratio}
            if ratio > case.goal:
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
