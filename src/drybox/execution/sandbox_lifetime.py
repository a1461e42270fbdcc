"""From opening a sandbox to closing it, whatever runs in it meanwhile."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol

import anyio

from drybox.backends.base import Sandbox, SandboxSpec
from drybox.execution.cpu_meter import CpuMeter
from drybox.hooks.hooks import SandboxHooks
from drybox.monitoring.observers import Observation


class Opener(Protocol):
    """What makes sandboxes: a backend, or what is in front of one."""

    async def open(self, spec: SandboxSpec) -> Sandbox:
        """Make a sealed, idle sandbox that no user data has entered."""


class SandboxLifetime:
    """Opens a sandbox, and closes it on every path: ``async with lifetime as sandbox``.

    It tells the hooks of sandboxes and the meter, and knows nothing of what runs.

    Args:
        backend: What makes the sandbox.
        spec: What it is made for.
        hooks: Are asked once it is there, and told once it is gone.
        observation: Is told once it is there.
        meter: Is told what all of it took of the processor.
        cpus: CPUs that what runs in it may use at most: it is charged as much where nobody counted.
    """

    def __init__(
        self,
        backend: Opener,
        spec: SandboxSpec,
        hooks: SandboxHooks,
        observation: Observation,
        meter: CpuMeter,
        cpus: float,
    ) -> None:
        self._backend = backend
        self._spec = spec
        self._hooks = hooks
        self._observation = observation
        self._meter = meter
        self._cpus = cpus
        self._opened_at = 0.0
        self._sandbox: Sandbox

    async def __aenter__(self) -> Sandbox:
        """Open it.

        Raises:
            Unsupported: A guarantee cannot be enforced here.
            Unavailable: No sandbox could be had, or a hook failed.
            Rejected: A hook said no.
        """
        self._sandbox = await self._backend.open(self._spec)
        self._opened_at = anyio.current_time()
        self._observation.enter("place")
        try:
            await self._hooks.created(self._sandbox)
        except BaseException as error:
            await self._end(error)
            raise
        return self._sandbox

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._end(error)

    @property
    def cpu_time(self) -> float | None:
        """CPU seconds of all of the sandbox, once it is closed; None where nobody counts them."""
        return self._sandbox.cpu_time

    async def _end(self, error: BaseException | None) -> None:
        try:
            try:
                await self._sandbox.close()
            finally:
                self._charge()
        except BaseException as failure:
            error = failure
            raise
        finally:
            if error is not None:
                self._hooks.failed(error)
            await self._hooks.destroyed()

    def _charge(self) -> None:
        used = self._sandbox.cpu_time
        if used is None:
            used = (anyio.current_time() - self._opened_at) * self._cpus
        self._meter.add(used)
