"""``drybox bench``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from drybox.cli.configuration import configuration
from drybox.cli.progress import tell
from drybox.errors import DryboxError, InvalidRequest
from drybox.units import parse_duration

MISSED = 1


@click.command()
@click.option("-l", "--language", "languages", multiple=True, metavar="LANG", help="All if none.")
@click.option("--isolation", "walls", multiple=True, metavar="WALL", help="All there are if none.")
@click.option("--rounds", type=click.IntRange(1), default=100, help="Warm runs of each, at most.")
@click.option("--time", "time_", default="1m", metavar="TIME", help="For all, about.  [1m]")
@click.option(
    "--concurrency", type=click.IntRange(0), help="Runs at once for the rates.  [twice the CPUs]"
)
@click.option("--goals", is_flag=True, help="Say which promises are kept; 1 if one is not.")
@click.option("--svg", type=click.Path(path_type=Path), metavar="FILE", help="Draw a picture, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, raw figures in it.")
def bench(
    languages: tuple[str, ...],
    walls: tuple[str, ...],
    rounds: int,
    time_: str,
    concurrency: int | None,
    goals: bool,
    svg: Path | None,
    as_json: bool,
) -> int:
    """Measure what runs cost here, beside the same programs outside any sandbox.

    Both take turns: the ratios hold on a busy machine, too. Warm is a sandbox that waited for
    the run, cold one that is made for it.
    """
    from drybox.bench.chart import chart
    from drybox.bench.course import Course
    from drybox.bench.goals import verdicts
    from drybox.bench.programs import PROGRAMS
    from drybox.bench.table import table
    from drybox.languages import find_language
    from drybox.validation import check_isolation

    names = [find_language(text)[0].name for text in languages]
    for name in names:
        if name not in PROGRAMS:
            raise InvalidRequest("language", f"there is no benchmark of {name}", hint="Leave it.")
    options = configuration().executor_options()
    course = Course(
        languages=names or list(PROGRAMS),
        walls=[check_isolation(wall) for wall in walls] or _present(options),
        rounds=rounds,
        seconds=parse_duration(time_, "time"),
        concurrency=2 * (os.cpu_count() or 1) if concurrency is None else concurrency,
        options=options,
        tell=tell,
    )
    report = course.run()
    if svg is not None:
        try:
            svg.write_text(chart(report), encoding="utf-8")
        except OSError as error:
            raise InvalidRequest(
                "svg", f"{svg} cannot be written: {error.strerror}", hint="Name another file."
            ) from error
    judged = verdicts(report) if goals else []
    if as_json:
        document = report.document()
        if goals:
            document["goals"] = [
                {
                    "language": item.goal.language,
                    "wall": item.goal.wall,
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
    """The walls that are there."""
    from drybox import CodeExecutor

    with CodeExecutor(**options, progress=tell) as executor:  # type: ignore[arg-type]
        return [support.backend for support in executor.check() if support.present]
