"""What a fleet offers, as its nodes tell: languages, environments, warm sandboxes."""

from __future__ import annotations

from dataclasses import replace

import anyio

from drybox.environments.info import EnvironmentInfo
from drybox.errors import Unavailable
from drybox.fleet.cluster import ReplicaGone
from drybox.fleet.member import Member
from drybox.fleet.members import Members
from drybox.fleet.messages import unpack_answer, unpack_environments, unpack_languages
from drybox.fleet.status import NodeStatus, status_of
from drybox.model import LanguageInfo, PoolCount

FIRST_NODE_TIMEOUT = 60.0
"""Seconds in which the first node has to be ready; a replica's process starts meanwhile."""

ATTEMPTS = 3
"""How often nodes are asked, where those that were asked are lost."""


class FleetInventory:
    """What the nodes know.

    Args:
        members: They.
    """

    def __init__(self, members: Members) -> None:
        self._members = members

    async def languages(self) -> list[LanguageInfo]:
        """Every known language, and the versions that some node has."""
        found: dict[str, LanguageInfo] = {}
        for answer in await self._ask("languages"):
            for item in unpack_languages(answer):
                known = found.get(item.name)
                if known is None or known.version is None:
                    found[item.name] = item
                elif item.version is not None:
                    more = [each for each in item.versions if each not in known.versions]
                    found[item.name] = replace(known, versions=(*known.versions, *more))
        return list(found.values())

    async def environments(self) -> list[EnvironmentInfo]:
        """The environments; built is what is on the node that is asked."""
        (answer,) = await self._ask("environments", most=1)
        return unpack_environments(answer)

    async def probe(self, language: str) -> None:
        """Have a node open a sandbox, and give it up.

        Raises:
            Unsupported: A guarantee cannot be enforced there.
            Unavailable: No sandbox could be had.
        """
        (answer,) = await self._ask("probe", language, most=1)
        unpack_answer(answer)

    async def prepare(self) -> None:
        """Have every node make what programs of each language need."""
        await self._ask("prepare")

    def pools(self) -> list[PoolCount]:
        """What the pools of all nodes hold and have served so far, by isolation and language."""
        found: dict[tuple[str, str], PoolCount] = {}
        for member in self._members.all():
            for item in member.load.pools if member.load else ():
                kind = (item.isolation, item.language)
                known = found.get(kind, PoolCount(*kind, 0, 0, 0, 0))
                found[kind] = PoolCount(
                    *kind,
                    known.idle + item.idle,
                    known.warm + item.warm,
                    known.cold + item.cold,
                    known.failures + item.failures,
                )
        return list(found.values())

    def nodes(self) -> list[NodeStatus]:
        """The nodes that are there now."""
        return [
            status_of(member.info, member.load)
            for member in self._members.all()
            if member.load is not None
        ]

    async def _ask(self, what: str, argument: str = "", most: int | None = None) -> list[bytes]:
        """What nodes say; those that are lost meanwhile say nothing."""
        answers: list[bytes] = []

        async def ask(member: Member) -> None:
            try:
                answers.append(await member.call("ask", what, argument))
            except ReplicaGone:
                pass

        for _ in range(ATTEMPTS):
            await self._members.wait(FIRST_NODE_TIMEOUT)
            async with anyio.create_task_group() as tasks:
                for member in self._members.all()[:most]:
                    tasks.start_soon(ask, member)
            if answers:
                return answers
        raise Unavailable(
            "the nodes of the fleet were lost while they were asked", hint="Try again later."
        )
