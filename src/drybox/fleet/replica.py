"""What Ray runs on a machine of the fleet: a node, and the watch over what it depends on.

Ray makes an actor of it; see :mod:`drybox.fleet.cluster`. All that goes in and out is bytes and
short words.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
import time

from drybox import __version__
from drybox.executor.settings import ExecutorSettings
from drybox.fleet.actors.ending import end_actor
from drybox.fleet.link.back import Links
from drybox.fleet.node import Node

TICK = 0.25
"""Seconds between two looks at what a replica depends on."""

LAST_WORDS = 2.0
"""Seconds for callers to be told and for sandboxes to be given up, before the process ends."""

_log = logging.getLogger("drybox.fleet")


class Replica:
    """One machine's part of a fleet.

    A raylet that is killed leaves its workers alive for a quarter of a minute. Nobody would
    know of them, so a replica ends with its raylet: its parent process.

    Args:
        settings: Its executor's.
    """

    def __init__(self, settings: ExecutorSettings) -> None:
        self._raylet = os.getppid()
        self._node = Node(settings, __version__)
        self._links = Links(self._node)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = threading.Event()
        threading.Thread(target=self._watch, name="drybox-replica", daemon=True).start()

    async def report(self, door: str) -> bytes:
        """The front door is there; what there is to know of the node."""
        return self._node.report(door)

    async def open(self) -> bytes:
        """Get ready."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._ticking = self._loop.create_task(self._tick())
        await self._node.open()
        return b""

    async def link(self, door: str, name: str) -> bytes:
        """Have a front door on this machine call over a socket; b"1" if it can."""
        return b"1" if await self._links.connect(door, name) else b""

    async def fetch(self, name: str) -> bytes:
        """See :meth:`Links.fetch`."""
        return self._links.fetch(name)

    async def exchange(self, door: str, data: bytes) -> bytes:
        """See :meth:`Node.exchange`."""
        return await self._node.exchange(door, data)

    async def start(self, door: str, id: str, data: bytes) -> bytes:
        """See :meth:`Node.start`."""
        return await self._node.start(door, id, data)

    async def events(self, id: str) -> bytes:
        """See :meth:`Node.events`."""
        return await self._node.events(id)

    async def give(self, id: str, data: bytes) -> bytes:
        """See :meth:`Node.give`."""
        return await self._node.give(id, data)

    async def kill(self, id: str) -> bytes:
        """See :meth:`Node.kill`."""
        return await self._node.kill(id)

    async def cancel(self, id: str) -> bytes:
        """See :meth:`Node.cancel`."""
        return await self._node.cancel(id)

    async def want(self, door: str, owner: str) -> bytes:
        """See :meth:`Node.want`."""
        return await self._node.want(door, owner)

    async def give_back(self, door: str) -> bytes:
        """See :meth:`Node.give_back`."""
        return await self._node.give_back(door)

    async def session(self, door: str, name: str, data: bytes) -> bytes:
        """See :meth:`Node.session`."""
        return await self._node.session(door, name, data)

    async def cancel_session(self, name: str) -> bytes:
        """See :meth:`Node.cancel_session`."""
        return await self._node.cancel_session(name)

    async def ask(self, what: str, argument: str = "") -> bytes:
        """See :meth:`Node.ask`."""
        return await self._node.ask(what, argument)

    async def leave(self, door: str) -> bytes:
        """A front door says goodbye; after the last one this ends."""
        if await self._node.leave(door):
            await self._node.close("it was closed")
            self._exit_soon()
        return b""

    async def _tick(self) -> None:
        while True:
            await self._node.tick()
            await asyncio.sleep(TICK)

    def _watch(self) -> None:
        """In a thread of its own, which nothing that the event loop does holds up."""
        while not self._ended.wait(TICK):
            if os.getppid() != self._raylet:
                self._say_last_words("its raylet has died")
                os._exit(0)  # there is nobody who could be asked to end it
            elif self._node.is_abandoned():
                self._say_last_words("no front door has been there for long")
                end_actor()

    def _say_last_words(self, reason: str) -> None:
        _log.warning("This replica ends: %s.", reason)
        if self._loop is not None:
            closing = asyncio.run_coroutine_threadsafe(self._node.close(reason), self._loop)
            with contextlib.suppress(Exception):
                closing.result(LAST_WORDS)
        time.sleep(TICK)  # for the answers to leave

    def _exit_soon(self) -> None:
        """End the process once the answer has left it."""
        self._ended.set()
        threading.Timer(TICK, end_actor).start()
