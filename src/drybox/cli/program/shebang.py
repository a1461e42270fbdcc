"""Files that name drybox as their interpreter: ``#!/usr/bin/env -S drybox run``."""

from __future__ import annotations

import os
import re

import click

from drybox.cli.program.short_options import spelled_out

FIRST_LINE = 256
"""Bytes of a file in which Linux looks for its interpreter."""

_DRYBOX = re.compile(rb"#![^\n]*\bdrybox\b")


class ScriptCommand(click.Command):
    """A command whose file, if its first line names drybox, gets all words behind its name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the script's words from being taken for options of drybox."""
        args = spelled_out(self.params, args)
        parser = self.make_parser(ctx)
        parser.allow_interspersed_args = False
        try:
            values, _, _ = parser.parse_args(list(args))
        except click.UsageError:  # told below
            return super().parse_args(ctx, args)
        source, rest = values.get("source"), values.get("args")
        if not isinstance(source, str) or not isinstance(rest, (list, tuple)):
            return super().parse_args(ctx, args)
        front = args[: len(args) - len(rest) - 1]
        if "--" not in front and is_script(source):
            args = [*front, "--", source, *rest]
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if not any(word.startswith(error.option_name) for word in rest):
                raise
            words = f"{error.format_message()} Words for the program itself come behind '--'."
            raise click.UsageError(words, ctx) from error


def is_script(path: str) -> bool:
    """Whether this is a file whose first line names drybox as its interpreter."""
    try:
        if not os.path.isfile(path):
            return False
        with open(path, "rb") as file:
            return _DRYBOX.match(file.read(FIRST_LINE)) is not None
    except OSError:
        return False


def without_shebang(source: bytes, *, comment: bytes) -> bytes:
    """The source with its first line, where that names drybox, as a comment.

    Args:
        source: The source.
        comment: How a comment begins, in two bytes, so that columns stay as they are.
    """
    return comment + source[2:] if _DRYBOX.match(source[:FIRST_LINE]) else source
