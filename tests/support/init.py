"""The real init, unsealed, over a socket.

It ends a command with ``kill(-1)``, so it may only ever run as PID 1 of a PID namespace of
its own: bubblewrap makes one, and starts nothing if it cannot.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from anyio.abc import SocketStream

from drybox.backends.local.rootfs.layout import INIT
from drybox.guest.connection import Guest
from drybox.guest.frames import GuestExit
from drybox.job import WORK_DIR, Command, Source
from drybox.model import ResourceLimits, Stream


class Init:
    """A running init and the host's end of the talk with it."""

    def __init__(self, stream: SocketStream, process: subprocess.Popen[bytes]) -> None:
        self.stream = stream
        self.guest = Guest(stream)
        self._process = process

    @property
    def pid(self) -> int:
        """What started it, and all that it starts, comes of this process."""
        return self._process.pid

    async def ended(self) -> tuple[int, str]:
        """Its exit code and last words."""
        with anyio.fail_after(20.0):
            _, errors = await anyio.to_thread.run_sync(self._process.communicate)
        return self._process.returncode, errors.decode()

    async def run(
        self,
        script: str,
        *,
        stdin: Source | None = None,
        timeout: float = 20.0,
        env: Mapping[str, str] | None = None,
        open_files: int = 64,
    ) -> tuple[GuestExit, bytes, bytes]:
        """Run a shell script: how it ended, its stdout, its stderr."""
        output: dict[Stream, bytes] = {"stdout": b"", "stderr": b""}

        async def sink(stream: Stream, data: bytes) -> None:
            output[stream] += data

        limits = ResourceLimits(open_files=open_files)
        command = Command(("/bin/sh", "-c", script), limits, timeout)
        with anyio.fail_after(20.0):
            end = await self.guest.exec(command, env or {"PATH": "/usr/bin:/bin"}, sink, stdin)
        return end, output["stdout"], output["stderr"]


@asynccontextmanager
async def init_in(work: Path, command: list[str]) -> AsyncIterator[Init]:
    """An init whose working directory is this folder."""
    ours, theirs = socket.socketpair()
    with theirs:
        argv = [*command, "--bind", str(work), WORK_DIR, "--chdir", WORK_DIR, INIT]
        end = theirs.fileno()
        process = subprocess.Popen(argv, stdin=end, stdout=end, stderr=subprocess.PIPE)
    init = Init(await SocketStream.from_socket(ours), process)
    try:
        yield init
    finally:
        with anyio.CancelScope(shield=True):
            await init.stream.aclose()  # the end of its input is its end
            if process.returncode is None:
                await init.ended()
