"""``drybox doctor``."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import click

from drybox.cli.configuration import configuration
from drybox.cli.progress import progress
from drybox.serialization import plain

if TYPE_CHECKING:
    from drybox.backends.base import Guarantee, Support

NOT_USABLE = 1


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def doctor(as_json: bool) -> int:
    """Check what this host can guarantee, and tell how to fix what it cannot.

    Ends with 0 if the isolation that runs use by default has every guarantee, else with 1. With
    'auto' that is each of docker and local that is there. Other isolations may be absent.
    """
    from drybox import CodeExecutor

    config = configuration()
    with CodeExecutor(**config.executor_options(), progress=progress()) as executor:
        checked, languages = executor.check(), executor.languages()
    isolation, given_up = config.executor.isolation, config.executor.weaker()
    usable = is_usable(isolation, checked, given_up)
    if as_json:
        document = {
            "usable": usable,
            "isolation": isolation,
            "backends": {support.backend: _document(support, given_up) for support in checked},
            "languages": plain(languages),
        }
        click.echo(json.dumps(document))
        return 0 if usable else NOT_USABLE
    for present, supports in groupby(checked, lambda support: support.present):
        for guarantees, alike in groupby(supports, lambda support: support.guarantees):
            names = ", ".join(support.backend for support in alike)
            _isolation(names, guarantees, present, given_up)
    click.echo("languages:")
    for language in languages:
        _line(
            "ok" if language.version else "missing",
            language.name,
            language.version or "no toolchain found",
            language.hint,
        )
    end = "ready" if usable else "not usable as it is"
    click.echo(f"Runs use isolation '{isolation}' by default: {end}.")
    return 0 if usable else NOT_USABLE


def is_usable(isolation: str, checked: Sequence[Support], given_up: Collection[str] = ()) -> bool:
    """Whether runs have every guarantee where they name no isolation.

    Args:
        isolation: The isolation that they use by default.
        checked: What each isolation can promise.
        given_up: Guarantees that may be missing, by the configuration.
    """
    found = {support.backend: support for support in checked}
    if isolation != "auto":
        return _holds(found[isolation].guarantees, given_up)
    # Either may serve, and 'auto' does not look whether it is whole: what is there must be.
    isolations = [found[isolation] for isolation in ("docker", "local") if found[isolation].present]
    return bool(isolations) and all(
        _holds(isolation.guarantees, given_up) for isolation in isolations
    )


def _holds(guarantees: Sequence[Guarantee], given_up: Collection[str]) -> bool:
    return all(item.holds or item.name in given_up for item in guarantees)


def _document(support: Support, given_up: Collection[str]) -> dict[str, object]:
    return {
        "usable": _holds(support.guarantees, given_up),
        "present": support.present,
        "guarantees": [
            {
                "name": item.name,
                "holds": item.holds,
                "given_up": not item.holds and item.name in given_up,
                "detail": item.detail,
                "fix": item.fix,
            }
            for item in support.guarantees
        ],
    }


def _isolation(
    name: str, guarantees: Sequence[Guarantee], present: bool, given_up: Collection[str]
) -> None:
    usable = _holds(guarantees, given_up)
    state = "ready" if usable else "not usable as it is" if present else "absent"
    click.echo(f"{name}: {state}")

    def told(item: Guarantee) -> tuple[str, str, str, str]:
        if item.holds:
            return "ok", item.detail, item.fix, item.name
        word = "given up" if item.name in given_up else "missing" if present else "absent"
        return word, item.detail, item.fix, ""

    for (word, detail, fix, _), alike in groupby(guarantees, told):  # one reason is told once
        _line(word, ", ".join(item.name for item in alike), detail, fix)


def _line(word: str, name: str, detail: str, fix: str) -> None:
    colour = {"ok": "green", "missing": "red"}.get(word, "yellow")
    click.echo(f"  {click.style(f'{word:8}', fg=colour)}  {name:11} {detail}")
    if word in ("missing", "absent") and fix:
        click.echo(f"            {'':11} fix: {fix}")
