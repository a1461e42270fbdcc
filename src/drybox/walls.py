"""The walls that an executor has opened, each with its backend; and which one ``auto`` means."""

from __future__ import annotations

from collections.abc import Callable

import anyio
from anyio.abc import TaskGroup, TaskStatus

from drybox.backends import AUTO, EVERY_WALL, may_serve
from drybox.errors import Unsupported
from drybox.model import ResourceLimits
from drybox.protocols import Backend, Guarantee, Language, SandboxSpec, Support
from drybox.settings import DockerSettings


class Walls:
    """Opens a wall's backend when it is first asked for, and keeps it.

    Args:
        tasks: Where the backends live; they end with it.
        make: Makes the backend of a wall.
        docker: Settings of the walls made of containers.
    """

    def __init__(
        self, tasks: TaskGroup, make: Callable[[str], Backend], docker: DockerSettings | None
    ) -> None:
        self._tasks = tasks
        self._make = make
        self._docker = docker
        self._opening = anyio.Lock(fast_acquire=True)
        self._backends: dict[str, Backend] = {}

    async def choose(
        self, isolation: str, language: Language, version: str, *, installs: bool = False
    ) -> Backend:
        """The backend for a request.

        Args:
            isolation: The wall asked for; ``auto`` for the first that can serve it.
            language: The request's language.
            version: The version asked for, or "".
            installs: The request names packages.

        Raises:
            Unsupported: This installation has no such wall.
        """
        if isolation != "auto":
            return await self.open(isolation)
        *first, last = AUTO
        for wall in first:
            backend = await self._try(wall)
            if backend and await backend.serves(language, version, installs=installs):
                return backend
        return await self.open(last)

    async def open(self, wall: str) -> Backend:
        """The backend of one wall.

        Raises:
            Unsupported: This installation has no such wall.
        """
        if wall in self._backends:
            return self._backends[wall]
        async with self._opening:
            if wall not in self._backends:  # else it was opened meanwhile
                backend = self._make(wall)
                # A task of its own keeps it: what a task entered, the same task must leave.
                await self._tasks.start(_keep, backend)
                self._backends[wall] = backend
        return self._backends[wall]

    def opened(self) -> tuple[Backend, ...]:
        """The backends that were asked for so far."""
        return tuple(self._backends.values())

    async def probe(self, isolation: str, language: Language, limits: ResourceLimits) -> None:
        """Open a sandbox as a request would have it, and give it up.

        Raises:
            Unsupported: A guarantee cannot be enforced here.
            Unavailable: No sandbox could be had.
        """
        backend = await self.choose(isolation, language, "")
        sandbox = await backend.open(SandboxSpec(language, "", limits, isolation))
        await sandbox.close()

    async def check(self, isolation: str) -> list[Support]:
        """What every wall can promise, all looked at together: one may keep others waiting.

        Args:
            isolation: The wall that the executor uses by default; it may be another package's.
        """
        walls = EVERY_WALL if isolation in ("auto", *EVERY_WALL) else (*EVERY_WALL, isolation)
        found: dict[str, Support] = {}

        async def look(wall: str) -> None:
            try:
                found[wall] = await (await self.open(wall)).check()
            except Unsupported as error:
                missing = Guarantee("installed", False, error.message, error.hint)
                found[wall] = Support(wall, (missing,), present=False)

        async with anyio.create_task_group() as tasks:
            for wall in walls:
                tasks.start_soon(look, wall)
        return [found[wall] for wall in walls]

    async def _try(self, wall: str) -> Backend | None:
        if wall not in self._backends and not await anyio.to_thread.run_sync(
            may_serve, wall, self._docker
        ):
            return None
        try:
            return await self.open(wall)
        except Unsupported:
            return None


async def _keep(backend: Backend, *, task_status: TaskStatus[None]) -> None:
    async with backend:
        task_status.started()
        await anyio.sleep_forever()
