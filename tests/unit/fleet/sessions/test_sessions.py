"""Sessions over nodes in this process: where they are, whose, and what ends them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from tests.support.fleet_sessions import FakeSession, SessionFleet, no_snapshots

from drybox import InvalidRequest, SandboxLost, SessionClosed, Unavailable
from drybox.fleet.sessions.files import PIECE
from drybox.fleet.sessions.messages import SessionCall, pack_call, unpack_session_reply
from drybox.fleet.sessions.node import NodeSessions
from drybox.fleet.sessions.transfers.feed import MOST_BYTES
from drybox.fleet.sessions.transfers.upload import Upload
from drybox.job import OWNER
from drybox.sessions.request import SessionRequest
from drybox.sessions.results import Display, SessionEvent
from drybox.testing.fake_backend import Install

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("way")]


@pytest.fixture
def nodes(install: Install) -> SessionFleet:
    install()
    return SessionFleet("a", "b")


async def test_sessions_are_spread_and_their_ids_name_their_nodes(nodes: SessionFleet) -> None:
    async with nodes.door() as door:
        opened = [await door.open_session("python") for _ in range(4)]
        assert sorted(item.id[-2:] for item in opened) == ["-a", "-a", "-b", "-b"]
        assert (await opened[0].run("x")).stdout == "x"
        assert [item.id for item in await door.sessions()] == [item.id for item in opened]
    assert {item.state for item in nodes.sessions.values()} == {"closed"}


async def test_another_node_opens_what_one_cannot(nodes: SessionFleet) -> None:
    nodes.full = {"a"}
    async with nodes.door() as door:
        assert [(await door.open_session("python")).id[-2:] for _ in range(3)] == ["-b"] * 3
        nodes.full = {"a", "b"}
        with pytest.raises(Unavailable, match="too many"):
            await door.open_session("python")
        with pytest.raises(InvalidRequest, match="snapshot"):
            await door.open_session("python", snapshot="x")


async def test_cancelling_a_run_interrupts_it_on_its_node(nodes: SessionFleet) -> None:
    async with nodes.door() as door:
        session = await door.open_session("python")
        fake = nodes.sessions[session.id]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(session.run, "wait")
            await fake.began.wait()
            tasks.cancel_scope.cancel()
        assert fake.interrupted
        assert (await session.run("on")).stdout == "on"


async def test_a_lost_node_is_told_once_as_lost_and_then_as_closed(nodes: SessionFleet) -> None:
    async with nodes.door() as door:
        opened = [await door.open_session("python") for _ in range(2)]
        lost = next(item for item in opened if item.id.endswith("-b"))
        kept = next(item for item in opened if item is not lost)
        told: list[Exception] = []

        async def run() -> None:
            try:
                await lost.run("wait")
            except SandboxLost as error:
                told.append(error)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            await nodes.sessions[lost.id].began.wait()
            nodes.cluster.replicas["b"].die()
            nodes.cluster.settings.pop("b")
        assert told
        for _ in range(2):
            with pytest.raises(SessionClosed) as caught:
                await lost.run("x")
            assert caught.value.reason == "lost"
        assert lost.state == "closed"
        with anyio.fail_after(20):
            while door.lost == 0:
                await anyio.sleep(0.01)
        with pytest.raises(SessionClosed):
            await door.shared_session(lost.id)
        assert (await kept.run("on")).stdout == "on"
    await nodes.cluster.replicas["b"].node.close("it is over")


async def test_a_session_says_why_it_is_closed(nodes: SessionFleet) -> None:
    async with nodes.door() as door:
        session = await door.open_session("python")
        fake = nodes.sessions[session.id]
        fake.state, fake.reason = "closed", "idle"
        with anyio.fail_after(20):
            while await door.sessions():
                await anyio.sleep(0.01)
        with pytest.raises(SessionClosed) as caught:
            await session.run("x")
        assert caught.value.reason == "idle"
        assert session.state == "closed"
        await session.close()


async def test_shared_sessions_have_an_owner_and_outlive_their_front_door(
    nodes: SessionFleet,
) -> None:
    async with nodes.door() as other:
        async with nodes.door(shares_sessions=True) as door:
            OWNER.set("alice")
            shared = await door.open_session("python", metadata={"k": "v"})
            OWNER.set("")
            own = await other.open_session("bash")
            listed = {item.session.id: item.owner for item in await other.shared_sessions()}
            assert listed == {shared.id: "alice", own.id: ""}
        found = await other.shared_session(shared.id)
        assert found is not None
        assert (found.owner, found.request.language) == ("alice", "python")
        assert found.session.metadata == {"k": "v"}
        assert (await found.session.run("x")).stdout == "x"
        assert await other.shared_session("x" * 32 + "-a") is None
        assert await other.shared_session("x" * 32 + "-c") is None
        await found.session.close()
        assert await other.shared_session(shared.id) is None


async def test_what_belongs_to_a_front_door_that_is_silent_ends(install: Install) -> None:
    sessions = NodeSessions(lambda id, request: _opened(FakeSession(id, request)), no_snapshots)
    alive = {"door", "other"}
    opened: list[FakeSession] = []

    async def _opened(session: FakeSession) -> Any:
        opened.append(session)
        return session

    given = {"request": SessionRequest("python"), "owner": "", "ends_with_door": True}
    await sessions.ask("door", "1", pack_call(SessionCall("open", "s-a", given)))
    async with anyio.create_task_group() as tasks:
        replies: list[bytes] = []

        async def run() -> None:
            call = pack_call(SessionCall("run", "s-a", {"code": "wait"}))
            replies.append(await sessions.ask("other", "2", call))

        tasks.start_soon(run)
        await opened[0].began.wait()
        alive.remove("other")
        sessions.forget_doors(lambda door: door not in alive)
    assert unpack_session_reply(replies[0]).kind == "cancelled"
    assert opened[0].state == "running"
    alive.clear()
    sessions.forget_doors(lambda door: door not in alive)
    await sessions.settle()
    assert opened[0].state == "closed"
    assert sessions.count == 0


async def test_what_code_shows_travels_in_messages_of_bounded_size(nodes: SessionFleet) -> None:
    given = 0

    async def displays() -> AsyncIterator[SessionEvent]:
        nonlocal given
        for _ in range(60):
            given += 1
            yield SessionEvent("display", display=Display({"image/png": bytes(MOST_BYTES // 2)}))

    sessions = NodeSessions(nodes._opener("a"), no_snapshots)
    feed = {"feed": sessions._follow("door", "session", displays(), 64)}
    found = 0
    while True:
        for _ in range(100):  # as often as it would take to hold too much
            await anyio.lowlevel.checkpoint()
        assert given - found <= 3
        items, is_last = await sessions._next(feed)
        found += len(items)
        if is_last:
            break
    assert found == 60


async def test_files_travel_in_pieces(nodes: SessionFleet) -> None:
    async with nodes.door() as door:
        session = await door.open_session("python")
        data = bytes(range(256)) * 4000
        info = await session.files.write("x", data)
        assert info.size == len(data)
        assert await session.files.read("x") == data

        async def breaks() -> AsyncIterator[bytes]:
            yield b"part"
            raise OSError("the client has left")

        with pytest.raises(OSError, match="left"):
            await session.files.write("y", breaks())
        assert "y" not in nodes.sessions[session.id].files.kept


async def test_pieces_of_any_size_are_cut(
    nodes: SessionFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    give = Upload.give

    async def seen(self: Upload[Any], piece: bytes) -> bool:
        sizes.append(len(piece))
        return await give(self, piece)

    async def one() -> AsyncIterator[bytes]:
        yield bytes(3 * PIECE + 1)

    monkeypatch.setattr(Upload, "give", seen)
    async with nodes.door() as door:
        session = await door.open_session("python")
        await session.files.write("x", one())
    assert sizes == [PIECE, PIECE, PIECE, 1, 0]


async def test_what_a_node_has_let_go_of_is_no_end_of_it(nodes: SessionFleet) -> None:
    async with nodes.door() as door:
        session = await door.open_session("python")
        await session.files.write("x", bytes(200_000))
        pieces = session.files.read_pieces("x")
        assert await anext(pieces)
        kept = nodes.cluster.replicas[session.id[-1]].node._sessions
        kept.forget_doors(lambda _: True)  # as after a pause of the front door
        with pytest.raises((SandboxLost, SessionClosed)):
            async for _ in pieces:
                pass


async def test_a_session_whose_opener_has_left_meanwhile_is_closed(nodes: SessionFleet) -> None:
    async with nodes.door(shares_sessions=True) as door:
        replica = nodes.cluster.replica("a")
        nodes.full = {"b"}
        answer, opened = replica.call, anyio.Event()

        async def slow(method: str, *arguments: str | bytes) -> bytes:
            found = await answer(method, *arguments)
            if method == "session" and not opened.is_set():
                opened.set()
                await anyio.sleep_forever()
            return found

        replica.call = slow  # type: ignore[method-assign]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(door.open_session, "python")
            await opened.wait()
            assert [item.state for item in nodes.sessions.values()] == ["running"]
            tasks.cancel_scope.cancel()
        assert [item.state for item in nodes.sessions.values()] == ["closed"]


async def test_a_cancellation_that_comes_before_its_call_counts(install: Install) -> None:
    async def never(id: str, request: SessionRequest) -> Any:
        raise AssertionError("it was opened")

    sessions = NodeSessions(never, no_snapshots)
    await sessions.cancel("1")
    given = {"request": SessionRequest("python"), "owner": "", "ends_with_door": True}
    reply = await sessions.ask("door", "1", pack_call(SessionCall("open", "s-a", given)))
    assert unpack_session_reply(reply).kind == "cancelled"
