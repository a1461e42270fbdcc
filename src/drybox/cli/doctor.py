"""``drybox doctor``."""

from __future__ import annotations

import json

import click

from drybox.cli.configuration import configuration
from drybox.wire import plain

NOT_USABLE = 1


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def doctor(as_json: bool) -> int:
    """Check what this host can guarantee, and say how to mend what it cannot.

    Ends with 0 if every guarantee of every backend holds, else with 1.
    """
    from drybox import CodeExecutor

    with CodeExecutor(**configuration().executor_options()) as executor:
        checked, languages = executor.check(), executor.languages()
    usable = all(support.usable for support in checked)
    if as_json:
        document = {
            "usable": usable,
            "backends": {
                support.backend: {
                    "usable": support.usable,
                    "guarantees": [
                        {"name": g.name, "holds": g.holds, "detail": g.detail, "fix": g.fix}
                        for g in support.guarantees
                    ],
                }
                for support in checked
            },
            "languages": plain(languages),
        }
        click.echo(json.dumps(document))
        return 0 if usable else NOT_USABLE
    for support in checked:
        click.echo(f"{support.backend}: {'ready' if support.usable else 'not usable as it is'}")
        for guarantee in support.guarantees:
            _line(guarantee.holds, guarantee.name, guarantee.detail, guarantee.fix)
    click.echo("languages:")
    for language in languages:
        _line(
            language.version is not None,
            language.name,
            language.version or "no toolchain found",
            language.hint,
        )
    return 0 if usable else NOT_USABLE


def _line(good: bool, name: str, detail: str, fix: str) -> None:
    mark = click.style("ok     ", fg="green") if good else click.style("missing", fg="red")
    click.echo(f"  {mark}  {name:11} {detail}")
    if not good and fix:
        click.echo(f"           {'':11} fix: {fix}")
