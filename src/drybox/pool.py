"""Idle sandboxes over any backend: what ``pool_policy`` decides, done.

A sandbox waits for one request and is destroyed after it, like any other. New ones are made
while nothing else is to do: after an answer, or when a request takes its time.
"""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

from drybox.capacity import usable_cpus
from drybox.errors import DryboxError
from drybox.model import MIB, Command, ResourceLimits
from drybox.pool_policy import Shelf, most_lacking, next_steps
from drybox.protocols import Backend, Language, Sandbox, SandboxSpec, Support
from drybox.settings import PoolSettings
from drybox.warm import IdleSandbox, Runner, WarmLanguage, WarmSandbox, widest

if TYPE_CHECKING:
    from typing_extensions import Self

LULL = 0.05
"""Seconds after a claim when the pool refills although the request has no answer yet."""

DELIVERY = 0.002
"""Seconds that an answer takes at most to whoever asked, in another thread perhaps."""

LOAD = 1.0
"""Seconds for which requests count as many after one that found no sandbox."""

BARE_SIZE = 4 * MIB
"""Bytes of an idle sandbox in which no runner waits."""

MOST_KINDS = 64
"""Kinds of requests that are remembered."""

REMEMBERED = 8
"""Requests of a kind, the last ones, that the next idle sandboxes are made after."""

_log = logging.getLogger("drybox.pool")


@dataclass(frozen=True, slots=True)
class _Form:
    """What a request would have liked to find waiting: all that is remembered of it."""

    runners: tuple[Runner, ...]
    limits: ResourceLimits


@dataclass(frozen=True, slots=True, eq=False)
class _Idle:
    """A sandbox that waits, and what waits in it."""

    born: float
    sandbox: IdleSandbox
    runners: tuple[Runner, ...]

    def serves(self, commands: Sequence[Command]) -> int:
        """How many of a request's commands find a runner."""
        return sum(any(runner.fits(command) for runner in self.runners) for command in commands)


@dataclass(slots=True)
class _Kind:
    """One kind of sandbox: what came of late, and those that wait."""

    spec: SandboxSpec
    wanted_at: float
    size: int = BARE_SIZE
    failures: int = 0
    failed_at: float = 0.0
    opening: int = 0
    making: list[tuple[Runner, ...]] = field(default_factory=list)
    news: list[tuple[SandboxSpec, str]] = field(default_factory=list)
    asked: deque[_Form] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    idle: list[_Idle] = field(default_factory=list)

    def shelf(self) -> Shelf:
        born = tuple(item.born for item in self.idle)
        return Shelf(self.wanted_at, born, self.size, self.failures, self.failed_at, self.opening)

    def take(self, commands: Sequence[Command]) -> IdleSandbox:
        """The one that serves a request best; of those the oldest."""
        first = best = self.idle[0]
        if any(item.runners != first.runners for item in self.idle):
            best = max(self.idle, key=lambda item: item.serves(commands))
        self.idle.remove(best)
        return best.sandbox

    def learn(self) -> None:
        """Make what is remembered of the requests that came, and let go of the rest."""
        for spec, version in self.news:
            self.asked.append(_form(spec, version))
        self.news.clear()

    def next_form(self) -> _Form:
        """What the next one is to wait for: of what came of late that which too few wait for."""
        self.learn()
        runners = [form.runners for form in self.asked]
        there = [*(item.runners for item in self.idle), *self.making]
        return self.asked[most_lacking(runners, there)]


@dataclass(frozen=True, slots=True)
class PoolCount:
    """What a pool holds of one language, and has served since it was made.

    Attributes:
        isolation: The wall.
        language: The language.
        idle: Sandboxes that wait now.
        warm: Requests that found one waiting.
        cold: Requests for which one had to be made.
        failures: Tries to make one that was to wait, and that failed.
    """

    isolation: str
    language: str
    idle: int
    warm: int
    cold: int
    failures: int


@dataclass(slots=True)
class _Served:
    warm: int = 0
    cold: int = 0
    failures: int = 0


_Key = tuple[str, str, str, int]


class Pool:
    """A backend that keeps sandboxes of another waiting. Enter it like any other.

    Args:
        backend: What makes the sandboxes.
        settings: How many to keep.
    """

    def __init__(self, backend: Backend, settings: PoolSettings) -> None:
        self.name = backend.name
        self._backend = backend
        self._settings = settings
        self._kinds: dict[_Key, _Kind] = {}
        self._served: dict[str, _Served] = {}
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

    async def serves(self, language: Language, version: str, *, installs: bool = False) -> bool:
        """Whether the backend can serve such a request."""
        return await self._backend.serves(language, version, installs=installs)

    async def open(self, spec: SandboxSpec) -> Sandbox:
        """A sandbox that waited for such a request, else a new one."""
        served = self._served.get(spec.language.name)
        if served is None:
            served = self._served[spec.language.name] = _Served()
        kind = None if spec.package_dir else self._kinds.get(_key(spec))
        if kind is not None:
            kind.wanted_at = time.monotonic()
            self._poke(LULL)
            while kind.idle:
                waiting = kind.take(spec.commands)
                if waiting.is_alive():
                    served.warm += 1
                    kind.news.append((spec, waiting.version))
                    return waiting
                await waiting.close()
            self._missed_at = time.monotonic()
        sandbox = await self._backend.open(spec)
        served.cold += 1
        if kind is None and not spec.package_dir and isinstance(sandbox, WarmSandbox):
            kind = self._remember(spec)
        if kind is not None:
            kind.news.append((spec, sandbox.version))
        return sandbox

    def counts(self) -> list[PoolCount]:
        """What it holds and has served, for each language; safe from any thread."""
        idle: dict[str, int] = {}
        for kind in list(self._kinds.values()):
            name = kind.spec.language.name
            idle[name] = idle.get(name, 0) + len(kind.idle)
        return [
            PoolCount(self.name, name, idle.get(name, 0), item.warm, item.cold, item.failures)
            for name, item in list(self._served.items())
        ]

    def answered(self) -> None:
        """A request has its answer: once that is delivered, what it used up is made anew."""
        self._poke(DELIVERY)

    async def __aenter__(self) -> Self:
        """Get ready; nothing waits before the first request."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._backend)
            stack.push_async_callback(self._close_idle)
            self._tasks = await stack.enter_async_context(anyio.create_task_group())
            self._tasks.start_soon(self._keep)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Destroy every idle sandbox, then whatever the backend holds."""
        self._tasks.cancel_scope.cancel()
        await self._stack.__aexit__(None, None, None)

    async def _close_idle(self) -> None:
        for kind in self._kinds.values():
            while kind.idle:
                await kind.idle.pop(0).sandbox.close()

    def _remember(self, spec: SandboxSpec) -> _Kind | None:
        if _key(spec) in self._kinds:
            return self._kinds[_key(spec)]  # requests of a new kind came side by side
        while len(self._kinds) >= MOST_KINDS:
            oldest = min(self._kinds, key=lambda key: self._kinds[key].wanted_at)
            if self._kinds[oldest].idle or self._kinds[oldest].opening:
                return None
            del self._kinds[oldest]
        kind = self._kinds[_key(spec)] = _Kind(replace(spec, commands=()), time.monotonic())
        return kind

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
            kinds = list(self._kinds.values())
            for kind in kinds:
                kind.learn()
            now = time.monotonic()
            steps = next_steps(self._settings, [kind.shelf() for kind in kinds], now)
            for kind, count in zip(kinds, steps.close, strict=True):
                for _ in range(min(count, len(kind.idle))):
                    await kind.idle.pop(0).sandbox.close()
            under_load = now - self._missed_at < LOAD
            opening = sum(kind.opening for kind in kinds)
            if steps.open is None:
                await self._rest(steps.wait)
            elif opening < (usable_cpus() if under_load else 1):
                kinds[steps.open].opening += 1
                self._tasks.start_soon(self._fill, kinds[steps.open])
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

    async def _fill(self, kind: _Kind) -> None:
        sandbox: Sandbox | None = None
        form: _Form | None = None
        try:
            sandbox = await self._backend.open(kind.spec)
            form = kind.next_form()
            kind.making.append(form.runners)
            assert isinstance(sandbox, WarmSandbox), "the first of its kind was one"
            if form.runners:
                await sandbox.warm(form.runners, form.limits)
                kind.size = sum(runner.size for runner in form.runners)
        except BaseException as error:
            if sandbox is not None:
                await sandbox.close()
            if not isinstance(error, (DryboxError, OSError)):
                raise
            # What fails because everything is ending is no failure to tell anybody of.
            await anyio.lowlevel.checkpoint_if_cancelled()
            kind.failures += 1
            self._served[kind.spec.language.name].failures += 1
            kind.failed_at = time.monotonic()
            _log.warning("no sandbox could be kept waiting: %s", error)
        else:
            kind.failures = 0
            kind.idle.append(_Idle(time.monotonic(), sandbox, form.runners))
        finally:
            kind.opening -= 1
            if form is not None:
                kind.making.remove(form.runners)
            self._poke(0)


def _whole(seconds: float) -> float:
    """As many milliseconds, just not a little more than whole ones.

    The clock of libuv, which uvloop has, counts whole ones: up to the next of them a deadline
    between two would come again and again, and be too early each time.
    """
    return math.ceil(seconds * 1000) / 1000 - 0.0001


def _key(spec: SandboxSpec) -> _Key:
    """What requests must have in common: other limits are set when a sandbox is claimed."""
    return spec.language.name, spec.version, spec.isolation, spec.limits.disk


def _form(spec: SandboxSpec, version: str) -> _Form:
    if not isinstance(spec.language, WarmLanguage) or not spec.commands:
        return _Form((), spec.limits)
    runners = spec.language.runners(version, spec.commands)
    return _Form(runners, widest([command.limits for command in spec.commands]))
