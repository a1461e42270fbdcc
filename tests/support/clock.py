"""An event loop in which waiting takes no time: deadlines are met exactly, at once."""

from __future__ import annotations

import asyncio
import selectors
from typing import Any


class _Jumping(selectors.DefaultSelector):
    """Moves its clock on by what it was told to wait."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise AssertionError("every task waits for another one: a deadlock")
        self.now += max(0.0, timeout)
        return super().select(0)


class InstantLoop(asyncio.SelectorEventLoop):
    """For code that waits for nothing outside its process."""

    def __init__(self) -> None:
        self._clock = _Jumping()
        super().__init__(self._clock)

    def time(self) -> float:
        """Seconds on the loop's own clock, which begins at 0."""
        return self._clock.now


INSTANT: tuple[str, dict[str, Any]] = ("asyncio", {"loop_factory": InstantLoop})
"""Value of the fixture ``anyio_backend`` for tests on this clock."""
