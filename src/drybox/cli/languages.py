"""``drybox languages``."""

from __future__ import annotations

import json

import click

from drybox.cli.configuration import configuration
from drybox.cli.progress import tell
from drybox.wire import plain


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def languages(as_json: bool) -> None:
    """List the languages, their names and the versions found here."""
    from drybox import CodeExecutor

    with CodeExecutor(**configuration().executor_options(), progress=tell) as executor:
        found = executor.languages()
    if as_json:
        click.echo(json.dumps(plain(found)))
        return
    for item in found:
        suffixes, names = " ".join(item.suffixes), ", ".join(item.aliases)
        click.echo(f"{item.name:8} {item.version or 'missing':10} {suffixes:16} also: {names}")
        if item.version is None:
            click.echo(f"         {item.hint}")
