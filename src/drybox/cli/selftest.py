"""``drybox selftest``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from drybox.cli.configuration import configuration
from drybox.cli.progress import tell

if TYPE_CHECKING:
    from drybox.selftest import Finding

FAILED = 1
_COLOURS = {"ok": "green", "failed": "red", "missing": "yellow"}


@click.command()
@click.option("--isolation", metavar="WALL", help="Behind this wall.  [the usual one]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def selftest(isolation: str | None, as_json: bool) -> int:
    """Run programs that try to break out, and say whether each was held.

    Every language that is there runs once, too. Ends with 0 if all is well, else with 1; a language
    without a toolchain is no failure.
    """
    from drybox import CodeExecutor
    from drybox.selftest import selftest as run
    from drybox.validation import check_isolation

    config = configuration()
    wall = check_isolation(isolation or config.isolation)
    with CodeExecutor(**config.executor_options(), progress=tell) as executor:
        findings = run(executor, wall, _ignore if as_json else _say)
    passed = all(finding.status != "failed" for finding in findings)
    if as_json:
        checks = [asdict(finding) for finding in findings]
        click.echo(json.dumps({"passed": passed, "isolation": wall, "checks": checks}))
    else:
        click.echo("All is well." if passed else "Something is wrong: do not trust this host yet.")
    return 0 if passed else FAILED


def _say(finding: Finding) -> None:
    word = click.style(f"{finding.status:7}", fg=_COLOURS[finding.status])
    click.echo(f"{word}  {finding.name:11} {finding.promise} ({finding.seconds * 1e3:.0f} ms)")
    if finding.status != "ok":
        click.echo(f"{'':21}{finding.detail}")


def _ignore(finding: Finding) -> None:
    """It is in the document."""
