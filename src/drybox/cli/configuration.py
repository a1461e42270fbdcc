"""The configuration that a command runs with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from drybox import Config


def configuration() -> Config:
    """What the files, the environment and ``drybox --config`` say; read only where it is needed.

    Raises:
        InvalidRequest: Something in them is wrong.
    """
    from drybox import load_config

    return load_config(click.get_current_context().find_root().params.get("config"))
