"""The async executor: takes requests, chooses the backend, limits concurrency."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from anyio.abc import TaskGroup

from drybox.backends.base import Support
from drybox.backends.registry import make_backend
from drybox.backends.selection import BackendSelector
from drybox.errors import InvalidRequest, Rejected, Unavailable
from drybox.execution.compile_cache import make_cache
from drybox.execution.cpu_meter import CpuMeter
from drybox.execution.kill_switch import KillSwitch
from drybox.execution.outcome import nothing_ran
from drybox.execution.phases import Emit, OperatorLimits
from drybox.execution.run import Execution, new_id
from drybox.execution.validation import check_caps, check_isolation, check_timeout, make_job
from drybox.executor.background_tasks import BackgroundTasks
from drybox.executor.base import Executor
from drybox.executor.event_stream import EventStream
from drybox.executor.inventory import Inventory, usable_isolations
from drybox.executor.many import Done, listed, run_all
from drybox.executor.settings import ExecutorSettings, takes_settings
from drybox.executor.slots import Slots
from drybox.hooks.hooks import Hooks
from drybox.job import ExecutionCaps, Job, Source
from drybox.languages.base import Language
from drybox.model import (
    ExecutionRequest,
    ExecutionResult,
    LanguageInfo,
    PoolCount,
    PreparationProgress,
    ResourceLimits,
)
from drybox.monitoring.observers import Observer, Observers
from drybox.pool.pool import NO_POOL, Pool

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from drybox.environments.info import EnvironmentInfo
    from drybox.executor.environments.environments import Environments
    from drybox.sessions.base import AsyncSession
    from drybox.sessions.request import SessionFields, SessionRequest
    from drybox.sessions.results import Snapshot
    from drybox.sessions.snapshots.store import SnapshotStore
    from drybox.sessions.store import SessionStore


class AsyncCodeExecutor(Executor):
    """Runs code in sandboxes, from async code.

    Use it in ``async with``, or ``await`` :meth:`open` and :meth:`aclose`, from whichever tasks.

    The arguments are the fields of :class:`drybox.executor.settings.ExecutorSettings`.

    Attributes:
        concurrency: Sandboxes that run at once.

    Raises:
        InvalidRequest: One of these is wrong.
    """

    @takes_settings(ExecutorSettings)
    def __init__(self, settings: ExecutorSettings) -> None:
        self._settings = settings
        self._defaults = settings.defaults()
        self._operator = settings.operator_limits()
        self._hooks = Hooks(settings.hooks, check_timeout(settings.hook_timeout, "hook_timeout"))
        self._observers = Observers(settings.observers)
        self._allow_weaker = settings.weaker()
        self._cache = make_cache(settings.compile_cache)
        self.concurrency = settings.slots()
        wait = settings.queue_timeout
        self._queue_timeout = None if wait is None else check_timeout(wait, "queue_timeout")
        self._slots: Slots
        self._selector: BackendSelector[Pool]
        self._inventory: Inventory
        self._sessions: SessionStore | None = None
        self._tasks = BackgroundTasks()
        self._opened: TaskGroup | None = None

    @classmethod
    def from_settings(cls, settings: ExecutorSettings) -> Self:
        """An executor of settings that are there already."""
        return cls(**settings.changed())

    @property
    def timeout(self) -> float:
        """Wall seconds of a run phase, where the request names none."""
        return self._defaults.timeout

    @property
    def limits(self) -> ResourceLimits:
        """Limits of a run phase, where the request names none."""
        return self._defaults.limits

    @property
    def isolation(self) -> str:
        """The isolation, where the request names none."""
        return self._defaults.isolation

    @property
    def installs(self) -> bool:
        """Whether a request may ask for packages: there is a folder of them."""
        return bool(self._defaults.package_dir)

    @property
    def operator(self) -> OperatorLimits:
        """Limits of the phases before ``run``."""
        return self._operator

    async def open(self) -> Self:
        """Get ready; what is costly waits for the first request. Idempotent.

        Any task of the event loop may open it, use it and close it.

        Raises:
            InvalidRequest: It is open in another event loop.
        """
        tasks = await self._tasks.open()
        if self._opened is not tasks:  # else another task has opened it
            self._opened = tasks
            self._slots = Slots(self.concurrency, self._queue_timeout)
            self._selector = BackendSelector(tasks, self._make_pool, self._settings.docker)
            self._inventory = Inventory(self._selector, self._defaults)
            self._sessions = None
        return self

    async def aclose(self) -> None:
        """End what still runs and take everything away. Idempotent."""
        await self._tasks.close()
        if "_environments" in vars(self):
            self._environments.release()
        if self._cache is not None:
            self._cache.clear()
        if "_snapshots" in vars(self):
            self._snapshots.close()

    def prepare(
        self, request: ExecutionRequest, meter: CpuMeter | None = None
    ) -> Callable[[], Coroutine[None, None, ExecutionResult]]:
        """Check a request now; what this returns runs it, and raises what :meth:`execute` would."""
        language, job = make_job(request, self._defaults)
        return lambda: self._execute(new_id(), language, job, None, meter=meter)

    async def execute_many(
        self, requests: Sequence[ExecutionRequest], *, progress: Done | None = None
    ) -> list[ExecutionResult]:
        """Run requests side by side; see :meth:`drybox.executor.base.Executor.execute_many`."""
        for request in (requests := listed(requests)):
            make_job(request, self._defaults)
        self._open_tasks()

        async def run(index: int) -> ExecutionResult:
            id, (language, job) = new_id(), make_job(requests[index], self._defaults)
            try:
                return await self._execute(id, language, job, None)
            except (Unavailable, InvalidRequest, Rejected) as error:
                return nothing_ran(id, language, job, error)

        return await run_all(run, len(requests), self.concurrency, progress)

    def _stream(
        self, request: ExecutionRequest, stdin: Source | None, caps: ExecutionCaps
    ) -> EventStream:
        return self.follow(request, stdin, caps)

    def follow(
        self,
        request: ExecutionRequest,
        stdin: Source | None,
        caps: ExecutionCaps,
        meter: CpuMeter | None = None,
    ) -> EventStream:
        """What :meth:`stream` does, and tell a meter what it took of the processor."""
        language, job = make_job(request, self._defaults)
        job = replace(job, caps=check_caps(caps))
        switch = KillSwitch()

        async def run(emit: Emit) -> None:
            await self._execute(new_id(), language, job, emit, stdin, switch, meter)

        return EventStream(self._open_tasks(), run, switch)

    async def open_session(
        self, request: SessionRequest | str, **fields: Unpack[SessionFields]
    ) -> AsyncSession:
        """Open a session; see :meth:`drybox.executor.base.Executor.open_session`."""
        from drybox.sessions.opening import make_session
        from drybox.sessions.store import Wanted

        self._open_tasks()
        language, job, terms, snapshot = make_session(request, fields, self._defaults)
        pool = await self._selector.choose(job.isolation, language, job.version)
        job, environment = await self._environments.find(job, pool)
        return await self._session_store().open(
            Wanted(new_id(), language, job, pool, environment, terms, snapshot)
        )

    async def sessions(self) -> list[AsyncSession]:
        """The sessions that are open, the oldest first."""
        self._open_tasks()
        return [] if self._sessions is None else [*self._sessions.list()]

    async def snapshots(self) -> list[Snapshot]:
        """The snapshots that sessions can begin with, the oldest first."""
        return await self._snapshots.list()

    async def remove_snapshot(self, snapshot: Snapshot | str) -> None:
        """Remove a snapshot; see :meth:`drybox.executor.base.Executor.remove_snapshot`."""
        await self._snapshots.remove(snapshot)

    async def check(self) -> list[Support]:
        """What each isolation can guarantee on this host, in the order of their words."""
        self._open_tasks()
        return await self._inventory.check()

    def isolations(self) -> list[str]:
        """The words that ``isolation`` takes on this host, without asking whether they work."""
        return usable_isolations(self._settings.docker)

    async def probe(self, language: str) -> None:
        """Open a sandbox as a plain request would, and give it up: no hook or observer is told.

        Raises:
            Unsupported: A guarantee cannot be enforced here.
            Unavailable: No sandbox could be had.
        """
        self._open_tasks()
        await self._inventory.probe(language)

    async def languages(self) -> list[LanguageInfo]:
        """Every known language, and the version that the default isolation would run."""
        self._open_tasks()
        return await self._inventory.languages()

    async def language(self, name: str) -> LanguageInfo:
        """One of them, by name or alias. The first time an image may have to be prepared."""
        self._open_tasks()
        return await self._inventory.language(name)

    async def environments(self) -> list[EnvironmentInfo]:
        """The environments that requests may name; built is what is, for the default isolation."""
        self._open_tasks()
        return await self._environments.list(self._selector, self.isolation)

    async def build_environment(
        self,
        name: str,
        *,
        isolation: str | None = None,
        lock: str | os.PathLike[str] | None = None,
        progress: Callable[[str, int, int], None] = lambda what, done, total: None,
    ) -> EnvironmentInfo:
        """Build one now, unless it is there already; the first request that names it would.

        Args:
            name: Its name.
            isolation: The isolation that it is built for; the default one if None.
            lock: A file that it is built from, of ``drybox env lock``; None for the newest lock.
            progress: Told what is being done, how much of it is, and of how much; 0 if unknown.

        Raises:
            InvalidRequest: There is none of that name, or the lock is of another one.
            Unsupported: The isolation has no environments.
            Unavailable: It could not be built; what was there before is as it was.
        """
        self._open_tasks()
        given = None if lock is None else Path(lock)
        wanted = self.isolation if isolation is None else check_isolation(isolation)
        return await self._environments.build(name, self._selector, wanted, progress, given)

    async def lock_environment(
        self,
        name: str,
        *,
        isolation: str | None = None,
        progress: Callable[[str, int, int], None] = lambda what, done, total: None,
    ) -> str:
        """Find out anew which packages one consists of; the next build has those.

        The arguments are those of :meth:`build_environment`.

        Returns:
            The lock: a document in JSON, with a hash of every archive.

        Raises:
            InvalidRequest: There is none of that name.
            Unavailable: It could not be resolved.
        """
        self._open_tasks()
        wanted = self.isolation if isolation is None else check_isolation(isolation)
        found = await self._environments.lock(name, self._selector, wanted, progress)
        return found.to_json()

    async def prepare_languages(self) -> None:
        """Make what programs of each language need, before somebody asks for it."""
        self._open_tasks()
        await self._inventory.prepare()

    def preparations(self) -> list[PreparationProgress]:
        """What is being made before programs can run, and how far it is. Safe from any thread."""
        pools = self._selector.opened() if self._tasks.group else ()
        return [item for pool in pools for item in pool.preparations()]

    def observe(self, observer: Observer) -> None:
        """Have one more observer follow the executions that begin from now on."""
        self._observers.add(observer)

    def pools(self) -> list[PoolCount]:
        """What the pools hold and have served so far, by isolation and language."""
        pools = self._selector.opened() if self._tasks.group else ()
        return [count for pool in pools for count in pool.counts()]

    async def _execute(
        self,
        id: str,
        language: Language,
        job: Job,
        emit: Emit | None,
        stdin: Source | None = None,
        switch: KillSwitch | None = None,
        meter: CpuMeter | None = None,
    ) -> ExecutionResult:
        self._open_tasks()
        observation = self._observers.start(id, job)
        try:
            await self._slots.acquire(observation)
            try:
                observation.enter("claim")
                pool = await self._selector.choose(
                    job.isolation, language, job.version, installs=bool(job.packages)
                )
                observation.choose(pool.name)
                environment = None
                if job.environment:
                    job, environment = await self._environments.find(job, pool)
                run = Execution(
                    *(id, job, language, pool, self._operator, emit, stdin, self._hooks),
                    *(observation, switch, self._cache, meter, environment),
                )
                try:
                    result = await run.run()
                finally:
                    pool.answered()
            finally:
                self._slots.release()
        except BaseException as error:
            observation.finish(None, error)
            raise
        observation.finish(result, None)
        return result

    @cached_property
    def _environments(self) -> Environments:
        from drybox.executor.environments.environments import make_environments  # few runs name one

        return make_environments(self._settings)

    def _session_store(self) -> SessionStore:
        if self._sessions is None:
            from drybox.sessions.store import make_store  # most executors have no sessions

            self._sessions = make_store(
                *(self._open_tasks(), self._hooks, self._operator, self._defaults, self._snapshots),
                *(self._settings.session_bounds(), self._settings.pool, self._observers),
                self._slots.held if self._settings.session_slots else None,
            )
        return self._sessions

    @cached_property
    def _snapshots(self) -> SnapshotStore:
        from drybox.sessions.snapshots.store import SnapshotStore  # most executors have none

        return SnapshotStore(*self._settings.snapshots())

    def _make_pool(self, isolation: str) -> Pool:
        settings, weaker = self._settings, self._allow_weaker
        docker, progress = settings.docker, settings.progress
        backend = make_backend(isolation, allow_weaker=weaker, progress=progress, docker=docker)
        return Pool(backend, settings.pool or NO_POOL, self.limits, self._operator.compile)

    def _open_tasks(self) -> TaskGroup:
        tasks = self._tasks.here()
        if tasks is None:
            raise InvalidRequest(
                "executor",
                "it is not open",
                hint="Use it in 'async with AsyncCodeExecutor()', or call 'await open()' before.",
            )
        return tasks
