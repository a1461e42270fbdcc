"""Snapshots over nodes in this process: where they are, whose, and how they get elsewhere."""

from __future__ import annotations

import pytest
from tests.support.fleet_sessions import SessionFleet, keep

from drybox import AsyncRayExecutor, SnapshotError, Unavailable
from drybox.job import OWNER
from drybox.sessions.results import Snapshot
from drybox.sessions.snapshots.content import CHUNK
from drybox.testing.fake_backend import Install

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.usefixtures("way"),
    pytest.mark.promise("FLEET-6"),
]

FILES = {
    "a": b"one",
    "b": bytes(range(256)) * (3 * CHUNK // 256) + b"end",
    "empty": b"",
    "c": b"one",
}


@pytest.fixture
def nodes(install: Install) -> SessionFleet:
    install()
    return SessionFleet("a", "b")


async def taken(nodes: SessionFleet, door: AsyncRayExecutor) -> tuple[str, str, Snapshot]:
    """The node of a session, the other one, and a snapshot of it."""
    session = await door.open_session("python")
    for name, data in FILES.items():
        await session.files.write(name, data)
    here = session.id[-1]
    return here, "b" if here == "a" else "a", await session.snapshot()


async def test_a_session_on_any_node_begins_with_one(nodes: SessionFleet) -> None:
    async with nodes.door() as door:
        here, other, snapshot = await taken(nodes, door)
        assert snapshot.left_out == ("what was left",)
        assert await door.snapshots() == [snapshot]
        assert await nodes.stores[other].list() == []
        nodes.full = {here}
        assert (await door.open_session("python", snapshot=snapshot)).id[-1] == other
        assert await nodes.stores[other].list() == [snapshot]
        places = [nodes.stores[name]._place for name in (here, other)]
        kept = [place.find("", snapshot.id) for place in places]
        assert kept[0] == kept[1]
        assert kept[0] is not None
        for entry in kept[0].entries:
            for digest in entry.chunks or ():
                assert places[0].chunk("", digest) == places[1].chunk("", digest)
        # It is there now.
        assert await door.snapshots() == [snapshot]
        calls = nodes.cluster.replicas[here].calls.count("session")
        assert (await door.open_session("python", snapshot=snapshot.id)).id[-1] == other
        assert nodes.cluster.replicas[here].calls.count("session") - calls <= 3


async def test_one_that_is_removed_is_on_no_node(nodes: SessionFleet) -> None:
    async with nodes.door() as door:
        here, _, snapshot = await taken(nodes, door)
        nodes.full = {here}
        await door.open_session("python", snapshot=snapshot)
        await door.remove_snapshot(snapshot)
        assert await door.snapshots() == []
        assert [await store.list() for store in nodes.stores.values()] == [[], []]
        for act in (
            lambda: door.remove_snapshot(snapshot.id),
            lambda: door.open_session("python", snapshot=snapshot),
        ):
            with pytest.raises(SnapshotError) as caught:
                await act()
            assert caught.value.reason == "not_found"
            assert snapshot.id[:20] in caught.value.message


async def test_another_owners_is_not_there(nodes: SessionFleet) -> None:
    async with nodes.door() as door:
        keep(nodes.stores["b"], "one", {"x": b"1"})
        snapshot = keep(nodes.stores["a"], "one", {"x": b"1"})
        OWNER.set("two")
        assert await door.snapshots() == []
        with pytest.raises(SnapshotError):
            await door.open_session("python", snapshot=snapshot)
        with pytest.raises(SnapshotError):
            await door.remove_snapshot(snapshot)
        OWNER.set("one")
        assert [item.id for item in await door.snapshots()] == [snapshot.id]


async def test_where_there_is_no_room_for_one_it_begins_where_it_is(nodes: SessionFleet) -> None:
    async with nodes.door() as door:
        here, other, snapshot = await taken(nodes, door)
        for number in range(8):
            keep(nodes.stores[other], "", {"x": b"%d" % number})
        opened = [(await door.open_session("python", snapshot=snapshot)).id[-1] for _ in range(3)]
        assert opened == [here] * 3
        nodes.full = {here}
        with pytest.raises(Unavailable):
            await door.open_session("python", snapshot=snapshot)


async def test_what_is_not_whole_is_not_kept(
    nodes: SessionFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with nodes.door() as door:
        here, other, snapshot = await taken(nodes, door)
        place = nodes.stores[here]._place
        monkeypatch.setattr(place, "chunk", lambda owner, digest: b"else")
        nodes.full = {here}
        with pytest.raises(SnapshotError):
            await door.open_session("python", snapshot=snapshot)
        assert await nodes.stores[other].list() == []


async def test_one_whose_node_is_lost_is_not_there(nodes: SessionFleet) -> None:
    async with nodes.door() as door:
        here, _, snapshot = await taken(nodes, door)
        nodes.cluster.replicas[here].die()
        with pytest.raises(SnapshotError) as caught:
            await door.open_session("python", snapshot=snapshot)
        assert caught.value.reason == "not_found"
