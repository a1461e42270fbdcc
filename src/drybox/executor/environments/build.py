"""Builds environments: resolves and downloads on this host, installs in a sandbox, keeps all.

Whatever happens, what was built before stays as it is until the new one is whole.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from drybox.environments.definition import definition_of, key_of, wanted_of
from drybox.environments.environment import BuiltEnvironment, Environment
from drybox.environments.lock import Lock, read_lock
from drybox.environments.resolvers.base import Progress, Target, check_lock, lock_of
from drybox.environments.resolvers.failures import BuildFailed
from drybox.environments.resolvers.registry import make_resolver
from drybox.environments.store import (
    BuildRecord,
    EnvironmentStore,
    write_whole,
)
from drybox.errors import DryboxError, InvalidRequest, Unavailable
from drybox.execution.phases import OperatorLimits
from drybox.executor.environments.install import ask_target, form_of, install, try_preload
from drybox.host.resources import usable_memory
from drybox.languages.base import EnvironmentForm
from drybox.model import GIB, ResourceLimits
from drybox.pool.pool import Pool

MEMORY_SHARE = 3
"""An environment is installed in memory, where it takes up to two thirds of this machine's."""

LOCK_DELAY = 0.2
"""Seconds between looks at whether somebody else's build has ended."""

T = TypeVar("T")


class EnvironmentBuilder:
    """Builds into a store.

    Args:
        store: The store.
        limits: The operator's limits of programs.
        operator: The operator's limits of installers; an environment may need more of memory and
            disk, and has it.
    """

    def __init__(
        self, store: EnvironmentStore, limits: ResourceLimits, operator: OperatorLimits
    ) -> None:
        self._store = store
        self._limits = limits
        self._operator = operator

    async def build(
        self, environment: Environment, pool: Pool, progress: Progress, lock: Lock | None = None
    ) -> BuildRecord:
        """Build it, unless it is there as its lock has it.

        Args:
            environment: What to build.
            pool: Opens the sandboxes to install in.
            progress: Told what is being done.
            lock: What to build it from; None for the last lock, or a new one.

        Raises:
            BuildFailed: It could not be built.
            InvalidRequest: The lock is of something else.
            Unsupported: The backend shows no environments, or has no such toolchain.
        """
        toolchain = await pool.for_environments().toolchain(environment.of, environment.version)
        key = key_of(environment, toolchain)
        held = await self._begin(key, progress)
        try:
            archives = await anyio.to_thread.run_sync(self._store.hold_archives)
            try:
                with self._explained(environment):
                    return await self._build(environment, pool, toolchain, key, progress, lock)
            finally:
                os.close(archives)
        finally:
            os.close(held)

    async def lock(self, environment: Environment, pool: Pool, progress: Progress) -> Lock:
        """Resolve it anew, and have the next build use that.

        Raises:
            BuildFailed: It could not be resolved.
        """
        toolchain = await pool.for_environments().toolchain(environment.of, environment.version)
        with self._explained(environment):
            target = await self.target(environment, pool, toolchain)
            return await self._resolve(environment, target, progress)

    @contextmanager
    def _explained(self, environment: Environment) -> Iterator[None]:
        """Tell what this host is in the way of in words.

        Raises:
            BuildFailed: A tool took too long, or the disk is full.
            Unavailable: The folder of environments cannot be used.
        """
        try:
            yield
        except TimeoutError as error:
            raise BuildFailed(
                f"environment {environment.name!r} cannot be built: {error}.",
                hint="See that what it downloads from is in reach; or leave packages out.",
            ) from error
        except OSError as error:
            raise _unwritten(self._store, error) from error

    async def _begin(self, key: str, progress: Progress) -> int:
        """Wait until nobody else on this host builds the same; a descriptor to close in the end."""
        # Cancelled meanwhile, it would leave a descriptor that nobody closes.
        begin = anyio.to_thread.run_sync
        while (held := await begin(self._store.begin, key)) is None:
            progress("Waiting for another build of the same", 0, 0)
            await anyio.sleep(LOCK_DELAY)
        return held

    async def _build(
        self,
        environment: Environment,
        pool: Pool,
        toolchain: str,
        key: str,
        progress: Progress,
        given: Lock | None,
    ) -> BuildRecord:
        target = await self.target(environment, pool, toolchain)
        known = given or await _run(lambda: self._known_lock(environment, target))
        if known is not None:
            _check_lock(known, environment, target)
            record = await _run(lambda: self._store.find(key))
            if record is not None and record.lock == known.identity:
                return record
        lock = known or await self._resolve(environment, target, progress)
        resolver = make_resolver(form_of(environment).resolver)
        check_lock(lock, resolver)
        archives = await _run(lambda: self._store.archives(environment.of.name))
        with self._store.workplace() as folder:
            stage, content, fetched = folder / "stage", folder / "content", folder / "fetched"
            for place in (stage, content, fetched):
                place.mkdir(mode=0o755)
            await _run(lambda: resolver.fetch(lock, target, archives, fetched, progress))
            packages = await _run(lambda: resolver.stage(lock, archives, stage))
            size = sum(item.size for item in packages)
            whole = size * form_of(environment).growth // 2
            most = usable_memory() // MEMORY_SHARE
            if whole > most:
                raise BuildFailed(
                    f"environment {environment.name!r} would have {whole / GIB:.1f} GiB, and at "
                    f"most {most / GIB:.1f} are installed in the memory of this machine.",
                    hint="Leave packages out of it, or make several; or build it on a machine that "
                    "has more memory.",
                )
            progress("Installing", 0, 0)
            limits = self._operator.install
            facts = await install(environment, pool, limits, stage, content, size)
            if lock.digest and facts.digest != lock.digest:
                raise BuildFailed(
                    f"environment {environment.name!r} cannot be built as it was locked: its "
                    f"content is {facts.digest}, and the lock says {lock.digest}.",
                    hint="The toolchain may be another by now. Lock it anew: drybox env lock "
                    f"{environment.name}",
                )
            await _run(lambda: self._store.keep(content, facts.digest))
        record = BuildRecord(
            key=key,
            name=environment.name,
            language=environment.of.name,
            version=await pool.version(environment.of, environment.version),
            digest=facts.digest,
            preload=tuple(environment.preload),
            packages=packages,
            size=facts.size,
            files=facts.files,
            lock=lock.identity,
            target=target.label,
            built_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            wanted=wanted_of(environment),
        )
        if environment.preload:
            progress("Importing what is preloaded", 0, 0)
            made = BuiltEnvironment(facts.digest, str(self._store.tree(facts.digest)))
            problem = await try_preload(environment, pool, self._limits, made)
            if problem:
                progress(f"Programs import for themselves: {problem}", 0, 0)
        built = lock.built(facts.digest)
        await _run(lambda: write_whole(self._lock_path(environment, target), built.to_json()))
        await _run(lambda: self._store.note(record))
        return record

    # --- what it is built from -----------------------------------------------------

    def _lock_path(self, environment: Environment, target: Target) -> Path:
        word = f"{environment.of.name}-{definition_of(environment)[:16]}-{target.digest}"
        return self._store.note_path("locks", word)

    def _known_lock(self, environment: Environment, target: Target) -> Lock | None:
        path = self._lock_path(environment, target)
        if not path.exists():
            return None
        try:
            return read_lock(path)
        except InvalidRequest:
            return None  # broken, or an older drybox's: it is resolved anew

    async def _resolve(self, environment: Environment, target: Target, progress: Progress) -> Lock:
        resolver = make_resolver(form_of(environment).resolver)
        if environment.packages or environment.requirements is not None:
            with self._store.workplace() as folder:
                lock = await _run(lambda: resolver.resolve(environment, target, folder, progress))
        else:
            lock = lock_of(environment, target, [])
        await _run(lambda: write_whole(self._lock_path(environment, target), lock.to_json()))
        return lock

    async def target(self, environment: Environment, pool: Pool, toolchain: str) -> Target:
        """What packages must fit; asked once for each toolchain.

        Args:
            environment: Whose packages.
            pool: Opens the sandbox in which that is asked.
            toolchain: A word for the toolchain.

        Raises:
            BuildFailed: The toolchain does not say.
        """
        path = self._store.note_path("targets", f"{environment.of.name}-{toolchain}")
        form = form_of(environment)
        known = await _run(lambda: _read_target(path, form))
        if known is not None:
            return known
        with self._store.workplace() as folder:
            nothing = folder / "stage"
            nothing.mkdir(mode=0o755)
            target = await ask_target(environment, pool, self._limits, nothing)
        document = {"probe": form.probe, "facts": target.facts}
        await _run(lambda: write_whole(path, json.dumps(document)))
        return target


async def _run(work: Callable[[], T]) -> T:
    """Do what blocks. Cancelled, it goes on to its end and nobody waits."""
    return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)


def _read_target(path: Path, form: EnvironmentForm) -> Target | None:
    try:
        document = json.loads(path.read_text("utf-8"))
        if tuple(document["probe"]) == form.probe:
            return Target(document["facts"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _check_lock(lock: Lock, environment: Environment, target: Target) -> None:
    name = environment.name
    if lock.definition != definition_of(environment) or lock.language != environment.of.name:
        raise InvalidRequest(
            "lock",
            f"it is of other packages than environment {name!r} names",
            hint=f"Lock it anew: drybox env lock {name}",
        )
    if lock.target_digest != target.digest:
        raise InvalidRequest(
            "lock",
            f"it is for {lock.target}, and this toolchain is {target.label}",
            hint=f"Lock it anew on this machine: drybox env lock {name}",
        )


def _unwritten(store: EnvironmentStore, error: OSError) -> DryboxError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return BuildFailed(
            f"the disk of {store.folder} is full. What was built before is as it was.",
            hint="Make room, or 'drybox env prune'; or set environment_dir to another disk.",
        )
    return Unavailable(
        f"the folder of environments {store.folder} cannot be used: {error.strerror}.",
        hint="Set environment_dir in the configuration to a folder that can.",
    )
