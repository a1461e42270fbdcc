"""Sandboxes that wait for sessions, each with its kernel started; ``pool.policy`` decides."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field, replace

import anyio
from anyio.abc import TaskGroup

from drybox.backends.base import Sandbox, SandboxSpec, SessionSandbox
from drybox.errors import DryboxError
from drybox.model import MIB
from drybox.pool.policy import PoolState, next_steps
from drybox.pool.pool import NO_POOL, Pool
from drybox.sessions.kernels.registry import find_kernel
from drybox.sessions.programs.inside import Inside
from drybox.sessions.programs.kernel_process import KernelProcess
from drybox.settings import PoolSettings

REFILL_DELAY = 0.5
"""Seconds after a session has its sandbox until another one is made: its first code comes first."""

SIZE = 48 * MIB
"""Bytes that one takes, before the first of its kind has been measured."""

MAX_ENTRIES = 16
"""Kinds of sessions that are remembered."""

_log = logging.getLogger("drybox.sessions")


@dataclass(slots=True, eq=False)
class StartedKernel:
    """A sandbox in which a kernel waits.

    Attributes:
        sandbox: The sandbox; nothing of anybody's is in it.
        inside: How programs are started in it.
        kernel: What waits.
        born: When it began to.
    """

    sandbox: Sandbox
    inside: Inside
    kernel: KernelProcess
    born: float


@dataclass(slots=True, eq=False)
class _Entry:
    pool: Pool
    spec: SandboxSpec
    wanted_at: float
    size: int = SIZE
    failures: int = 0
    failed_at: float = 0.0
    idle: list[StartedKernel] = field(default_factory=list)

    def state(self) -> PoolState:
        born = tuple(item.born for item in self.idle)
        return PoolState(self.wanted_at, born, self.size, self.failures, self.failed_at)


class IdleKernels:
    """Keeps them for the kinds of sessions that were asked for of late.

    Args:
        tasks: Where their programs are followed.
        settings: How many, or None for none; those in which programs of executions wait are
            counted apart.
    """

    def __init__(self, tasks: TaskGroup, settings: PoolSettings | None) -> None:
        settings = settings or NO_POOL
        self._tasks = tasks
        self._settings = replace(settings, min_idle=min(settings.min_idle, 1))
        self._entries: dict[tuple[object, ...], _Entry] = {}
        self._taken: dict[int, StartedKernel] = {}
        self._due = anyio.Event()
        if settings.min_idle > 0:
            tasks.start_soon(self._keep)

    def in_front_of(self, pool: Pool) -> _Front:
        """Opens sandboxes as the pool does, but for those that wait here."""
        return _Front(self, pool)

    def take(self, sandbox: Sandbox) -> StartedKernel | None:
        """The kernel in a sandbox that has waited here; None if it has not."""
        return self._taken.pop(id(sandbox), None)

    async def open(self, pool: Pool, spec: SandboxSpec) -> Sandbox:
        """One that waits with such a kernel, else a new sandbox without."""
        if find_kernel(spec.language.name) is None or self._settings.min_idle <= 0:
            return await pool.open(spec)
        entry = self._remember(pool, spec)
        while entry.idle:
            item = entry.idle.pop(0)
            if not item.inside.programs.gone.is_set():
                self._taken[id(item.sandbox)] = item
                return item.sandbox
            await item.sandbox.close()
        return await pool.open(spec)

    def _remember(self, pool: Pool, spec: SandboxSpec) -> _Entry:
        words = (pool.name, spec.language.name, spec.version, spec.isolation, spec.kernel_dir)
        key = (words, spec.limits, spec.environment)
        entry = self._entries.get(key)
        if entry is None:
            if len(self._entries) >= MAX_ENTRIES:
                free = [old for old, item in self._entries.items() if not item.idle]
                if free:
                    del self._entries[min(free, key=lambda old: self._entries[old].wanted_at)]
            entry = _Entry(pool, spec, time.monotonic())
            if len(self._entries) < MAX_ENTRIES:
                self._entries[key] = entry
        entry.wanted_at = time.monotonic()
        self._due.set()
        return entry

    async def _keep(self) -> None:
        """Does what the policy says, one at a time."""
        try:
            while True:
                entries = list(self._entries.values())
                now = time.monotonic()
                steps = next_steps(self._settings, [entry.state() for entry in entries], now)
                for entry, count in zip(entries, steps.close, strict=True):
                    for _ in range(count):
                        await entry.idle.pop(0).sandbox.close()
                if steps.open is not None:
                    entry = entries[steps.open]
                    await anyio.sleep(max(0.0, entry.wanted_at + REFILL_DELAY - now))
                    await self._fill(entry)
                    continue
                self._due = anyio.Event()
                with anyio.move_on_after(steps.wait):
                    await self._due.wait()
        finally:
            with anyio.CancelScope(shield=True):
                for entry in self._entries.values():
                    while entry.idle:
                        await entry.idle.pop(0).sandbox.close()

    async def _fill(self, entry: _Entry) -> None:
        try:
            item = await self._start(entry)
        except (DryboxError, OSError) as error:
            entry.failures += 1
            entry.failed_at = time.monotonic()
            _log.warning("no kernel could be kept waiting: %s", error)
        else:
            entry.failures = 0
            entry.idle.append(item)

    async def _start(self, entry: _Entry) -> StartedKernel:
        spec = entry.spec
        sandbox = await entry.pool.open(spec)
        try:
            assert isinstance(sandbox, SessionSandbox), "the first of its kind was one"
            kernel = find_kernel(spec.language.name)
            assert kernel is not None
            inside = Inside(sandbox, await sandbox.begin_session(spec.limits), spec.limits)
            self._tasks.start_soon(inside.programs.follow)
            process = KernelProcess(inside, kernel, sandbox.version)
            await process.start()
            entry.size = (await sandbox.used()).memory_peak or SIZE
        except BaseException:
            with anyio.CancelScope(shield=True):
                await sandbox.close()
            raise
        return StartedKernel(sandbox, inside, process, time.monotonic())


@dataclass(frozen=True, slots=True)
class _Front:
    kernels: IdleKernels
    pool: Pool

    async def open(self, spec: SandboxSpec) -> Sandbox:
        return await self.kernels.open(self.pool, spec)
