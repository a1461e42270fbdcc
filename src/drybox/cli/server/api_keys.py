"""``drybox keys``."""

from __future__ import annotations

import json

import click

from drybox.errors import InvalidRequest
from drybox.service.api_keys import NAME, hash_key, new_key


@click.group()
def keys() -> None:
    """Make keys for clients of the HTTP service; see docs/guides/keys.md."""


@keys.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def new(name: str, as_json: bool) -> None:
    """Make a key for the client NAME and print it, and what the configuration needs of it.

    The key is stored nowhere: it is shown this once.
    """
    if not NAME.fullmatch(name):
        raise InvalidRequest(
            "name",
            f"a key cannot be called {name[:80]!r}",
            hint="Use small letters, digits, '-' and '_', like web-shop.",
        )
    key = new_key()
    if as_json:
        click.echo(json.dumps({"name": name, "key": key, "hash": hash_key(key)}))
        return
    click.echo("The key, shown this once; the client sends it as 'Authorization: Bearer KEY':")
    click.echo(f"\n  {key}\n\nFor drybox.toml:\n")
    click.echo(f'  [keys.{name}]\n  hash = "{hash_key(key)}"')
