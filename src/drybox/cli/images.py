"""``drybox images``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from drybox.cli.configuration import configuration
from drybox.cli.program.completion import complete_language
from drybox.cli.progress import is_on_terminal
from drybox.serialization import plain

if TYPE_CHECKING:
    from drybox.backends.images import ImageStore

STEPS = 1000  # of a progress bar
QUARTER = 0.25  # without a terminal there is a line for each


@click.group()
def images() -> None:
    """Pull, list and remove the images of container isolations."""


@images.command()
@click.argument(
    "languages", nargs=-1, metavar="[LANG[@VERSION]]...", shell_complete=complete_language
)
def pull(languages: tuple[str, ...]) -> None:
    """Pull the images of these languages; of all if none is named.

    Which images those are, and that they are pinned by digest, the configuration may say.
    """
    with _store() as store:
        for name in store.names(languages):
            _pull(store, name)


@images.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_(as_json: bool) -> None:
    """List the image of each language, and what drybox built from it."""
    with _store() as store:
        found = store.describe()
    if as_json:
        click.echo(json.dumps(plain(found)))
        return
    for item in found:
        state = "present" if item.present else "missing"
        about = item.digest or item.id or f"get it: drybox images pull {item.language}"
        click.echo(f"{item.language:12} {state:8} {item.source}  {about}")
        if item.present:
            made = f"{item.version}, as {item.derived}" if item.derived else "by the first run"
            click.echo(f"{'':12} prepared {made}")


@images.command()
def prune() -> None:
    """Remove images that drybox built and that nothing uses any more."""
    removed = 0
    with _store() as store:
        for item in store.prune():
            removed += item.removed
            word = "removed" if item.removed else "in use, kept"
            click.echo(f"{word}: {item.name} of {item.source or 'no image'} ({item.reason})")
    click.echo(f"{removed} removed.")


@contextmanager
def _store() -> Iterator[ImageStore]:
    from drybox.backends.registry import open_image_store
    from drybox.settings import DockerSettings

    store = open_image_store(configuration().executor.docker or DockerSettings())
    try:
        yield store
    finally:
        store.close()


def _pull(store: ImageStore, name: str) -> None:
    """Fetch one image; how far it is goes to stderr."""
    if is_on_terminal():
        shown = 0
        with click.progressbar(length=STEPS, label=name, file=sys.stderr) as bar:
            for progress in store.pull(name):
                bar.update(int(progress.share * STEPS) - shown)
                shown = int(progress.share * STEPS)
    else:
        click.echo(f"drybox: Pulling {name} ...", err=True)
        told = 0.0
        for progress in store.pull(name):
            if progress.share >= told + QUARTER:
                told = progress.share // QUARTER * QUARTER
                click.echo(f"drybox: {name}: {told:.0%}", err=True)
    click.echo(name)
