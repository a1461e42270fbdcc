"""What a command says while it prepares something that takes seconds."""

from __future__ import annotations

import click


def tell(line: str) -> None:
    """Say what is being prepared, on stderr."""
    click.echo(f"drybox: {line} ...", err=True)
