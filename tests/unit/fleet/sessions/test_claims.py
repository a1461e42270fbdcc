"""Front doors that open sessions at the same moment do not take more places than there are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import anyio
import pytest
from tests.support.fleet_sessions import SessionFleet

from drybox import AsyncRayExecutor, ResourceLimits
from drybox.executor.base import SessionClaim
from drybox.job import OWNER
from drybox.model import ExecutionRequest
from drybox.service.admission import Caller
from drybox.service.refusals import Refused
from drybox.service.service import Service
from drybox.service.sessions import ServedSessions
from drybox.sessions.request import SessionRequest
from drybox.settings import ServerSettings
from drybox.testing.fake_backend import Install

pytestmark = [pytest.mark.promise("FLEET-5"), pytest.mark.anyio, pytest.mark.usefixtures("way")]

MEMORY = 1 << 20


@pytest.fixture
def nodes(install: Install) -> SessionFleet:
    install()
    return SessionFleet("a", "b")


class FakeService:
    """As much of a service as opening a session asks for."""

    def __init__(self, executor: AsyncRayExecutor, settings: ServerSettings) -> None:
        self.executor = executor
        self.settings = settings
        self.limits = ResourceLimits()
        self.admission = SimpleNamespace(charge=lambda *_: None, is_spent=lambda _: False)

    @asynccontextmanager
    async def admitted(
        self, caller: Caller, request: ExecutionRequest, *_: Any
    ) -> AsyncIterator[None]:
        OWNER.set(caller.name)
        yield


async def test_what_one_claims_others_see_until_it_is_let_go(nodes: SessionFleet) -> None:
    async with nodes.door(shares_sessions=True) as one, nodes.door(shares_sessions=True) as other:
        async with one.claim_session("key", MEMORY) as seen:
            assert seen == []
            async with one.claim_session("key", MEMORY) as own:
                assert own == []  # it knows what it opens itself
            async with other.claim_session("key", MEMORY) as others:
                assert others == [SessionClaim("key", MEMORY)]
        async with other.claim_session("key", MEMORY) as others:
            assert others == []


async def test_claims_of_a_front_door_that_has_gone_are_nobodys(nodes: SessionFleet) -> None:
    async with nodes.door(shares_sessions=True) as other:
        async with nodes.door(shares_sessions=True) as one:
            claim = one.claim_session("key", MEMORY)
            await claim.__aenter__()
        async with other.claim_session("key", MEMORY) as others:
            assert others == []


@pytest.mark.parametrize("settings", [{"max_sessions": 3}, {"sessions_per_key": 3}], ids=str)
async def test_the_last_place_is_taken_once(nodes: SessionFleet, settings: dict[str, int]) -> None:
    """All claims are there before anybody looks, as where they come at the same moment."""
    given = ServerSettings(**cast("Any", settings))
    async with nodes.door(shares_sessions=True) as one, nodes.door(shares_sessions=True) as other:
        doors = [one, other]
        served = [ServedSessions(cast("Service", FakeService(door, given))) for door in doors]
        caller, request = Caller("key"), SessionRequest("python")
        for _ in range(2):
            await served[0].open(caller, request, cast("Any", None))
        met, arrived = anyio.Event(), 0

        def meet(door: AsyncRayExecutor) -> None:
            claim = door.claim_session

            @asynccontextmanager
            async def wait(owner: str, memory: int) -> AsyncIterator[Sequence[SessionClaim]]:
                nonlocal arrived
                async with claim(owner, memory) as others:
                    everybodys = door.shared_sessions
                    arrived += 1
                    if arrived == len(doors):
                        met.set()
                    assert len(await everybodys()) >= 2
                    await met.wait()
                    yield others

            door.claim_session = wait  # type: ignore[method-assign]

        for door in doors:
            meet(door)
        outcomes: list[str] = []

        async def open_one(sessions: ServedSessions) -> None:
            try:
                await sessions.open(caller, request, cast("Any", None))
                outcomes.append("open")
            except Refused as refused:
                outcomes.append(refused.problem.kind)

        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                for sessions in served:
                    tasks.start_soon(open_one, sessions)
        assert sorted(outcomes) == ["open", "sessions-full"]
        assert len(await one.shared_sessions()) == 3
        for sessions in served:
            sessions.end()
