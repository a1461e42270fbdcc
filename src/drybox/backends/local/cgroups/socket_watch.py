"""Ends programs whose socket buffers and other memory exceed their limit together.

Version 1 of cgroups counts the two apart. The kernel refuses a buffer beyond a share of the limit
(``Cgroup.apply``), but TCP gives every connection one or two nevertheless, so that it never stalls:
some 64 KiB each. Version 2 counts all in one, and nobody needs to watch.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass

import anyio

from drybox.backends.local.cgroups.cgroup import SOCKET_SHARE, Cgroup

STEP = 0.02
"""Seconds between looks."""

CLOSE_STEP = 0.004
"""The same while a program is close: what it can take beyond its limit, it takes in that time."""


@dataclass(slots=True)
class _Watched:
    limit: int
    kill: Callable[[], Coroutine[None, None, None]]
    is_over: bool = False


class SocketWatch:
    """Looks at every running program."""

    def __init__(self) -> None:
        self._running: dict[Cgroup, _Watched] = {}
        self._more = anyio.Event()

    def begin(
        self, cgroup: Cgroup, limit: int, kill: Callable[[], Coroutine[None, None, None]]
    ) -> None:
        """A program begins.

        Args:
            cgroup: Where.
            limit: Bytes that it may have of all memory.
            kill: Ends it.
        """
        if cgroup.counts_sockets_apart:
            self._running[cgroup] = _Watched(limit, kill)
            self._more.set()

    def end(self, cgroup: Cgroup) -> bool:
        """No program runs there any more; whether it was ended for its memory."""
        watched = self._running.pop(cgroup, None)
        return watched is not None and watched.is_over

    async def watch(self) -> None:
        """Look; runs until it is cancelled."""
        async with anyio.create_task_group() as kills:
            while True:
                step = STEP
                while self._running:
                    await anyio.sleep(step)
                    step = STEP
                    for cgroup, watched in self._running.items():
                        sockets = cgroup.socket_memory()
                        if sockets > watched.limit // SOCKET_SHARE // 2:
                            step = CLOSE_STEP
                        if sockets and not watched.is_over and _is_over(cgroup, sockets, watched):
                            watched.is_over = True
                            kills.start_soon(watched.kill)
                self._more = anyio.Event()
                await self._more.wait()


def _is_over(cgroup: Cgroup, sockets: int, watched: _Watched) -> bool:
    room = watched.limit - sockets
    return cgroup.memory_used() > room and cgroup.memory_kept() > room
