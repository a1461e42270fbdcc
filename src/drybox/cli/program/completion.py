"""What a shell completes behind the options and arguments of every command."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from drybox.errors import DryboxError
from drybox.execution.validation import ISOLATIONS
from drybox.languages.registry import languages_by_word


def complete_file(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Files and folders, by the shell itself."""
    return [CompletionItem(incomplete, type="file")]


def complete_folder(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Folders, by the shell itself."""
    return [CompletionItem(incomplete, type="dir")]


def complete_guarantee(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Guarantees that can be given up, behind those that are named already."""
    from drybox.backends.registry import WEAKENABLE

    named, comma, begun = incomplete.rpartition(",")
    words = [word for word in sorted(WEAKENABLE) if word.startswith(begun)]
    return [CompletionItem(f"{named}{comma}{word}") for word in words]


def complete_language(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Languages and their aliases that begin so."""
    words = sorted(languages_by_word())
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]


def complete_isolation(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Isolations that begin so."""
    return [CompletionItem(word) for word in ISOLATIONS if word.startswith(incomplete)]


def complete_environment(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Environments of the configuration that begin so."""
    from drybox import load_config

    try:
        environments = load_config(ctx.find_root().params.get("config")).executor.environments
    except DryboxError:  # told to who runs it
        return []
    names = [item.name for item in environments]
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
