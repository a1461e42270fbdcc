"""``drybox languages``."""

from __future__ import annotations

import json

import click

from drybox.cli.configuration import configuration
from drybox.cli.progress import progress
from drybox.serialization import plain


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def languages(as_json: bool) -> None:
    """List the languages, their names and the versions found here."""
    from drybox import CodeExecutor

    with CodeExecutor(**configuration().executor_options(), progress=progress()) as executor:
        found = executor.languages()
    if as_json:
        click.echo(json.dumps(plain(found)))
        return
    for item in found:
        suffixes, names = " ".join(item.suffixes), ", ".join(item.aliases)
        others = "".join(f", {item.name}@{version}" for version in item.versions[1:])
        version = item.version or "missing"
        click.echo(f"{item.name:10} {version:10} {suffixes:30} also: {names}{others}")
        if item.version is None:
            click.echo(f"           {item.hint}")
