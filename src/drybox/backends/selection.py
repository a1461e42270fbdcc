"""The isolations that an executor has opened, and which one ``auto`` means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import anyio
from anyio.abc import TaskGroup, TaskStatus

from drybox.backends.base import Backend, Guarantee, SandboxSpec, Support
from drybox.backends.registry import AUTO, BUILT_IN_ISOLATIONS, may_serve
from drybox.errors import Unsupported
from drybox.languages.base import Language
from drybox.model import ResourceLimits
from drybox.settings import DockerSettings

B = TypeVar("B", bound=Backend)


class BackendSelector(Generic[B]):
    """Opens an isolation's backend when it is first asked for, and keeps it.

    Args:
        tasks: Where the backends live; they end with it.
        make: Makes the backend of an isolation.
        docker: Settings of the container isolations.
    """

    def __init__(
        self, tasks: TaskGroup, make: Callable[[str], B], docker: DockerSettings | None
    ) -> None:
        self._tasks = tasks
        self._make = make
        self._docker = docker
        self._opening = anyio.Lock(fast_acquire=True)
        self._backends: dict[str, B] = {}

    async def choose(
        self, isolation: str, language: Language, version: str, *, installs: bool = False
    ) -> B:
        """The backend for a request.

        Args:
            isolation: The isolation asked for; ``auto`` for the first that can serve it.
            language: The request's language.
            version: The version asked for, or "".
            installs: The request names packages.

        Raises:
            Unsupported: This installation has no such isolation.
        """
        if isolation != "auto":
            return await self.open(isolation)
        *first, last = AUTO
        for isolation in first:
            backend = await self._try(isolation)
            if backend and await backend.serves(language, version, installs=installs):
                return backend
        return await self.open(last)

    async def open(self, isolation: str) -> B:
        """The backend of one isolation.

        Raises:
            Unsupported: This installation has no such isolation.
        """
        if isolation in self._backends:
            return self._backends[isolation]
        async with self._opening:
            if isolation not in self._backends:  # else it was opened meanwhile
                backend = self._make(isolation)
                # A task of its own keeps it: what a task entered, the same task must leave.
                await self._tasks.start(_keep, backend)
                self._backends[isolation] = backend
        return self._backends[isolation]

    def opened(self) -> tuple[B, ...]:
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
        """What every isolation can promise, all looked at together: one may keep others waiting.

        Args:
            isolation: The isolation that the executor uses by default; it may be another package's.
        """
        isolations = (
            BUILT_IN_ISOLATIONS
            if isolation in ("auto", *BUILT_IN_ISOLATIONS)
            else (*BUILT_IN_ISOLATIONS, isolation)
        )
        found: dict[str, Support] = {}

        async def look(isolation: str) -> None:
            try:
                found[isolation] = await (await self.open(isolation)).check()
            except Unsupported as error:
                missing = Guarantee("installed", False, error.message, error.hint)
                found[isolation] = Support(isolation, (missing,), present=False)

        async with anyio.create_task_group() as tasks:
            for isolation in isolations:
                tasks.start_soon(look, isolation)
        return [found[isolation] for isolation in isolations]

    async def _try(self, isolation: str) -> B | None:
        if isolation not in self._backends and not await anyio.to_thread.run_sync(
            may_serve, isolation, self._docker
        ):
            return None
        try:
            return await self.open(isolation)
        except Unsupported:
            return None


async def _keep(backend: Backend, *, task_status: TaskStatus[None]) -> None:
    async with backend:
        task_status.started()
        await anyio.sleep_forever()
