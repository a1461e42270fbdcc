"""``drybox fleet``."""

from __future__ import annotations

import json

import click

from drybox.serialization import plain


@click.group()
def fleet() -> None:
    """See the nodes of a fleet; see docs/guides/fleet.md."""


@fleet.command()
@click.option(
    "--address", default="auto", metavar="HOST:PORT", help="The Ray cluster.  [default: auto]"
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def status(address: str, as_json: bool) -> None:
    """List the nodes: version, slots, what runs, and sandboxes that wait, sessions."""
    from drybox.fleet.status import fleet_status

    found = fleet_status(address)
    if as_json:
        click.echo(json.dumps(plain(found)))
        return
    click.echo(
        f"{'node':28} {'state':9} {'version':9} {'slots':>5} {'running':>7} {'idle':>5}"
        f" {'sessions':>8}"
    )
    for node in found:
        words = f"{node.name:28} {node.state:9} {node.version or '-':9}"
        click.echo(f"{words} {node.slots:5} {node.running:7} {node.idle:5} {node.sessions:8}")
