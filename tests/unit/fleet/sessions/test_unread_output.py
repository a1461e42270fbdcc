"""Output of processes in sessions that nobody reads: bounded for a node in all."""

from __future__ import annotations

import pytest
from tests.support.fleet_sessions import FakeSession, SessionFleet

from drybox import AsyncRayExecutor
from drybox.fleet.sessions import node
from drybox.job import OWNER
from drybox.sessions.programs.unread_output import MOST_KEPT, UnreadOutput
from drybox.testing.fake_backend import Install

pytestmark = [pytest.mark.anyio, pytest.mark.promise("FLEET-8")]

MIB = 1 << 20


@pytest.fixture
def nodes(install: Install, monkeypatch: pytest.MonkeyPatch) -> SessionFleet:
    monkeypatch.setattr(node, "UNREAD_OUTPUT", 6 * MIB)
    install()
    return SessionFleet("a")


def written(session: FakeSession, pieces: int) -> UnreadOutput:
    """What a process of a session has written, in pieces of a mebibyte."""
    output = UnreadOutput(session.output)
    for _ in range(pieces):
        output.add("stdout", bytes(MIB), is_granted=False)
        output.fit(MOST_KEPT)
    return output


async def opened(nodes: SessionFleet, door: AsyncRayExecutor, owner: str) -> FakeSession:
    OWNER.set(owner)
    return nodes.sessions[(await door.open_session("python")).id]


async def test_sessions_of_a_node_hold_so_much_together(nodes: SessionFleet) -> None:
    async with nodes.door() as door:
        held = [written(await opened(nodes, door, "one"), 4) for _ in range(3)]
        assert sum(output.size for output in held) <= 2 * MIB
        assert all(output.dropped["stdout"] for output in held)
        other = written(await opened(nodes, door, "two"), 4)
        assert MIB // 2 < other.size <= 2 * MIB  # another owner has something left
        assert sum(output.size for output in (*held, other)) <= 6 * MIB


async def test_what_a_closed_session_held_is_free_again(nodes: SessionFleet) -> None:
    async with nodes.door() as door:
        for _ in range(5):
            session = await opened(nodes, door, "one")
            assert written(session, 4).size > MIB
            (own,) = await door.sessions()
            await own.close()
            assert session.output.room is None
