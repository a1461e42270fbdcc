"""``drybox doctor``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import click

from drybox.cli.configuration import configuration
from drybox.cli.progress import tell
from drybox.wire import plain

if TYPE_CHECKING:
    from drybox.protocols import Guarantee, Support

NOT_USABLE = 1


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def doctor(as_json: bool) -> int:
    """Check what this host can guarantee, and say how to mend what it cannot.

    Ends with 0 if the wall that runs use by default has every guarantee, else with 1. With
    'auto' that is each of docker and local that is there. Other walls may be absent.
    """
    from drybox import CodeExecutor

    config = configuration()
    with CodeExecutor(**config.executor_options(), progress=tell) as executor:
        checked, languages = executor.check(), executor.languages()
    usable = is_usable(config.isolation, checked)
    if as_json:
        document = {
            "usable": usable,
            "isolation": config.isolation,
            "backends": {support.backend: _document(support) for support in checked},
            "languages": plain(languages),
        }
        click.echo(json.dumps(document))
        return 0 if usable else NOT_USABLE
    for present, supports in groupby(checked, lambda support: support.present):
        for guarantees, alike in groupby(supports, lambda support: support.guarantees):
            names = ", ".join(support.backend for support in alike)
            _wall(names, guarantees, present)
    click.echo("languages:")
    for language in languages:
        _line(
            "ok" if language.version else "missing",
            language.name,
            language.version or "no toolchain found",
            language.hint,
        )
    end = "ready" if usable else "not usable as it is"
    click.echo(f"Runs use isolation '{config.isolation}' by default: {end}.")
    return 0 if usable else NOT_USABLE


def is_usable(isolation: str, checked: Sequence[Support]) -> bool:
    """Whether runs have every guarantee where they name no wall.

    Args:
        isolation: The wall that they use by default.
        checked: What each wall can promise.
    """
    found = {support.backend: support for support in checked}
    if isolation != "auto":
        return found[isolation].usable
    # Either may serve, and 'auto' does not look whether it is whole: what is there must be.
    walls = [found[wall] for wall in ("docker", "local") if found[wall].present]
    return bool(walls) and all(wall.usable for wall in walls)


def _document(support: Support) -> dict[str, object]:
    return {
        "usable": support.usable,
        "present": support.present,
        "guarantees": [
            {"name": item.name, "holds": item.holds, "detail": item.detail, "fix": item.fix}
            for item in support.guarantees
        ],
    }


def _wall(name: str, guarantees: Sequence[Guarantee], present: bool) -> None:
    usable = all(item.holds for item in guarantees)
    state = "ready" if usable else "not usable as it is" if present else "absent"
    click.echo(f"{name}: {state}")
    for item in guarantees:
        word = "ok" if item.holds else "missing" if present else "absent"
        _line(word, item.name, item.detail, item.fix)


def _line(word: str, name: str, detail: str, fix: str) -> None:
    colour = {"ok": "green", "missing": "red"}.get(word, "yellow")
    click.echo(f"  {click.style(f'{word:7}', fg=colour)}  {name:11} {detail}")
    if word != "ok" and fix:
        click.echo(f"           {'':11} fix: {fix}")
