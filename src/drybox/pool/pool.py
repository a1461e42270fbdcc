"""A pool of idle sandboxes in front of any backend; ``pool.policy`` decides, this acts.

A sandbox waits for one request and is destroyed after it, like any other. New ones are made
while nothing else is to do: after an answer, or when a request takes its time.
"""

from __future__ import annotations

import logging
import math
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import anyio.lowlevel
from anyio.abc import TaskGroup

from drybox.backends.base import (
    Backend,
    EnvironmentBackend,
    IdleSandbox,
    Sandbox,
    SandboxSpec,
    Support,
    WarmSandbox,
)
from drybox.backends.preparations import PreparingBackend
from drybox.backends.versions import versions_of
from drybox.environments.environment import BuiltEnvironment
from drybox.errors import DryboxError, Unavailable, Unsupported
from drybox.host.resources import usable_cpus
from drybox.languages.base import Language
from drybox.languages.prestart import PrestartedProcess, WarmLanguage, widest
from drybox.model import MIB, PoolCount, PreparationProgress, ResourceLimits
from drybox.pool.policy import PoolState, next_steps
from drybox.pool.waiting import open_waiting, owned
from drybox.settings import COMPILE_LIMITS, PoolSettings

if TYPE_CHECKING:
    from typing_extensions import Self

REFILL_DELAY = 0.05
"""Seconds after a claim when the pool refills although the request has no answer yet."""

DELIVERY_DELAY = 0.002
"""Seconds that an answer takes at most to whoever asked, in another thread perhaps."""

LOAD = 1.0
"""Seconds for which requests count as many after one that found no sandbox."""

BARE_SIZE = 4 * MIB
"""Bytes of an idle sandbox in which no prestarted process waits."""

NO_POOL = PoolSettings(min_idle=0)
"""Settings of a pool that keeps nothing waiting."""

MAX_ENTRIES = 64
"""Kinds of sandboxes that are kept: toolchains, each with an environment or without."""

MOST_SPELLINGS = 256
"""Ways to name a toolchain that are remembered."""

_log = logging.getLogger("drybox.pool")


@dataclass(frozen=True, slots=True, eq=False)
class _Idle:
    """A sandbox that waits."""

    born: float
    sandbox: IdleSandbox


@dataclass(slots=True)
class PoolEntry:
    """The sandboxes of one toolchain and environment.

    Attributes:
        spec: What they are opened with: the operator's limits, whatever requests ask for.
        version: The toolchain's full version.
        wanted_at: When one was last asked for.
    """

    spec: SandboxSpec
    version: str
    wanted_at: float
    size: int = BARE_SIZE
    failures: int = 0
    failed_at: float = 0.0
    opening: int = 0
    idle: list[_Idle] = field(default_factory=list)

    def state(self) -> PoolState:
        """What the policy decides by."""
        born = tuple(item.born for item in self.idle)
        return PoolState(
            self.wanted_at, born, self.size, self.failures, self.failed_at, self.opening
        )


@dataclass(slots=True)
class _Counters:
    warm: int = 0
    cold: int = 0
    failures: int = 0


_Toolchain = tuple[str, str, str, BuiltEnvironment | None, str]
"""A language, its full version, a word that tells toolchains apart, an environment, whose it is."""

_Spelling = tuple[str, str, BuiltEnvironment | None, str]
"""A language, the version asked for, an environment, whose."""


class Pool:
    """A backend that keeps sandboxes of another waiting, or none. Enter it like any other.

    What waits has the operator's limits and no other: a request's own are set when it gets a
    sandbox, before anything of it comes in. Of requests nothing is remembered but which toolchain
    they wanted.

    Args:
        backend: What makes the sandboxes.
        settings: How many to keep; with a ``min_idle`` of 0 it adds nothing to the backend.
        limits: The operator's limits of programs.
        compile_limits: The operator's limits of compilers.
    """

    def __init__(
        self,
        backend: Backend,
        settings: PoolSettings,
        limits: ResourceLimits,
        compile_limits: ResourceLimits = COMPILE_LIMITS,
    ) -> None:
        self.name = backend.name
        self._backend = backend
        self._settings = settings
        self._keeps_some = settings.min_idle > 0
        self._limits = limits
        self._compile_limits = compile_limits
        self._entries: dict[_Toolchain, PoolEntry] = {}
        self._spelt: dict[_Spelling, PoolEntry] = {}
        self._served: dict[str, _Counters] = {}
        self._due = anyio.Event()
        self._due_at: float | None = None
        self._missed_at = -LOAD
        self._tasks: TaskGroup
        self._stack: AsyncExitStack

    async def check(self) -> Support:
        """Say what is guaranteed here and how to mend what is not. Never raises."""
        return await self._backend.check()

    async def version(self, language: Language, version: str) -> str:
        """Full version of the toolchain that would run."""
        return await self._backend.version(language, version)

    async def versions(self, language: Language) -> list[str]:
        """The versions that are there, the one that would run first."""
        return await versions_of(self._backend, language)

    def for_environments(self) -> EnvironmentBackend:
        """The backend, whose sandboxes can have environments.

        Raises:
            Unsupported: They cannot.
        """
        if isinstance(self._backend, EnvironmentBackend):
            return self._backend
        raise Unsupported(
            f"isolation {self.name!r} has no environments.",
            hint="Leave 'environment' out, or use isolation='local'.",
        )

    async def serves(self, language: Language, version: str, *, installs: bool = False) -> bool:
        """Whether the backend can serve such a request."""
        return await self._backend.serves(language, version, installs=installs)

    def preparations(self) -> list[PreparationProgress]:
        """What the backend is preparing. Safe from any thread."""
        backend = self._backend
        return backend.preparations.list() if isinstance(backend, PreparingBackend) else []

    async def prepare(self, language: Language) -> None:
        """Have the backend make what programs of a language need, if it makes such things.

        Raises:
            DryboxError: It cannot.
        """
        if isinstance(self._backend, PreparingBackend):
            await self._backend.prepare(language)

    async def open(self, spec: SandboxSpec) -> Sandbox:
        """A sandbox that waited for such a request, else a new one."""
        spec = owned(spec, self._settings)
        served = self._served.setdefault(spec.language.name, _Counters())
        entry = self._spelt.get(_spelling(spec)) if self._could_wait(spec) else None
        if entry is not None:
            entry.wanted_at = time.monotonic()
            self._poke(REFILL_DELAY)
            waiting = await self._claim(entry, spec.limits)
            if waiting is not None:
                served.warm += 1
                return waiting
        sandbox = await self._backend.open(spec)
        served.cold += 1
        if entry is None and self._could_wait(spec) and isinstance(sandbox, WarmSandbox):
            self._remember(spec, sandbox)
        return sandbox

    def _could_wait(self, spec: SandboxSpec) -> bool:
        """Whether such a sandbox is one that is kept: its disk cannot change any more."""
        fits = not (spec.package_dir or spec.kernel_dir) and spec.limits.disk == self._limits.disk
        return fits and self._keeps_some

    async def _claim(self, entry: PoolEntry, limits: ResourceLimits) -> Sandbox | None:
        """One that waits, with a request's own limits; None if there is none that can have them."""
        while True:
            fitting = (item for item in entry.idle if item.sandbox.fits(limits))
            oldest = next(fitting, None)
            if oldest is None:
                if not entry.idle:
                    self._missed_at = time.monotonic()
                return None
            entry.idle.remove(oldest)
            sandbox = oldest.sandbox
            if sandbox.is_alive():
                try:
                    await sandbox.claim(limits)
                except Unavailable as error:
                    _log.warning("a sandbox that waited could not be used: %s", error)
                except BaseException:
                    await sandbox.close()
                    raise
                else:
                    return sandbox
            await sandbox.close()

    def counts(self) -> list[PoolCount]:
        """What it holds and has served, for each language; nothing if it never keeps any.

        Safe from any thread.
        """
        if not self._keeps_some:
            return []
        idle: dict[str, int] = {}
        for entry in list(self._entries.values()):
            name = entry.spec.language.name
            idle[name] = idle.get(name, 0) + len(entry.idle)
        return [
            PoolCount(self.name, name, idle.get(name, 0), item.warm, item.cold, item.failures)
            for name, item in list(self._served.items())
        ]

    def answered(self) -> None:
        """A request has its answer: once that is delivered, what it used up is made anew."""
        if self._keeps_some:
            self._poke(DELIVERY_DELAY)

    async def __aenter__(self) -> Self:
        """Get ready; nothing waits before the first request."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._backend)
            if self._keeps_some:
                stack.push_async_callback(self._close_idle)
                self._tasks = await stack.enter_async_context(anyio.create_task_group())
                self._tasks.start_soon(self._keep)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Destroy every idle sandbox, then whatever the backend holds."""
        if self._keeps_some:
            self._tasks.cancel_scope.cancel()
        await self._stack.__aexit__(None, None, None)

    async def _close_idle(self) -> None:
        for entry in self._entries.values():
            while entry.idle:
                await entry.idle.pop(0).sandbox.close()

    def _remember(self, spec: SandboxSpec, sandbox: IdleSandbox) -> None:
        """Keep such sandboxes waiting from now on."""
        words = (spec.language.name, sandbox.version, sandbox.toolchain)
        toolchain = (*words, spec.environment, spec.owner)
        entry = self._entries.get(toolchain)
        if entry is None:
            if not self._has_room():
                return
            own = replace(spec, limits=self._limits)  # nothing else of it is the request's own
            entry = self._entries[toolchain] = PoolEntry(own, sandbox.version, time.monotonic())
        entry.wanted_at = time.monotonic()
        if len(self._spelt) >= MOST_SPELLINGS:
            del self._spelt[next(spelling for spelling in self._spelt if spelling[1])]
        self._spelt[_spelling(spec)] = entry

    def _has_room(self) -> bool:
        """See to it that one more kind may be remembered, if need be in the place of another."""
        if len(self._entries) < MAX_ENTRIES:
            return True
        oldest = min(self._entries, key=lambda toolchain: self._entries[toolchain].wanted_at)
        gone = self._entries[oldest]
        if gone.idle or gone.opening:
            return False
        del self._entries[oldest]
        self._spelt = {words: entry for words, entry in self._spelt.items() if entry is not gone}
        return True

    def _poke(self, delay: float) -> None:
        """Have the keeper look after so many seconds, or before."""
        due_at = time.monotonic() + delay
        if self._due_at is None or due_at < self._due_at:
            self._due_at = due_at
            self._due.set()

    async def _keep(self) -> None:
        """Does what the policy says.

        One at a time, so that a request meets little of it; while they find none, as many at
        once as there are CPUs: each waits for the kernel half of its time.
        """
        while True:
            entries = list(self._entries.values())
            now = time.monotonic()
            steps = next_steps(self._settings, [entry.state() for entry in entries], now)
            for entry, count in zip(entries, steps.close, strict=True):
                for _ in range(min(count, len(entry.idle))):
                    await entry.idle.pop(0).sandbox.close()
            under_load = now - self._missed_at < LOAD
            opening = sum(entry.opening for entry in entries)
            if steps.open is None:
                await self._rest(steps.wait)
            elif opening < (usable_cpus() if under_load else 1):
                entries[steps.open].opening += 1
                self._tasks.start_soon(self._fill, entries[steps.open])
            else:
                await self._rest(None)

    async def _rest(self, wait: float | None) -> None:
        """Wait for the moment that somebody named, or for so many seconds."""
        until = None if wait is None else time.monotonic() + wait
        while True:
            now = time.monotonic()
            ends = [end for end in (until, self._due_at) if end is not None]
            if ends and min(ends) <= now:
                self._due_at = None
                return
            self._due = anyio.Event()
            with anyio.move_on_after(_whole(min(ends) - now) if ends else None):
                await self._due.wait()

    async def _fill(self, entry: PoolEntry) -> None:
        try:
            prestarts = self._prestarts(entry)
            # The claim of a usual request then has nothing to change.
            phases = [self._limits, self._compile_limits][: len(prestarts) or 1]
            sandbox = await open_waiting(
                self._backend, entry.spec, prestarts, widest(phases), self._settings
            )
        except BaseException as error:
            if not isinstance(error, (DryboxError, OSError)):
                raise
            # What fails because everything is ending is no failure to tell anybody of.
            await anyio.lowlevel.checkpoint_if_cancelled()
            entry.failures += 1
            self._served[entry.spec.language.name].failures += 1
            entry.failed_at = time.monotonic()
            _log.warning("no sandbox could be kept waiting: %s", error)
        else:
            entry.failures = 0
            entry.size = sum(prestart.size for prestart in prestarts) or BARE_SIZE
            entry.idle.append(_Idle(time.monotonic(), sandbox))
        finally:
            entry.opening -= 1
            self._poke(0)

    def _prestarts(self, entry: PoolEntry) -> tuple[PrestartedProcess, ...]:
        language = entry.spec.language
        if not isinstance(language, WarmLanguage):
            return ()
        found = language.prestarts(entry.version, self._compile_limits, self._limits)
        environment = entry.spec.environment
        ahead = () if environment is None else environment.preload
        return tuple(prestart.preloading(ahead) for prestart in found)


def _spelling(spec: SandboxSpec) -> _Spelling:
    return spec.language.name, spec.version, spec.environment, spec.owner


def _whole(seconds: float) -> float:
    """As many milliseconds, just not a little more than whole ones.

    The clock of libuv, which uvloop has, counts whole ones: up to the next of them a deadline
    between two would come again and again, and be too early each time.
    """
    return math.ceil(seconds * 1000) / 1000 - 0.0001
