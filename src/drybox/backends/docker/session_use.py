"""What a session's container has used, told by its init, also once it is gone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import anyio

from drybox.backends.base import SandboxUse
from drybox.guest.frames import GuestGone
from drybox.guest.programs import Programs


class SessionUse:
    """Asks init, which sees the container's own cgroup; a daemon may be far away, and slow.

    Args:
        programs: The session's programs.
        ran_out: Says of a container that is gone whether it ended for want of memory.
    """

    def __init__(self, programs: Programs, ran_out: Callable[[], Awaitable[bool]]) -> None:
        self._programs = programs
        self._ran_out = ran_out
        self._last = SandboxUse(None, None, 0)
        self._is_gone = False
        self._lock = anyio.Lock()

    async def ask(self) -> SandboxUse:
        """What it has used so far; of one that is gone what was known last, and why it ended."""
        try:
            use = await self._programs.use()
        except GuestGone:
            async with self._lock:
                if not self._is_gone:
                    programs = self._programs
                    is_closed = programs.gone.is_set() and not programs.is_lost
                    if not is_closed and await self._ran_out():
                        self._programs.problem = "its memory ran out"
                        self._last = replace(self._last, oom_kills=self._last.oom_kills + 1)
                    self._is_gone = True
        else:
            self._last = SandboxUse(use.cpu_time, use.memory_peak, use.oom_kills)
        return self._last
