"""Writes what came out of a sandbox to a folder of the user's.

The names are the untrusted program's. They stay below the folder, and a link that
stands in the way is not followed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import click

from drybox.errors import InvalidRequest
from drybox.validation import check_path


def write_artifacts(artifacts: Mapping[str, bytes], folder: str) -> None:
    """Write each file below the folder; say on stderr which ones could not be.

    Raises:
        click.ClickException: The folder cannot be made.
    """
    try:
        os.makedirs(folder, exist_ok=True)
        root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise click.ClickException(f"{folder}: {error.strerror}.") from error
    try:
        for path, content in artifacts.items():
            try:
                _write(root, check_path(path, "artifact").split("/"), content)
            except (OSError, InvalidRequest) as error:
                click.echo(f"drybox: artifact {path!a} was not written: {error}", err=True)
    finally:
        os.close(root)


def _write(root: int, names: list[str], content: bytes) -> None:
    folder = os.dup(root)
    try:
        for name in names[:-1]:
            try:
                os.mkdir(name, dir_fd=folder)
            except FileExistsError:
                pass
            below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = below
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        with open(os.open(names[-1], flags, 0o644, dir_fd=folder), "wb") as file:
            file.write(content)
    finally:
        os.close(folder)
