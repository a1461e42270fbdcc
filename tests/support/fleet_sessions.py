"""A session without a sandbox, for nodes of a fleet in a test's process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from typing import Any

import anyio

from drybox.errors import SessionClosed
from drybox.model import Truncated, Usage
from drybox.sessions.request import SessionRequest
from drybox.sessions.results import FileInfo, RunResult


class FakeFiles:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def write(self, path: str, data: AsyncIterator[bytes]) -> FileInfo:
        content = b"".join([piece async for piece in data])
        self.kept[path] = content
        return FileInfo(path, path, "file", len(content), 0o644, 0.0)

    async def read_pieces(self, path: str) -> AsyncIterator[bytes]:
        for start in range(0, len(self.kept[path]), 1000):
            yield self.kept[path][start : start + 1000]


class FakeSession:
    """Code ``wait`` hangs until it is cancelled; any other is its own output."""

    version, environment, isolation, backend, weakened = "1", None, "fake", "fake", ()
    idle_timeout = 300.0

    def __init__(self, id: str, request: SessionRequest) -> None:
        self.id = id
        self.language = request.language
        self.metadata = dict(request.metadata or {})
        self.created_at = datetime.now(timezone.utc)
        self.state = "running"
        self.reason = "closed"
        self.files = FakeFiles()
        self.began = anyio.Event()
        self.interrupted = False

    @property
    def expires_at(self) -> datetime:
        return datetime.now(timezone.utc) + timedelta(seconds=300)

    async def run(self, code: str, **_: Any) -> RunResult:
        if self.state == "closed":
            raise SessionClosed(self.reason, "the session is closed.", hint="")
        if code == "wait":
            self.began.set()
            try:
                await anyio.sleep_forever()
            finally:
                self.interrupted = True
        usage, truncated = Usage(0.0, 0), Truncated(stdout=False, stderr=False)
        return RunResult("success", code.encode(), b"", [], None, 1, 0.0, usage, truncated)

    async def take_cpu_time(self) -> float | None:
        return 0.0

    async def close(self) -> None:
        self.state = "closed"
