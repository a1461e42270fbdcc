"""Nodes of the same version whose drybox is another one all the same."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import anyio
import pytest
from tests.support.fleet import SETTINGS, FakeCluster, FakeReplica, fleet

from drybox import AsyncRayExecutor, Unavailable, __version__
from drybox.fleet import inventory
from drybox.fleet.cluster import FoundReplica, NodeInfo, RayCluster, ReplicaGone, _RayHandle
from drybox.fleet.messages import pack, unpack
from drybox.fleet.node import Node
from drybox.fleet.status import _status
from drybox.testing.fake_backend import FakeSandbox, Install, Script

pytestmark = pytest.mark.anyio


class Stranger(FakeReplica):
    """Tells of something that nobody here knows."""

    async def call(self, method: str, *arguments: str | bytes) -> bytes:
        answer = await super().call(method, *arguments)
        return pack({**unpack(answer), "mood": "good"}) if method == "report" else answer


async def test_it_is_not_used_and_the_others_are(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory, "FIRST_NODE_TIMEOUT", 0.5)
    install(FakeSandbox([Script([("stdout", b"hello\n")])]))
    cluster = FakeCluster({"a": SETTINGS})
    cluster.replicas["a"] = Stranger(Node(SETTINGS, __version__))
    with pytest.raises(Unavailable, match=f"another {__version__}"):
        async with AsyncRayExecutor(cluster=cluster, isolation="fake"):
            pass
    async with fleet("a", "b") as (executor, both):
        both.replicas["a"].__class__ = Stranger  # as one that is begun anew by another drybox
        with anyio.fail_after(20):
            while executor.lost == 0:
                await anyio.sleep(0.01)
        assert (await executor.execute("python", "x")).stdout == "hello\n"


async def test_the_status_says_that_it_is_refused() -> None:
    class Told:
        async def call(self, method: str, *arguments: str | bytes) -> bytes:
            return pack({"version": __version__, "mood": "good"})

    found = await _status(
        cast(
            "RayCluster",
            SimpleNamespace(
                replicas=lambda: [FoundReplica("n", __version__, Told())],
                nodes=lambda: [NodeInfo("n", "node")],
            ),
        )
    )
    assert [(item.state, item.version) for item in found] == [("refused", __version__)]


async def test_a_replica_that_knows_no_such_call_does_not_answer() -> None:
    class Method:
        def remote(self, *_: Any) -> None:
            raise TypeError("too many positional arguments")

    for actor in (SimpleNamespace(report=Method()), SimpleNamespace()):
        with pytest.raises(ReplicaGone, match="another one"):
            await _RayHandle(actor).call("report", "")
