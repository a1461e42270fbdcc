"""``drybox bench``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from drybox.cli.configuration import configuration
from drybox.cli.program.completion import complete_isolation, complete_language
from drybox.cli.progress import progress, tell
from drybox.cli.wording import telling_options
from drybox.errors import DryboxError, InvalidRequest
from drybox.units import parse_duration

MISSED = 1


@click.command()
@click.option(
    *("-l", "--language", "languages"),
    multiple=True,
    metavar="LANG",
    shell_complete=complete_language,
    help="A language.  [all]",
)
@click.option(
    *("--isolation", "isolations"),
    multiple=True,
    metavar="ISOLATION",
    shell_complete=complete_isolation,
    help="An isolation.  [all]",
)
@click.option(
    "--rounds", type=click.IntRange(1), default=100, help="Warm runs of each language at most."
)
@click.option(
    "--time", "time_", default="1m", metavar="TIME", help="Time for all runs, about.  [1m]"
)
@click.option(
    "--concurrency", type=click.IntRange(0), help="Concurrent runs for the rates.  [twice the CPUs]"
)
@click.option("--goals", is_flag=True, help="Check the promised figures; exit 1 if one is missed.")
@click.option(
    "--svg", type=click.Path(path_type=Path), metavar="FILE", help="Write a chart as SVG."
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document with the raw figures."
)
def bench(
    languages: tuple[str, ...],
    isolations: tuple[str, ...],
    rounds: int,
    time_: str,
    concurrency: int | None,
    goals: bool,
    svg: Path | None,
    as_json: bool,
) -> int:
    """Measure what runs cost here, next to the same programs outside any sandbox.

    Both are interleaved: the ratios hold on a busy machine, too. Warm is a sandbox that waited for
    the run, cold one that is made for it. Outside runs the same toolchain with an environment as
    baseline as a sandbox's, and Python without the host's packages and their .pth files.
    """
    from drybox.bench.benchmark import Benchmark
    from drybox.bench.chart import chart
    from drybox.bench.goals import verdicts
    from drybox.bench.table import table
    from drybox.execution.validation import check_isolation
    from drybox.languages.registry import find_language, known_languages

    with telling_options():
        names = [find_language(text)[0].name for text in languages]
        named = [check_isolation(isolation) for isolation in isolations]
        seconds = parse_duration(time_, "--time")
    options = configuration().executor_options()
    benchmark = Benchmark(
        languages=names or list(known_languages()),
        isolations=named or _present(options),
        rounds=rounds,
        seconds=seconds,
        concurrency=2 * (os.cpu_count() or 1) if concurrency is None else concurrency,
        options=options,
        tell=tell,
    )
    report = benchmark.run()
    if svg is not None:
        try:
            svg.write_text(chart(report), encoding="utf-8")
        except OSError as error:
            raise InvalidRequest(
                "--svg", f"{svg} cannot be written: {error.strerror}", hint="Name another file."
            ) from error
    judged = verdicts(report) if goals else []
    if as_json:
        document = report.document()
        if goals:
            document["goals"] = [
                {
                    "language": item.goal.language,
                    "isolation": item.goal.isolation,
                    "goal": item.goal.words,
                    "limit": item.goal.limit,
                    "value": item.value,
                    "met": item.is_met,
                }
                for item in judged
            ]
        click.echo(json.dumps(document))
    else:
        plain = "utf" not in (sys.stdout.encoding or "").lower()
        text = table(report, goals=goals, plain=plain)
        click.echo(text.encode("ascii", "replace").decode() if plain else text)
    if not report.groups:
        raise DryboxError(
            "nothing could be measured here.",
            hint="Run 'drybox doctor' to see what this host is missing.",
        )
    return MISSED if not all(item.is_met for item in judged) else 0


def _present(options: dict[str, object]) -> list[str]:
    """The isolations that are there."""
    from drybox import CodeExecutor

    with CodeExecutor(**options, progress=progress()) as executor:  # type: ignore[arg-type]
        return [support.backend for support in executor.check() if support.present]
