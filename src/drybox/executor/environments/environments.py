"""The environments of an executor: finds for a job the one that it names, and builds it at need."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from drybox.backends.selection import BackendSelector
from drybox.environments.definition import key_of
from drybox.environments.environment import BuiltEnvironment, Environment, find_environment
from drybox.environments.info import EnvironmentInfo, PackageInfo
from drybox.environments.store import BuildRecord, EnvironmentStore
from drybox.errors import DryboxError, Unavailable
from drybox.executor.settings import ExecutorSettings
from drybox.job import Job
from drybox.pool.pool import Pool

if TYPE_CHECKING:
    from drybox.environments.lock import Lock
    from drybox.environments.resolvers.base import Progress
    from drybox.executor.environments.build import EnvironmentBuilder

KNOWN_TTL = 5.0
"""Seconds until it is looked at again whether an environment was built anew."""

RETRY_DELAY = 60.0
"""Seconds for which requests are told of a build that failed, before another one is tried."""


class Environments:
    """What requests may name, and where it is.

    Args:
        known: The environments, by name.
        store: Where they are kept.
        make_builder: Makes what builds into that store, the first time that something is built.
        progress: Told a line of text when a request has one built.
        slots: How many requests run at once. Half of them at most wait for builds.
    """

    def __init__(
        self,
        known: Mapping[str, Environment],
        store: EnvironmentStore,
        make_builder: Callable[[], EnvironmentBuilder],
        progress: Callable[[str], None],
        slots: int = 2,
    ) -> None:
        self._known = known
        self._store = store
        self._make_builder = make_builder
        self._progress = progress
        self._used: dict[str, tuple[float, BuiltEnvironment]] = {}
        self._building = anyio.Lock()
        self._uses: dict[str, anyio.Lock] = {}
        self._in_build: set[str] = set()
        self._most_waiting = max(1, slots // 2)
        self._waiting = 0
        self._failed: dict[str, tuple[float, DryboxError]] = {}
        self._fit: set[tuple[str, str]] = set()

    async def find(self, job: Job, pool: Pool) -> tuple[Job, BuiltEnvironment | None]:
        """The environment of a job as a backend's sandboxes have it.

        Returns:
            The job, with the digest of its environment in it, and the environment; None for none.

        Raises:
            Unsupported: The backend shows no environments.
            Unavailable: It is not built, and cannot be.
        """
        if not job.environment:
            return job, None
        environment = self._known[job.environment]
        toolchain = await pool.for_environments().toolchain(environment.of, job.version)
        if job.language != environment.of.name:
            await self._require_fit(environment, toolchain, job, pool)
        word = f"{environment.name}/{toolchain}"
        until, built = self._used.get(word, (0.0, None))
        if built is None or time.monotonic() > until:
            async with self._wait(environment, word):
                built = await self._use(replace_version(environment, job.version), pool, toolchain)
        return replace(job, environment=f"{environment.name}@{built.digest}"), built

    async def _require_fit(
        self, environment: Environment, toolchain: str, job: Job, pool: Pool
    ) -> None:
        """See that packages of one language fit the toolchain of another.

        Raises:
            Unavailable: They do not, as behind a container's isolation, where the images differ.
        """
        own = replace(environment, language=job.language)
        other = await pool.for_environments().toolchain(own.of, job.version)
        if other == toolchain or (toolchain, other) in self._fit:
            return
        builder = self._make_builder()
        targets = [
            await builder.target(replace_version(item, job.version), pool, word)
            for item, word in ((environment, toolchain), (own, other))
        ]
        if targets[0].digest != targets[1].digest:
            raise Unavailable(
                f"environment {environment.name!r} is for {targets[0].label}, and {own.of.title} "
                f"runs in {targets[1].label} here.",
                hint=f'Make another one, with language = "{job.language}".',
            )
        self._fit.add((toolchain, other))

    @asynccontextmanager
    async def _wait(self, environment: Environment, word: str) -> AsyncIterator[None]:
        """Be the only request that looks for this environment, and perhaps builds it.

        Raises:
            Unavailable: So many wait for builds that those of other environments would wait too.
        """
        lock = self._uses.setdefault(word, anyio.Lock())
        if word in self._in_build and self._waiting >= self._most_waiting:
            raise _being_built(environment)
        self._waiting += 1
        try:
            async with lock:
                yield
        finally:
            self._waiting -= 1

    async def build(
        self,
        name: str,
        selector: BackendSelector[Pool],
        isolation: str,
        progress: Progress,
        lock: Path | None = None,
    ) -> EnvironmentInfo:
        """Build one now; see :meth:`drybox.AsyncCodeExecutor.build_environment`."""
        from drybox.environments.lock import read_lock

        given = None if lock is None else await anyio.to_thread.run_sync(read_lock, lock)
        environment = find_environment(name, self._known)
        pool = await selector.choose(isolation, environment.of, environment.version, installs=True)
        record = await self._make_builder().build(environment, pool, progress, given)
        self._used = {}
        self._failed = {}
        return describe(environment, record)

    async def lock(
        self, name: str, selector: BackendSelector[Pool], isolation: str, progress: Progress
    ) -> Lock:
        """Resolve one anew."""
        environment = find_environment(name, self._known)
        pool = await selector.choose(isolation, environment.of, environment.version, installs=True)
        return await self._make_builder().lock(environment, pool, progress)

    async def list(self, selector: BackendSelector[Pool], isolation: str) -> list[EnvironmentInfo]:
        """All of them, and what of each is built."""
        found = []
        for environment in self._known.values():
            hint = f"Build it: drybox env build {environment.name}"
            try:
                pool = await selector.choose(isolation, environment.of, environment.version)
                toolchain = await pool.for_environments().toolchain(
                    environment.of, environment.version
                )
                key = key_of(environment, toolchain)
                record = await anyio.to_thread.run_sync(self._store.find, key)
            except DryboxError as error:
                record, hint = None, error.hint
            found.append(describe(environment, record, hint))
        return found

    def release(self) -> None:
        """Let go of what is in use."""
        self._used = {}
        self._store.release()

    async def _use(self, environment: Environment, pool: Pool, toolchain: str) -> BuiltEnvironment:
        word, run = f"{environment.name}/{toolchain}", anyio.to_thread.run_sync
        until, used = self._used.get(word, (0.0, None))
        if used is not None and time.monotonic() <= until:
            return used
        failed_at, failure = self._failed.get(word, (0.0, None))
        if failure is not None and time.monotonic() < failed_at + RETRY_DELAY:
            raise failure
        record = await run(lambda: self._store.find(key_of(environment, toolchain)))
        if record is not None:
            used = await run(self._store.use, record)
        elif used is None:  # else it was removed, and what is in use stays
            if self._in_build and self._waiting > self._most_waiting:
                raise _being_built(environment)
            self._in_build.add(word)
            try:
                async with self._building:  # one after the other, however many are asked for
                    record = await self._build_now(environment, pool, word)
            finally:
                self._in_build.discard(word)
            used = await run(self._store.use, record)
        self._used[word] = time.monotonic() + KNOWN_TTL, used
        return used

    async def _build_now(self, environment: Environment, pool: Pool, word: str) -> BuildRecord:
        last = ""

        def tell(what: str, done: int, total: int) -> None:
            nonlocal last
            if what != last:
                last = what
                self._progress(f"Environment {environment.name}: {what}")

        try:
            return await self._make_builder().build(environment, pool, tell)
        except Unavailable as error:
            self._failed[word] = time.monotonic(), error
            raise


def _being_built(environment: Environment) -> Unavailable:
    return Unavailable(
        f"environment {environment.name!r} waits to be built, and so do enough requests.",
        hint="Nothing ran. Try again in a minute; or build it before requests come: "
        f"drybox env build {environment.name}",
    )


def replace_version(environment: Environment, version: str) -> Environment:
    """The environment for the version of its language that a request asks for."""
    if version == environment.version:
        return environment
    name = environment.of.name
    return replace(environment, language=f"{name}@{version}" if version else name)


def describe(
    environment: Environment, record: BuildRecord | None, hint: str = ""
) -> EnvironmentInfo:
    """What is to be known of an environment.

    Args:
        environment: It.
        record: What was built of it; None for nothing.
        hint: What to do about that.
    """
    name, language, preload = environment.name, environment.of.name, tuple(environment.preload)
    if record is None:
        wanted = tuple(PackageInfo(word, None) for word in environment.packages)
        return EnvironmentInfo(
            *(name, language, None, wanted, preload, False), hint=hint, languages=environment.serves
        )
    packages = tuple(
        PackageInfo(item.name, item.version, item.licence, item.size) for item in record.packages
    )
    return EnvironmentInfo(
        *(name, language, record.version, packages, preload, True),
        *(record.digest, record.size, record.target, record.built_at),
        languages=environment.serves,
    )


def make_environments(settings: ExecutorSettings) -> Environments:
    """The environments of an executor with these settings.

    Raises:
        InvalidRequest: One of these is wrong.
    """
    store, defaults = EnvironmentStore(settings.environment_dir), settings.defaults()

    def make_builder() -> EnvironmentBuilder:
        from drybox.executor.environments.build import EnvironmentBuilder  # few runs need it

        return EnvironmentBuilder(store, defaults.limits, settings.operator_limits())

    return Environments(
        defaults.environments, store, make_builder, settings.progress, settings.slots()
    )
