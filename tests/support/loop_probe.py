"""``drybox`` with a probe in its server's event loop: ``python -m tests.support.loop_probe serve``.

Every pass of the loop is measured by the CPU time of its thread: what the machine does meanwhile
for others does not count. The longest one so far stands in the file that ``LOOP_PROBE`` names.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from pathlib import Path

from tests.support.wire import VARIABLE

import drybox.server.process as server
from drybox.cli import main


class _Probed(server._Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._probe = asyncio.create_task(_probe(Path(os.environ[VARIABLE])))


async def _probe(path: Path) -> None:
    longest, before = 0.0, time.thread_time()
    while True:
        await asyncio.sleep(0.001)
        now = time.thread_time()
        if not path.exists():  # whoever looks begins anew
            longest = 0.0
        if now - before > longest:
            longest = now - before
            new = path.with_suffix(".new")
            new.write_text(str(longest))
            new.replace(path)
        before = time.thread_time()


if __name__ == "__main__":
    server._Server = _Probed  # type: ignore[misc]
    main()
