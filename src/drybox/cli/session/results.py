"""Shows what becomes of code that runs on a server."""

from __future__ import annotations

import os
from base64 import b64decode
from binascii import Error
from contextlib import suppress
from typing import Any

import click

from drybox.cli.colour import wants_colour
from drybox.cli.interrupt import ReaderGone
from drybox.cli.output import Streams
from drybox.cli.session.pictures import SUFFIXES, Pictures
from drybox.cli.session.remote import error_of
from drybox.cli.wording import printable

_TEXT = ("text/", "application/json", "application/javascript", "image/svg+xml")
"""How MIME types of what is text begin; others are base64 in JSON."""


EXIT_STATUS = "ExitStatus"
"""Name of the error that a shell's code ends with if its last command failed."""


class Shown:
    """Shows events and results as they come.

    Args:
        picture_dir: Where pictures are saved.
    """

    def __init__(self, picture_dir: str) -> None:
        self._pictures = Pictures(picture_dir)
        self._streams = Streams()

    def show(self, event: dict[str, Any]) -> None:
        """Show an event that is no result."""
        kind = event.get("type")
        if kind in ("stdout", "stderr"):
            self.write(event["data"], 1 if kind == "stdout" else 2)
        elif kind == "display":
            self._show_display(event["display"])
        elif kind == "error" and "error" in event:
            error = event["error"]
            if error["name"] == EXIT_STATUS:
                return  # the exit code says it
            coloured = error.get("coloured") if wants_colour() else ""
            self.write((coloured or error["traceback"] or error["value"]).rstrip("\n") + "\n", 2)
        elif kind == "error":  # the server's own
            raise error_of(event.get("problem"))

    def end(self, result: dict[str, Any]) -> None:
        """Say why it ended, where that is nothing of its own."""
        problem = result.get("problem")
        if problem:
            click.echo(f"drybox: {printable(problem['message'])}", err=True)
            click.echo(f"  hint: {printable(problem['hint'])}", err=True)
        elif result["status"] in ("timeout", "memory_limit", "output_limit"):
            words = result["status"].replace("_", " ")
            click.echo(f"drybox: it was ended: {words}.", err=True)
        if result.get("restarted"):
            click.echo("drybox: what the code had kept is lost.", err=True)

    def write(self, text: str, fd: int) -> None:
        """Write a program's output."""
        data = self._streams.shown(fd, text.encode("utf-8", "replace"))
        try:
            while data:
                data = data[os.write(fd, data) :]
        except BrokenPipeError:
            raise ReaderGone from None

    def _show_display(self, display: dict[str, Any]) -> None:
        data: dict[str, str | bytes] = dict(display["data"])
        for mime in SUFFIXES.keys() & data.keys():
            if not mime.startswith(_TEXT):
                with suppress(Error, ValueError):
                    data[mime] = b64decode(data[mime], validate=True)
        if data.keys() & SUFFIXES.keys():
            try:
                saved = self._pictures.save(data)
            except OSError as error:
                click.echo(f"drybox: a picture could not be saved: {error.strerror}.", err=True)
            else:
                click.echo(f"drybox: picture: {saved or 'too many'}", err=True)
            if not display["is_main"]:
                return
        text = data.get("text/plain")
        if isinstance(text, str):
            self.write(f"{text}\n", 1)
