"""What is being prepared, on stderr: one bar on a terminal, lines elsewhere."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from drybox.model import PreparationProgress

BAR = 20  # characters


def is_on_terminal() -> bool:
    """Whether stderr is a terminal. Python has None for a stderr that is closed."""
    return sys.stderr is not None and sys.stderr.isatty()


def progress() -> Callable[[str], None]:
    """What an executor tells how far it is."""
    return TerminalProgress() if is_on_terminal() else tell


def tell(line: str) -> None:
    """Say what is being prepared, on stderr."""
    click.echo(f"drybox: {line} ...", err=True)


class TerminalProgress:
    """Shows how far something is in one line of a terminal, which is written again and again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # several things may be under way
        self._is_shown = False

    def __call__(self, line: str) -> None:
        """Say what begins, in a line that stays."""
        with self._lock:
            self._clear()
            tell(line)

    def show(self, item: PreparationProgress) -> None:
        """Write the line again."""
        with self._lock:
            self._write(bar(f"drybox: {item.label}", item.done or 0, item.total or 0))

    def hide(self) -> None:
        """Take the line away."""
        with self._lock:
            self._clear()

    def _clear(self) -> None:
        if self._is_shown:
            self._write("")
        self._is_shown = False

    def _write(self, text: str) -> None:
        try:
            width = os.get_terminal_size(sys.stderr.fileno()).columns or 80
        except (OSError, ValueError):
            width = 80
        # A line that goes on in the next one could not be written again.
        click.echo(f"\r\x1b[K{text[: width - 1]}", err=True, nl=False)
        self._is_shown = True


def bar(label: str, done: int, total: int) -> str:
    """How far something is; "..." if ``total`` is 0, which is not known."""
    if not total:
        return f"{label} ..."
    return f"{label} [{'#' * (BAR * done // total):{BAR}}] {done}/{total}"
