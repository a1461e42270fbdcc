"""How long a session lives, and whether it stands still."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import copy_context
from dataclasses import dataclass
from typing import TypeVar

import anyio

from drybox.errors import DryboxError, InvalidRequest, SessionClosed
from drybox.sessions.base import SessionState
from drybox.sessions.programs.inside import Inside

T = TypeVar("T")

MOST_METADATA = 16 * 1024
"""Characters of an owner's own words."""


@dataclass(slots=True)
class Terms:
    """How long it lives, in seconds, and its owner's words."""

    idle_timeout: float
    max_lifetime: float
    timeout: float
    metadata: Mapping[str, str]


class SessionLife:
    """The time of one session.

    Args:
        id: Its name.
        inside: Its sandbox.
        terms: How long it lives.
    """

    def __init__(self, id: str, inside: Inside, terms: Terms) -> None:
        self._id = id
        self._inside = inside
        self._terms = terms
        self._used_at = anyio.current_time()
        self._ends_at = self._used_at + terms.max_lifetime
        self._active = 0
        self._paused = False
        self._pausing = anyio.Lock()
        self._changed = anyio.Event()
        self._reason = ""
        self._context = copy_context()
        self._opened_at = self._used_at
        self._cpu_told = 0.0
        self._cpu_in_all: float | None = None
        self.ended = anyio.Event()
        inside.why_closed = self._why_closed

    def _closes_at(self) -> float:
        idle_at = math.inf if self._active else self._used_at + self._terms.idle_timeout
        return min(self._ends_at, idle_at)

    async def live(self) -> None:
        """Wait for its end: it is closed, idle for too long or too old, or its sandbox is gone."""
        async with anyio.create_task_group() as tasks:

            async def watch() -> None:
                await self._inside.programs.gone.wait()
                self._changed.set()

            tasks.start_soon(watch)
            while not self._reason and not self._inside.programs.gone.is_set():
                now = anyio.current_time()
                if now >= self._ends_at:
                    self._reason = "lifetime"
                elif now >= self._closes_at():
                    self._reason = "idle"
                else:
                    self._changed = anyio.Event()
                    with anyio.move_on_after(self._closes_at() - now):
                        await self._changed.wait()
            tasks.cancel_scope.cancel()

    def end(self, reason: str) -> None:
        """Have it end."""
        if not self._reason:
            self._reason, self._context = reason, copy_context()
        self._changed.set()

    def in_context_of_end(self, call: Callable[[], T]) -> T:
        """Call something as whoever has closed it, or has opened it if nobody has."""
        return self._context.copy().run(call)

    @property
    def reason(self) -> str:
        """Why it has ended: ``closed``, ``idle`` or ``lifetime``; ``lost`` with its sandbox."""
        return self._reason or "lost"

    @property
    def age(self) -> float:
        """Seconds since it was opened."""
        return anyio.current_time() - self._opened_at

    def _why_closed(self) -> DryboxError | None:
        words = {
            "closed": ("it has been closed", "Open another one."),
            "idle": (
                f"nothing was asked of it for {self._terms.idle_timeout:g} s",
                "Open another one, with a larger idle_timeout.",
            ),
            "lifetime": (
                "it was past its lifetime",
                "Open another one, with a larger max_lifetime, or extend it in time.",
            ),
        }.get(self._reason)
        if words is None:
            return None
        return SessionClosed(
            self._reason, f"the session {self._id} is closed: {words[0]}.", hint=words[1]
        )

    def changed(self) -> None:
        """When it closes may be another time now."""
        self._changed.set()

    def seconds_left(self) -> float:
        """Until it is closed unless something is asked of it."""
        return max(0.0, self._closes_at() - anyio.current_time())

    @property
    def state(self) -> SessionState:
        """``running``, ``paused`` or ``closed``."""
        if self._reason or self.ended.is_set():
            return "closed"
        return "paused" if self._paused else "running"

    def touch(self) -> None:
        """Its owner asks something of it."""
        self._used_at = anyio.current_time()

    async def enter(self) -> None:
        """Before anything is done: it is open, and goes on if it is paused.

        Raises:
            SessionClosed: It is not.
        """
        closed = self._why_closed()
        if closed is not None:
            raise closed
        self.touch()
        if self._paused or self._pausing.locked():
            await self.resume()

    @asynccontextmanager
    async def activity(self) -> AsyncIterator[None]:
        """While something is under way it is neither idle nor paused."""
        await self.enter()
        self._active += 1  # nothing is awaited before: no pause comes between
        try:
            yield
        finally:
            self._active -= 1
            self.touch()
            self._changed.set()

    async def extend(self, seconds: float) -> None:
        """Let it live for so many seconds from now on, or for as long as it would have."""
        await self.enter()
        self._ends_at = max(self._ends_at, anyio.current_time() + seconds)
        self.changed()

    def expire_in(self, seconds: float) -> None:
        """Its lifetime ends in so many seconds, later or sooner than it would have."""
        self._ends_at = anyio.current_time() + seconds
        self.changed()

    async def pause(self) -> None:
        """Stop everything in it until :meth:`resume`.

        Raises:
            InvalidRequest: Something is under way for its owner. It would have no end while the
                sandbox stands still, and keep what it has of the host's for as long.
        """
        closed = self._why_closed()
        if closed is not None:
            raise closed
        async with self._pausing:
            if self._active:
                raise InvalidRequest(
                    "session",
                    "code, a command or a file of it is under way",
                    hint="Wait for its end or interrupt it, then pause the session. What runs in"
                    " the background stands still with it.",
                )
            if not self._paused:
                await self._inside.sandbox.pause()
                self._paused = True
        self.touch()

    async def resume(self) -> None:
        """Go on."""
        closed = self._why_closed()
        if closed is not None:
            raise closed
        async with self._pausing:
            if self._paused:
                await self._inside.sandbox.resume()
                self._paused = False
        self.touch()

    async def take_cpu_time(self) -> float | None:
        """CPU seconds of all that ran in it since this was last asked; None if nobody counts."""
        total = self._cpu_in_all
        if not self.ended.is_set():
            total = (await self._inside.sandbox.used()).cpu_time
        if total is None:
            return None
        due = max(0.0, total - self._cpu_told)
        self._cpu_told += due
        return due

    def end_use(self, cpu_time: float | None) -> None:
        """Its sandbox is gone, and has used so many CPU seconds; None where nobody counted."""
        self._cpu_in_all = cpu_time


def check_metadata(words: Mapping[str, str] | None) -> dict[str, str]:
    """An owner's own words.

    Raises:
        InvalidRequest: They are no words, or too many.
    """
    if words is None:
        return {}
    if not isinstance(words, Mapping) or not all(
        isinstance(name, str) and isinstance(value, str) for name, value in words.items()
    ):
        raise InvalidRequest("metadata", "it is no mapping of text", hint="Pass {'name': 'text'}.")
    if sum(len(name) + len(value) for name, value in words.items()) > MOST_METADATA:
        raise InvalidRequest(
            "metadata", "it is too long", hint=f"Pass at most {MOST_METADATA:,} characters."
        )
    return dict(words)
