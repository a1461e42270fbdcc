"""Writes the artifacts of a run to a folder of the user's.

The names are the untrusted program's. They stay below the folder, and a link that
stands in the way is not followed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import click

MAX_TOLD = 10


def write_artifacts(artifacts: Mapping[str, bytes], folder: str) -> None:
    """Write each file below the folder; say on stderr where they are, and which ones could not be.

    Raises:
        click.ClickException: The folder cannot be made.
    """
    try:
        os.makedirs(folder, exist_ok=True)
        root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise click.ClickException(f"{folder}: {error.strerror}.") from error
    written = []
    try:
        for path, content in artifacts.items():
            try:
                _write(root, _names(path), content)
                written.append(path)
            except (OSError, ValueError) as error:
                click.echo(f"drybox: artifact {path!a} was not written: {error}", err=True)
    finally:
        os.close(root)
    if written:
        more = f" and {len(written) - MAX_TOLD} more" if len(written) > MAX_TOLD else ""
        names = ", ".join(ascii(path)[1:-1] for path in written[:MAX_TOLD])
        click.echo(f"drybox: written to {folder}: {names}{more}.", err=True)


def check_folder(folder: str) -> None:
    """See that artifacts can be written there, before anything runs for them.

    Raises:
        click.UsageError: Something else is there.
    """
    place = os.path.abspath(folder)
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    if not os.path.isdir(place):
        raise click.UsageError(f"--artifact-dir {folder}: {place} is no folder.")
    if not os.access(place, os.W_OK | os.X_OK):
        raise click.UsageError(f"--artifact-dir {folder}: you may not write in {place}.")


def _names(path: str) -> list[str]:
    """The parts of a path that stays below its folder.

    Raises:
        ValueError: It does not.
    """
    names = path.split("/")
    if {"", ".", ".."} & set(names):
        raise ValueError("its name leads out of the folder")
    if any(char < " " or char == "\x7f" for char in path):
        raise ValueError("its name has a control character")
    path.encode()  # half a character is no name either
    return names


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
