"""``drybox version``."""

from __future__ import annotations

import json
import platform

import click

import drybox


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def version(as_json: bool) -> None:
    """Print the versions of drybox and of what it runs on."""
    facts = {
        "drybox": drybox.__version__,
        "python": platform.python_version(),
        "kernel": platform.release(),
        "machine": platform.machine(),
    }
    if as_json:
        click.echo(json.dumps(facts))
    else:
        click.echo(f"drybox {facts['drybox']} (Python {facts['python']}, kernel {facts['kernel']})")
