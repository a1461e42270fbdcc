"""Kills a program from outside of its execution, which still returns a result."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import anyio

from drybox.job import Exit

RETRY_DELAY = 0.05
"""Seconds until the next kill: one that comes before the command has begun ends nothing."""

KILLED = Exit(None, 9, 0.0)
"""How a command ends that was killed before it began."""


class Killable(Protocol):
    """A sandbox, or what stands for one."""

    async def kill(self) -> None:
        """End every process of the command that runs now."""


class KillSwitch:
    """Between whoever follows an execution and the command that it runs at the time."""

    def __init__(self) -> None:
        self.is_thrown = False
        self._sandbox: Killable | None = None
        self._ended: anyio.Event | None = None

    @contextmanager
    def over(self, sandbox: Killable) -> Iterator[None]:
        """A command runs in this sandbox, from now to the end of the context."""
        self._sandbox = sandbox
        try:
            yield
        finally:
            self._sandbox = None
            if self._ended is not None:
                self._ended.set()
                self._ended = None

    async def throw(self) -> None:
        """End the command that runs, and return when it has ended; let none begin after it."""
        self.is_thrown = True
        while self._sandbox is not None:
            ended = self._ended = self._ended or anyio.Event()
            await self._sandbox.kill()
            with anyio.move_on_after(RETRY_DELAY):
                await ended.wait()
