"""What is completed behind every option and argument that has a known set of words."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from drybox.cli.commands import group
from drybox.cli.program.completion import complete_guarantee

WORDS = {
    "LANG": "python",
    "[LANG[@VERSION]]...": "python",
    "ISOLATION": "gvisor",
    "WHAT[,...]": "memory",
}
"""One of the words for each kind of value that has some."""

PLACES = {
    "FILE": "file",
    "PATH": "file",
    "PATH[=NAME]": "file",
    "[FILE|DIR|-]": "file",
    "FROM": "file",
    "TO": "file",
    "DIR": "dir",
}
"""What the shell itself completes for each kind of value that is a place on this host."""

ELSEWHERE = {"cwd"}
"""Folders that are not on this host."""


def all_parameters(
    command: click.Command, ctx: click.Context, words: str = "drybox"
) -> Iterator[tuple[str, click.Context, click.Parameter]]:
    for parameter in command.params:
        yield f"{words} {parameter.name}", ctx, parameter
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            below = command.get_command(ctx, name)
            assert below is not None
            inner = click.Context(below, parent=ctx, info_name=name)
            yield from all_parameters(below, inner, f"{words} {name}")


ALL = list(all_parameters(group, click.Context(group, info_name="drybox")))


@pytest.mark.parametrize(("name", "ctx", "parameter"), ALL, ids=[name for name, _, _ in ALL])
def test_it_is_completed(name: str, ctx: click.Context, parameter: click.Parameter) -> None:
    found = parameter.shell_complete(ctx, "")
    kind = parameter.metavar or ""
    if kind in WORDS:
        assert WORDS[kind] in [item.value for item in found]
    elif parameter.name in ELSEWHERE:
        assert not found
    elif str(parameter.name).endswith("_dir") or kind in PLACES:
        assert [item.type for item in found] == [PLACES.get(kind, "dir")]


def test_the_kinds_are_those_that_there_are() -> None:
    assert {parameter.metavar for _, _, parameter in ALL} >= WORDS.keys() | PLACES.keys()


def test_guarantees_are_completed_behind_others() -> None:
    ctx = click.Context(group)
    parameter = click.Option(["--allow-weaker"])
    assert [item.value for item in complete_guarantee(ctx, parameter, "memory,c")] == [
        "memory,cpus"
    ]
