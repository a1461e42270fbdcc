"""``drybox selftest``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from drybox.cli.configuration import configuration
from drybox.cli.program.completion import complete_isolation
from drybox.cli.progress import progress
from drybox.cli.wording import telling_options

if TYPE_CHECKING:
    from drybox.testing.selftest import CheckResult

FAILED = 1
_COLOURS = {"ok": "green", "failed": "red", "missing": "yellow", "skipped": "yellow"}


@click.command()
@click.option(
    "--isolation",
    metavar="ISOLATION",
    shell_complete=complete_isolation,
    help="Test this isolation.  [the default one]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def selftest(isolation: str | None, as_json: bool) -> int:
    """Run programs that try to break out, and tell whether each was stopped.

    Every language that is there runs once, too. Ends with 0 if all is well, else with 1. Neither a
    language without a toolchain nor a guarantee that the configuration gives up is a failure:
    what would test the latter is not run, and is named.
    """
    from drybox import CodeExecutor
    from drybox.execution.validation import check_isolation
    from drybox.testing.selftest import selftest as run

    config = configuration()
    with telling_options():
        isolation = check_isolation(isolation or config.executor.isolation)
    with CodeExecutor(**config.executor_options(), progress=progress()) as executor:
        findings = run(executor, isolation, _ignore if as_json else _say)
    passed = all(finding.status != "failed" for finding in findings)
    skipped = [finding.name for finding in findings if finding.status == "skipped"]
    if as_json:
        checks = [asdict(finding) for finding in findings]
        document = {"passed": passed, "isolation": isolation, "given_up": skipped, "checks": checks}
        click.echo(json.dumps(document))
    elif not passed:
        click.echo("Something is wrong: do not trust this host yet.")
    elif skipped:
        click.echo(f"What was tried is well. Not tried, for it is given up: {', '.join(skipped)}.")
    else:
        click.echo("All is well.")
    return 0 if passed else FAILED


def _say(finding: CheckResult) -> None:
    word = click.style(f"{finding.status:7}", fg=_COLOURS[finding.status])
    click.echo(f"{word}  {finding.name:11} {finding.promise} ({finding.seconds * 1e3:.0f} ms)")
    if finding.status != "ok":
        click.echo(f"{'':21}{finding.detail}")


def _ignore(finding: CheckResult) -> None:
    """It is in the document."""
