"""What a cold sandbox costs over the same program outside any: many rounds, and nothing beside.

``drybox bench`` has a few cold runs, too; these are for its goals. Prints the figures and ends
with 1 if a goal is missed; --keep writes the raw ones into benchmarks/results.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.keep import keep

from drybox import CodeExecutor
from drybox.bench.baseline import BaselineProcess
from drybox.bench.benchmark import SETTLE, resting, run
from drybox.bench.goals import verdicts
from drybox.bench.interleave import Contender, interleave
from drybox.bench.machine import describe
from drybox.bench.report import BASELINE, COLD, Group, Report
from drybox.bench.table import table
from drybox.languages.registry import known_languages

ROUNDS = {"python": 100, "node": 60, "go": 40, "java": 30}


def measure(language: str, rounds: int) -> Group:
    """Measure one language with local isolation."""
    with (
        tempfile.TemporaryDirectory() as folder,
        CodeExecutor(
            isolation="local", pool=None, progress=lambda line: print(line, file=sys.stderr)
        ) as cold,
    ):
        rest = resting(SETTLE["local"])
        contenders = {
            BASELINE: Contender(BaselineProcess(language, Path(folder)).run, rest),
            COLD: Contender(lambda number: run(cold, language, number), rest),
        }
        interleave(contenders, 2)
        return Group(language, "local", interleave(contenders, rounds, first=2))


def main() -> int:
    """Measure, print, and say whether every goal was met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("languages", nargs="*", help="Which ones; all by default.")
    parser.add_argument("--rounds", type=int, help="Rounds of each language.")
    parser.add_argument("--keep", action="store_true", help="Keep the raw figures.")
    options = parser.parse_args()
    machine = describe()
    languages = options.languages or list(known_languages())
    groups = [measure(name, options.rounds or ROUNDS[name]) for name in languages]
    report = Report(machine, groups, [], 0)
    print(table(report, goals=True))
    if options.keep:
        print(keep("cold", report.document()))
    return not all(verdict.is_met for verdict in verdicts(report))


if __name__ == "__main__":
    sys.exit(main())
