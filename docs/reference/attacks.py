"""Writes attacks.md beside this file from the catalogue of attacks and a record of a run."""

from __future__ import annotations

import json
import runpy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_suffix(".md")
RECORD = Path(__file__).with_suffix(".json")
CATALOGUE = Path(__file__).parents[2] / "tests/security/catalogue.py"

HEAD = """\
# Attacks

<!-- Written by './dev docs' from tests/security/catalogue.py and attacks.json. -->

What is tried on sandboxes, and what became of it where it was run last, by isolation.

- **held**: it has no effect outside of the sandbox.
- **bounded**: it gets as much as a limit gives, and the limit is its sandbox's own.
- **not covered**: it is not prevented there.
- **part held**, **part bounded**: so ended those of its tests that were run; the record has no
  outcome of the others.
- **not run**: the record has no outcome of its tests with this isolation.
- **failed**: a test of it failed.
- **the daemon's**, **other kernel**: no test of drybox's; the container's own layers or gVisor's
  kernel stand there.

`drybox selftest` tries the harmless part of it on your machine. A run is recorded by
`pytest tests/security --isolations NAMES --record-attacks`. The
[threat model](../../THREAT_MODEL.md) says what protects against what.
"""


def page(
    catalogue: Mapping[str, Any] | None = None, record: Mapping[str, Any] | None = None
) -> str:
    """The whole page.

    Args:
        catalogue: The names of ``catalogue.py``; the file's unless given.
        record: What ``attacks.json`` holds; the file's unless given.
    """
    catalogue = catalogue or runpy.run_path(str(CATALOGUE))
    record = record or json.loads(RECORD.read_text(encoding="utf-8"))
    columns: tuple[str, ...] = catalogue["COLUMNS"]
    lines = [HEAD, "## Where they were run\n", *_runs(columns, record["runs"])]
    for title, attacks in catalogue["ATTACKS"].items():
        lines += [f"\n## {title}\n", f"| attack | {' | '.join(columns)} | not covered | tests |"]
        lines.append("|" + "---|" * (len(columns) + 3))
        for attack in attacks:
            cells = [outcome(attack, column, record["tests"]) for column in columns]
            files = sorted({test.partition("::")[0] for test in attack.tests})
            tests = ", ".join(f"`tests/security/{file}`" for file in files)
            lines.append(f"| {' | '.join([attack.name, *cells, attack.not_covered, tests])} |")
    lines += _beside(columns, record.get("beside", {}))
    return "\n".join(lines) + "\n"


BESIDE = """
## Beside an attack

How many times as long something takes on the host beside an attack as without it: medians of three
turns with the attack and three without. `tests/security/test_beside.py` accepts twice. Starting a
process and taking memory are measured in CPU time. In an attack's row is what it slowed most.
Programs behind gVisor cannot be found from the host, so they are not in it.
"""


def _beside(
    columns: tuple[str, ...], record: Mapping[str, Mapping[str, Mapping[str, float]]]
) -> Iterator[str]:
    known = [column for column in columns if any(column in cells for cells in record.values())]
    yield BESIDE
    yield f"| attack | {' | '.join(known)} |"
    yield "|" + "---|" * (len(known) + 1)
    for attack, cells in sorted(record.items()):
        most = [max(cells.get(at, {"": 0.0}).items(), key=lambda item: item[1]) for at in known]
        words = [f"{ratio:.2f} ({name})" if name else "not run" for name, ratio in most]
        yield f"| {attack} | {' | '.join(words)} |"


def outcome(attack: Any, column: str, tests: Mapping[str, Mapping[str, Mapping[str, int]]]) -> str:
    """What a cell says.

    Args:
        attack: A family of the catalogue.
        column: The isolation.
        tests: Outcomes of each test, by isolation.
    """
    ran = [tests.get(test, {}).get(column, {}) for test in attack.tests]
    if any("failed" in counts for counts in ran):
        return "**failed**"
    passed = ["passed" in counts for counts in ran]
    if all(passed):
        return str(attack.verdict)
    if any(passed):
        return f"part {attack.verdict}"
    return str(attack.elsewhere.get(column, "not run"))


def _runs(columns: tuple[str, ...], runs: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    yield "| isolation | versions | day |"
    yield "|---|---|---|"
    for column in columns:
        words = dict(runs.get(column, {}))
        day = words.pop("date", "")
        yield f"| {column} | {', '.join(f'{k} {v}' for k, v in sorted(words.items()))} | {day} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
