"""Observers of a front door follow the sessions of a fleet as they do those of one machine."""

from __future__ import annotations

from dataclasses import dataclass

import anyio
import pytest
from tests.support.fleet_sessions import SessionFleet
from tests.support.observer import NotingObserver

from drybox import SessionClosed
from drybox.model import Usage
from drybox.monitoring.session_observers import Act, SessionFacts
from drybox.testing.fake_backend import Install

pytestmark = pytest.mark.anyio


class Watcher(NotingObserver):
    """Notes what is done with sessions."""

    def __init__(self) -> None:
        super().__init__()
        self.acts: list[tuple[str, str, str]] = []

    def begin(self, act: Act, session: SessionFacts) -> _Act:
        return _Act(self, act, session)


@dataclass
class _Act:
    watcher: Watcher
    act: Act
    session: SessionFacts

    def finish(self, status: str, usage: Usage) -> None:
        self.watcher.acts.append((self.act, self.session.language, status))


@pytest.fixture
def nodes(install: Install) -> SessionFleet:
    install()
    return SessionFleet("a", "b")


async def test_each_act_is_told_once_and_the_end_by_whoever_opened_it(nodes: SessionFleet) -> None:
    one, other = Watcher(), Watcher()
    async with (
        nodes.door(shares_sessions=True, observers=[one]) as door,
        nodes.door(shares_sessions=True, observers=[other]) as second,
    ):
        session = await door.open_session("python")
        assert (await session.run("x", language="js")).stdout == "x"
        found = await second.shared_session(session.id)
        assert found is not None
        await found.session.run("y")
        await found.session.close()
        assert await door.sessions() == []
        with pytest.raises(SessionClosed):
            await session.run("z")
    assert one.acts == [
        ("open", "python", "success"),
        ("run", "node", "success"),
        ("close", "python", "closed"),
        ("run", "python", "closed"),
    ]
    assert other.acts == [("run", "python", "success")]


async def test_a_session_that_was_idle_or_whose_node_is_lost_says_so(nodes: SessionFleet) -> None:
    watcher = Watcher()
    async with nodes.door(shares_sessions=True, observers=[watcher]) as door:
        idle, lost = [await door.open_session("python") for _ in range(2)]
        nodes.sessions[idle.id].reason, nodes.sessions[idle.id].state = "idle", "closed"
        with pytest.raises(SessionClosed):
            await idle.run("x")
        assert lost.id.endswith("b") != idle.id.endswith("b")
        nodes.cluster.replicas[lost.id[-1]].die()
        nodes.cluster.settings.pop(lost.id[-1])
        with anyio.fail_after(20):
            while door.lost == 0:
                await anyio.sleep(0.01)
        with pytest.raises(SessionClosed):
            await lost.run("x")
    ends = [item for item in watcher.acts if item[0] == "close"]
    assert ends == [("close", "python", "idle"), ("close", "python", "lost")]


async def test_code_that_is_given_up_and_a_session_that_no_node_opens(nodes: SessionFleet) -> None:
    watcher = Watcher()
    async with nodes.door(observers=[watcher]) as door:
        session = await door.open_session("python")
        with anyio.move_on_after(0.2):
            await session.run("wait")
        nodes.full |= {"a", "b"}
        with pytest.raises(Exception, match="too many"):
            await door.open_session("python")
    assert ("run", "python", "cancelled") in watcher.acts
    assert watcher.acts[-1] == ("open", "python", "unavailable")
