"""What a backend makes once before programs of a language can run, while it makes it.

It may take a minute: whoever waits is told what for, and how far it is.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

from drybox.host.children import kill_with_children
from drybox.languages.base import Language
from drybox.model import PreparationProgress

TELL_DELAY = 5.0
"""Seconds between lines about one preparation."""

SHOW_DELAY = 0.1
"""Seconds between showing it in place."""


@runtime_checkable
class Display(Protocol):
    """What is told lines and also shows in place how far something is. Safe from any thread."""

    def __call__(self, line: str) -> None:
        """Say what begins."""

    def show(self, item: PreparationProgress) -> None:
        """Show how far something is, in place of what was shown."""

    def hide(self) -> None:
        """Show it no longer."""


@runtime_checkable
class PreparingBackend(Protocol):
    """A backend that says what it is preparing, and prepares before somebody asks."""

    @property
    def preparations(self) -> Preparations:
        """What is under way."""

    async def prepare(self, language: Language) -> None:
        """Make what programs of a language need, unless it is there.

        Raises:
            DryboxError: What ``open`` would raise for want of it.
        """


class Preparations:
    """What is under way. Safe from any thread.

    Args:
        progress: Told a line before something begins, and now and then how far it is; a
            :class:`Display` shows that in place.
    """

    def __init__(self, progress: Callable[[str], None]) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._under_way: list[UnderWay] = []
        self._is_stopped = False

    def list(self) -> list[PreparationProgress]:
        """What is under way and how far it is, the oldest first."""
        with self._lock:
            return [item.progress for item in self._under_way]

    @contextmanager
    def begin(self, language: str, label: str) -> Iterator[UnderWay]:
        """While something is prepared for a language."""
        item = UnderWay(PreparationProgress(language, label), self._progress)
        with self._lock:
            self._under_way.append(item)
            if self._is_stopped:
                item.stop()
        try:
            self._progress(label)
            yield item
        finally:
            with self._lock:
                self._under_way.remove(item)
            item.end()

    def stop(self) -> None:
        """End what is under way, and what begins from now on: nobody waits for it any more."""
        with self._lock:
            self._is_stopped = True
            for item in self._under_way:
                item.stop()


class UnderWay:
    """One of them.

    Attributes:
        progress: How far it is.
        is_stopped: Whether it was ended from outside.
    """

    def __init__(self, progress: PreparationProgress, tell: Callable[[str], None]) -> None:
        self.progress = progress
        self.is_stopped = False
        self._tell = tell
        self._display = tell if isinstance(tell, Display) else None
        self._next = time.monotonic() + (SHOW_DELAY if self._display else TELL_DELAY)
        self._process: subprocess.Popen[bytes] | None = None

    def advance(self, done: int, total: int) -> None:
        """So many of its parts are done."""
        language, label = self.progress.language, self.progress.label
        done = min(done, total)
        self.progress = PreparationProgress(language, label, done, total)
        if time.monotonic() < self._next:
            return
        if self._display is not None:
            self._display.show(self.progress)
            self._next = time.monotonic() + SHOW_DELAY
        else:
            self._tell(f"{label}: {done} of {total}")
            self._next = time.monotonic() + TELL_DELAY

    def end(self) -> None:
        """It is done, or has failed."""
        if self._display is not None:
            self._display.hide()

    def works_by(self, process: subprocess.Popen[bytes]) -> None:
        """Have a process killed once it is stopped."""
        self._process = process
        if self.is_stopped:
            self.stop()

    def stop(self) -> None:
        """End it."""
        self.is_stopped = True
        if self._process is not None:
            kill_with_children(self._process)
