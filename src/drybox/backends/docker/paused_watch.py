"""A process that outlives drybox, while a container is paused, to end what drybox leaves behind.

A container ends with its streams, and those with drybox, whatever ends it; but one that stands
still does not see that its streams have ended. So whoever pauses one says so here first.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress

import anyio
import anyio.to_thread

from drybox.backends.docker.daemon import Daemon
from drybox.errors import DryboxError

_PROGRAM = """
import json, sys, time
paused = set()
for line in sys.stdin:
    (paused.add if line[0] == "+" else paused.discard)(line[1:].strip())
if not paused:
    sys.exit()
sys.path[:] = json.loads(sys.argv[1])
for _ in range(150):
    try:
        from drybox.backends.docker.daemon import Daemon
        daemon = Daemon(sys.argv[2] or None)
        while paused:
            daemon.remove(min(paused))
            paused.remove(min(paused))
        break
    except Exception:
        time.sleep(2)
"""
"""It hears of the containers until drybox is no more, then removes those that are still paused. A
daemon that does not answer is asked again for some minutes: it may be starting."""

END_TIMEOUT = 10.0
"""Seconds until the process must have ended that nobody needs any more."""


class PausedWatch:
    """Knows which containers are paused; the process is started with the first one.

    Args:
        host: The daemon's address; None for the one that the environment says.
    """

    def __init__(self, host: str | None) -> None:
        self._host = host
        self._paused: set[str] = set()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = anyio.Lock()

    async def pause(self, daemon: Daemon, container: str) -> None:
        """Have everything in a container stand still.

        Raises:
            SandboxLost: It has ended.
            Unavailable: The daemon cannot.
        """
        await self.add(container)
        try:
            await anyio.to_thread.run_sync(daemon.pause, container)
        except DryboxError:
            self.discard(container)
            raise

    async def resume(self, daemon: Daemon, container: str) -> None:
        """Let it go on; one that does, or is gone, is no error.

        Raises:
            Unavailable: The daemon cannot.
        """
        await anyio.to_thread.run_sync(daemon.unpause, container)
        self.discard(container)

    async def add(self, container: str) -> None:
        """Before a container is paused."""
        async with self._lock:
            if self._process is None or self._process.poll() is not None:
                await self.close()
                self._process = await anyio.to_thread.run_sync(self._start)
                for known in self._paused:
                    self._tell("+", known)
        self._paused.add(container)
        self._tell("+", container)

    def discard(self, container: str) -> None:
        """After it goes on, or is gone."""
        if container in self._paused:
            self._paused.discard(container)
            self._tell("-", container)

    async def close(self) -> None:
        """End the process; none is paused any more."""
        process, self._process = self._process, None
        if process is not None:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(_end, process)

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _PROGRAM, json.dumps(sys.path), self._host or ""],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C of the terminal's is not for it
        )

    def _tell(self, what: str, container: str) -> None:
        process = self._process
        if process is None:  # another is being started, and will be told of all
            return
        assert process.stdin is not None
        with suppress(OSError):  # somebody has ended it; whoever pauses next starts another
            process.stdin.write(f"{what}{container}\n".encode())


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(END_TIMEOUT)
    except subprocess.TimeoutExpired:  # a container could not be removed, which it tries again
        process.kill()
        process.wait()
