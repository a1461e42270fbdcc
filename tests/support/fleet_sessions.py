"""A session without a sandbox, for nodes of a fleet in a test's process."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

import anyio
from tests.support.fleet import SETTINGS, FakeCluster

from drybox import AsyncRayExecutor
from drybox.errors import SessionClosed, Unavailable
from drybox.fleet.sessions.node import NodeSessions
from drybox.job import OWNER
from drybox.model import Truncated, Usage
from drybox.sessions.programs.unread_output import KeptOutput, OutputRoom
from drybox.sessions.request import SessionRequest
from drybox.sessions.results import FileInfo, RunResult, Snapshot
from drybox.sessions.snapshots.content import CHUNK, Entry, id_of, written
from drybox.sessions.snapshots.place import Bounds
from drybox.sessions.snapshots.store import SnapshotStore


class FakeFiles:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def write(
        self, path: str, data: AsyncIterator[bytes], *, mode: int | None = None
    ) -> FileInfo:
        content = b"".join([piece async for piece in data])
        self.kept[path] = content
        return FileInfo(path, path, "file", len(content), mode or 0o644, 0.0)

    async def read_pieces(self, path: str) -> AsyncIterator[bytes]:
        for start in range(0, len(self.kept[path]), 1000):
            yield self.kept[path][start : start + 1000]


class FakeSession:
    """Code ``wait`` hangs until it is cancelled; any other is its own output."""

    version, environment, isolation, backend, weakened = "1", None, "fake", "fake", ()
    idle_timeout = 300.0

    def __init__(
        self, id: str, request: SessionRequest, store: SnapshotStore | None = None
    ) -> None:
        self.id = id
        self.store = store
        self.language = request.language
        self.metadata = dict(request.metadata or {})
        self.created_at = datetime.now(timezone.utc)
        self.state = "running"
        self.reason = "closed"
        self.files = FakeFiles()
        self.output = KeptOutput()
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

    def count_output(self, room: OutputRoom) -> None:
        self.output.room = room

    def forget_output(self) -> None:
        self.output.room = None

    async def snapshot(self) -> Snapshot:
        assert self.store is not None
        return keep(self.store, OWNER.get(), self.files.kept)

    async def take_cpu_time(self) -> float | None:
        return 0.0

    async def close(self) -> None:
        self.state = "closed"


def keep(store: SnapshotStore, owner: str, files: dict[str, bytes]) -> Snapshot:
    """Have a node keep these files, by their names in /sandbox."""
    draft = store._place.begin(owner)
    entries = [
        Entry(
            f"/sandbox/{name}".encode(),
            0o644,
            len(data),
            tuple(draft.add(data[at : at + CHUNK]) for at in range(0, len(data), CHUNK)),
        )
        for name, data in files.items()
    ]
    document = written(entries)
    size = sum(map(len, files.values()))
    snapshot = Snapshot(id_of(document), size, len(entries), time.time(), ("what was left",))
    draft.commit(snapshot, document)
    return snapshot


def no_snapshots() -> SnapshotStore:
    """Of nodes that nobody asks for one."""
    raise AssertionError("nobody asks for snapshots")


class SessionFleet:
    """Nodes whose sessions have no sandboxes.

    Args:
        names: Theirs.

    Attributes:
        cluster: They.
        sessions: Those that were opened.
        full: Nodes that open none.
        stores: What keeps the files of sessions on each node.
    """

    def __init__(self, *names: str) -> None:
        self.cluster = FakeCluster(dict.fromkeys(names, SETTINGS))
        self.sessions: dict[str, FakeSession] = {}
        self.full: set[str] = set()
        bounds = Bounds(count=8, each=16 << 20, all=32 << 20)
        self.stores = {name: SnapshotStore(None, bounds) for name in names}
        for name in names:
            self.cluster.replica(name).node._sessions = NodeSessions(
                self._opener(name), partial(self.stores.__getitem__, name)
            )

    def _opener(self, name: str) -> Callable[..., Any]:
        async def open_session(id: str, request: SessionRequest) -> FakeSession:
            if name in self.full:
                raise Unavailable("there are too many.", hint="")
            session = FakeSession(id, request, self.stores[name])
            if request.snapshot is not None:
                await self.stores[name].check(OWNER.get(), str(request.snapshot))
            self.sessions[id] = session
            return session

        return open_session

    @asynccontextmanager
    async def door(self, **given: Any) -> AsyncIterator[AsyncRayExecutor]:
        """A front door that has met all nodes."""
        async with AsyncRayExecutor(cluster=self.cluster, isolation="fake", **given) as door:
            with anyio.fail_after(20):
                while door.concurrency < 2 * len(self.cluster.settings):
                    await anyio.sleep(0.01)
            yield door
