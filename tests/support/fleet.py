"""A fleet in this process: nodes without Ray, which a test can lose."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

import anyio

from drybox import AsyncRayExecutor, __version__
from drybox.executor.settings import ExecutorSettings
from drybox.fleet.cluster import NodeInfo, ReplicaGone
from drybox.fleet.keys.ledger import Ledger
from drybox.fleet.link.back import Links
from drybox.fleet.messages import unpack
from drybox.fleet.node import Node
from drybox.fleet.scaling.scaler import Scaler

SETTINGS = ExecutorSettings(isolation="fake", concurrency=2, pool=None)
"""Of a node's executor: two slots, nothing that waits, the fake backend."""

HAS_LINKS = False
"""Whether front doors call their own node over a socket, where nobody says."""


class FakeReplica:
    """The replica of one node.

    Args:
        node: What it does.
        has_links: A front door on its machine may call it over a socket.

    Attributes:
        node: What it does.
        calls: Methods that were called, in either way.
        linked: Those of them that came over a socket.
        is_deaf: It answers nothing any more.
    """

    def __init__(self, node: Node, *, has_links: bool = False) -> None:
        self.node = node
        self.calls: list[str] = []
        self.linked: list[str] = []
        self.is_deaf = False
        self.links = Links(cast("Node", _Linked(self))) if has_links else None
        self._died = asyncio.Event()

    def die(self) -> None:
        """As a process that is killed."""
        self._died.set()
        self.cut()

    def cut(self) -> None:
        """End its sockets."""
        for link in list(self.links._links) if self.links else ():
            link.frames.close()

    async def call(self, method: str, *arguments: str | bytes) -> bytes:
        self.calls.append(method)
        if method == "exchange":
            assert isinstance(arguments[1], bytes)
            self.calls += ["execute"] * len(unpack(arguments[1]))
        if self._died.is_set():
            raise ReplicaGone("its replica has died", is_certain=True)
        answer = asyncio.ensure_future(self._answer(method, *arguments))
        died = asyncio.ensure_future(self._died.wait())
        try:
            await asyncio.wait({answer, died}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise ReplicaGone("its replica has died", is_certain=True)
            return answer.result()
        finally:
            died.cancel()

    async def _answer(self, method: str, *arguments: str | bytes) -> bytes:
        if self.is_deaf:
            await asyncio.Event().wait()
        if method == "report":
            await self.node.tick()  # as a replica's own loop does all the time
            return self.node.report(str(arguments[0]))
        if method == "link":
            is_linked = self.links is not None and await self.links.connect(*map(str, arguments))
            return b"1" if is_linked else b""
        if method == "fetch":
            assert self.links is not None
            return self.links.fetch(str(arguments[0]))
        if method == "leave":
            if await self.node.leave(str(arguments[0])):
                await self.node.close("it was closed")
            return b""
        found = await getattr(self.node, method)(*arguments)
        return found if isinstance(found, bytes) else b""


class _Linked:
    """Calls that come over a socket end up where others do."""

    def __init__(self, replica: FakeReplica) -> None:
        self._replica = replica

    async def leave(self, door: str) -> bool:
        return await self._replica.node.leave(door)

    def __getattr__(self, method: str) -> Callable[..., Awaitable[bytes]]:
        self._replica.linked.append(method)
        return partial(self._replica.call, method)


class FakeLedger:
    """The ledger of keys.

    Attributes:
        ledger: It.
        has_died: It answers nothing any more.
    """

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.has_died = False

    async def call(self, method: str, *arguments: str | bytes) -> bytes:
        if self.has_died:
            raise ReplicaGone("it has died", is_certain=True)
        (message,) = arguments
        assert method == "exchange"
        assert isinstance(message, bytes)
        return self.ledger.exchange(message)


class FakeScaler:
    """Decides how many nodes there are.

    Attributes:
        scaler: It.
        asked: Numbers of nodes that it has asked for.
    """

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.scaler = Scaler(self.asked.append)

    async def call(self, method: str, *arguments: str | bytes) -> bytes:
        (message,) = arguments
        assert method == "exchange"
        assert isinstance(message, bytes)
        return self.scaler.exchange(message)


class FakeCluster:
    """Nodes by name.

    Args:
        nodes: Each one's settings.
        version: Of drybox, on the nodes.
        has_links: This front door calls its own node over a socket.

    Attributes:
        replicas: Those that were asked for.
        counts: The ledger of keys, once somebody has asked for it.
        draining: Nodes that are about to be removed.
        scales: What decides how many nodes there are.
    """

    name = "fake"

    def __init__(
        self,
        nodes: dict[str, ExecutorSettings],
        version: str = __version__,
        *,
        has_links: bool | None = None,
    ) -> None:
        self.settings = nodes
        self.has_links = HAS_LINKS if has_links is None else has_links
        self.version = version
        self.draining: set[str] = set()
        self.replicas: dict[str, FakeReplica] = {}
        self.is_connected = False
        self.counts: FakeLedger | None = None
        self.scales = FakeScaler()

    def connect(self) -> None:
        self.is_connected = True

    def nodes(self) -> list[NodeInfo]:
        return [NodeInfo(name, name, name in self.draining) for name in self.settings]

    def own_node(self) -> str:
        return next(iter(self.settings), "")

    def replica(self, node: str) -> FakeReplica:
        if node not in self.replicas:
            made = FakeReplica(Node(self.settings[node], self.version), has_links=self.has_links)
            self.replicas[node] = made
        return self.replicas[node]

    def ledger(self) -> FakeLedger:
        if self.counts is None or self.counts.has_died:
            self.counts = FakeLedger()
        return self.counts

    def scaler(self) -> FakeScaler:
        return self.scales

    def disconnect(self) -> None:
        self.is_connected = False


@asynccontextmanager
async def fleet(*names: str, **given: Any) -> AsyncIterator[tuple[AsyncRayExecutor, FakeCluster]]:
    """An executor whose nodes are all there, and its cluster."""
    cluster = FakeCluster(dict.fromkeys(names, SETTINGS))
    async with AsyncRayExecutor(cluster=cluster, isolation="fake", **given) as executor:
        with anyio.fail_after(20):
            while executor.concurrency < 2 * len(names):
                await anyio.sleep(0.01)
        yield executor, cluster
