"""A server of a fleet: sessions that another one has opened, and whose they are."""

from __future__ import annotations

from typing import Any, cast

import pytest
from tests.support.fleet_sessions import FakeSession

from drybox import ResourceLimits, SessionClosed
from drybox.executor.base import SharedSession
from drybox.service.admission import Caller
from drybox.service.refusals import Refused
from drybox.service.service import Service
from drybox.service.sessions import MOST_KNOWN, ServedSessions
from drybox.sessions.request import SessionRequest

pytestmark = pytest.mark.anyio

ALICE, BOB = Caller("alice"), Caller("bob")


class FakeFleet:
    """What a fleet's executor knows of sessions."""

    def __init__(self) -> None:
        self.found: dict[str, SharedSession] = {}
        self.lost = False

    def add(self, id: str, owner: str) -> FakeSession:
        request = SessionRequest("python", timeout=7.0)
        session = FakeSession(id, request)
        self.found[id] = SharedSession(owner, cast("Any", session), request)
        return session

    async def shared_session(self, id: str) -> SharedSession | None:
        if self.lost:
            raise SessionClosed("lost", "its node was lost.", hint="")
        return self.found.get(id)

    async def shared_sessions(self) -> list[SharedSession]:
        return list(self.found.values())


class FakeService:
    """As much of a service as sessions ask for."""

    def __init__(self) -> None:
        self.executor = FakeFleet()
        self.limits = ResourceLimits()


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def sessions(service: FakeService) -> ServedSessions:
    return ServedSessions(cast("Service", service))


async def test_its_owner_finds_it_and_nobody_else(
    service: FakeService, sessions: ServedSessions
) -> None:
    service.executor.add("s", "alice")
    found = await sessions.find(ALICE, "s")
    assert (found.owner, found.session.id, found.request.timeout) == ("alice", "s", 7.0)
    assert [item.session.id for item in await sessions.of(ALICE)] == ["s"]
    with pytest.raises(Refused):
        await sessions.find(BOB, "s")
    assert await sessions.of(BOB) == []


async def test_one_that_another_server_has_closed_is_not_there(
    service: FakeService, sessions: ServedSessions
) -> None:
    session = service.executor.add("s", "alice")
    await sessions.find(ALICE, "s")
    await session.close()
    service.executor.found.clear()
    with pytest.raises(Refused):
        await sessions.find(ALICE, "s")


async def test_only_its_owner_is_told_that_its_node_was_lost(
    service: FakeService, sessions: ServedSessions
) -> None:
    service.executor.add("s", "alice")
    await sessions.find(ALICE, "s")
    service.executor.lost = True
    with pytest.raises(SessionClosed):
        await sessions.find(ALICE, "s")
    for caller, id in ((BOB, "s"), (ALICE, "other")):
        with pytest.raises(Refused):
            await sessions.find(caller, id)


async def test_what_is_over_is_forgotten_in_time(
    service: FakeService, sessions: ServedSessions
) -> None:
    for number in range(MOST_KNOWN + 10):
        session = service.executor.add(str(number), "alice")
        await sessions.find(ALICE, str(number))
        session.state = "closed"
    assert len(sessions._owned) <= MOST_KNOWN + 1
