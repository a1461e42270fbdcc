"""The executor whose programs run on a Ray cluster, for code that is not async."""

from __future__ import annotations

from typing import Any

from drybox.executor.sync_executor import SyncExecutor
from drybox.fleet.executor import AsyncRayExecutor


class RayExecutor(SyncExecutor):
    """Runs code in sandboxes on the nodes of a Ray cluster; see :class:`drybox.AsyncRayExecutor`.

    Use it in ``with``, or call :meth:`open` and :meth:`close`. Safe to share between threads.

    Args:
        address: ``auto``, ``HOST:PORT`` of a cluster, or ``local`` to start one on this machine.
        **settings: Fields of :class:`drybox.executor.settings.ExecutorSettings`.

    Raises:
        InvalidRequest: One of these is wrong.
        Unsupported: Ray is not installed.
    """

    def __init__(self, address: str = "auto", **settings: Any) -> None:
        self._fleet = AsyncRayExecutor(address, **settings)
        super().__init__(self._fleet)
