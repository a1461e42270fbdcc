"""What an async user holds: takes requests, chooses the backend, bounds what runs at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import replace
from types import TracebackType

import anyio
from anyio.abc import TaskGroup

from drybox.backends import EVERY_WALL, make_backend, may_serve
from drybox.capacity import concurrency_for
from drybox.compile_cache import make_cache
from drybox.errors import DryboxError, InvalidRequest, Rejected, Unavailable
from drybox.event_stream import EventStream
from drybox.execution import Emit, Execution, OperatorLimits, new_id
from drybox.hooks import HOOK_TIMEOUT, Hooks
from drybox.kill_switch import KillSwitch
from drybox.languages import find_language, known_languages
from drybox.model import (
    UNBOUNDED,
    Bounds,
    ExecutionRequest,
    ExecutionResult,
    LanguageInfo,
    ResourceLimits,
)
from drybox.observation import Observation, Observer, Observers
from drybox.outcome import nothing_ran
from drybox.packages import check_package_dir
from drybox.pool import Pool, PoolCount
from drybox.protocols import Backend, Job, Language, Source, Support
from drybox.settings import COMPILE_CACHE, COMPILE_LIMITS, DockerSettings, PoolSettings
from drybox.validation import (
    Defaults,
    check_bounds,
    check_isolation,
    check_limits,
    check_timeout,
    make_job,
)
from drybox.walls import Walls

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup


class AsyncCodeExecutor:
    """Runs code in sandboxes, from async code. Use it in ``async with``.

    Args:
        timeout: Wall seconds of a run phase, where the request names none.
        limits: Limits of a run phase, where the request names none.
        isolation: The wall, where the request names none.
        hooks: Callables or objects that follow every execution and may refuse it; see
            :class:`drybox.hooks.Hooks`.
        hook_timeout: Wall seconds that one call of a hook may take.
        allow_weaker: Guarantees that may be missing on this host: ``memory``, ``cpus``,
            ``pids``, ``seccomp``. What is missing and not named here is refused.
        concurrency: Sandboxes that run at once; by default :mod:`drybox.capacity` says how many.
        queue_timeout: Seconds that a request waits at most, then it is Unavailable; None: no end.
        compile_timeout: Wall seconds a compiler may take.
        compile_limits: Limits of compilers.
        package_dir: Folder of the host that packages are installed from, with one folder for
            each language: ``python``, ``node``, ``go``, ``java``. None refuses packages.
        install_timeout: Wall seconds an installer may take.
        install_limits: Limits of installers.
        progress: Called with a line of text before something is prepared that takes seconds.
        docker: Which daemon, images and runtimes the walls made of containers use.
        pool: How many sandboxes wait for requests of a kind that came before; None for none.
        observers: Are told of every stage of every execution, and have no say; see
            :class:`drybox.observation.Observer`.
        compile_cache: Bytes of what compilers made that are kept for programs that come again, in
            memory and until the executor is closed; None or 0 for none.

    Attributes:
        concurrency: Sandboxes that run at once.

    Raises:
        InvalidRequest: One of these is wrong.
    """

    def __init__(
        self,
        timeout: float = 30.0,
        limits: ResourceLimits | None = None,
        isolation: str = "auto",
        *,
        hooks: Iterable[object] = (),
        hook_timeout: float = HOOK_TIMEOUT,
        allow_weaker: Iterable[str] = (),
        concurrency: int | None = None,
        queue_timeout: float | None = None,
        compile_timeout: float = 60.0,
        compile_limits: ResourceLimits = COMPILE_LIMITS,
        package_dir: str | os.PathLike[str] | None = None,
        install_timeout: float = 120.0,
        install_limits: ResourceLimits = COMPILE_LIMITS,
        progress: Callable[[str], None] = lambda _: None,
        docker: DockerSettings | None = None,
        pool: PoolSettings | None = PoolSettings(),  # noqa: B008 - frozen
        observers: Iterable[Observer] = (),
        compile_cache: int | None = COMPILE_CACHE,
    ) -> None:
        self._defaults = Defaults(
            check_timeout(timeout),
            check_limits(ResourceLimits() if limits is None else limits),
            check_isolation(isolation),
            check_package_dir(package_dir),
        )
        self._operator = OperatorLimits(
            check_limits(compile_limits, "compile_limits"),
            check_timeout(compile_timeout, "compile_timeout"),
            check_limits(install_limits, "install_limits"),
            check_timeout(install_timeout, "install_timeout"),
        )
        self._hooks = Hooks(hooks, check_timeout(hook_timeout, "hook_timeout"))
        self._observers = Observers(observers)
        weaker = [allow_weaker] if isinstance(allow_weaker, str) else allow_weaker
        self._allow_weaker = frozenset(weaker)
        self._progress = progress
        self._docker = docker
        self._pool = pool
        self._cache = make_cache(compile_cache)
        if concurrency is not None and concurrency < 1:
            raise InvalidRequest("concurrency", f"{concurrency} is too few", hint="Pass 1 or more.")
        phases = (self.limits, self._operator.compile, self._operator.install)
        self.concurrency = concurrency or concurrency_for(phases)
        self._queue_timeout = (
            None if queue_timeout is None else check_timeout(queue_timeout, "queue_timeout")
        )
        self._limiter: anyio.CapacityLimiter
        self._walls: Walls
        self._tasks: TaskGroup | None = None

    @property
    def limits(self) -> ResourceLimits:
        """Limits of a run phase, where the request names none."""
        return self._defaults.limits

    @property
    def isolation(self) -> str:
        """The wall, where the request names none."""
        return self._defaults.isolation

    @property
    def operator(self) -> OperatorLimits:
        """Limits of the phases before ``run``."""
        return self._operator

    async def __aenter__(self) -> AsyncCodeExecutor:
        """Get ready; what is costly waits for the first request."""
        self._limiter = anyio.CapacityLimiter(self.concurrency)
        self._tasks = await anyio.create_task_group().__aenter__()
        self._walls = Walls(self._tasks, self._make_backend, self._docker)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End what still runs and take everything away."""
        tasks, self._tasks = self._tasks, None
        if tasks is not None:
            tasks.cancel_scope.cancel()
            # The error stays the caller's own: a task group would wrap it.
            await tasks.__aexit__(None, None, None)
        if self._cache is not None:
            self._cache.clear()

    async def execute(self, request: ExecutionRequest) -> ExecutionResult:
        """Run one request to its end.

        Args:
            request: What to run.

        Returns:
            What became of it, whatever the program did.

        Raises:
            InvalidRequest: The request is wrong.
            Unsupported: What it asks for cannot be enforced here.
            Unavailable: No sandbox could be had, or a hook failed; nothing ran.
            Rejected: A hook said no; nothing ran.
        """
        return await self.prepare(request)()

    def prepare(
        self, request: ExecutionRequest
    ) -> Callable[[], Coroutine[None, None, ExecutionResult]]:
        """Check a request now; what this returns runs it, and raises what :meth:`execute` would.

        Raises:
            InvalidRequest: The request is wrong.
        """
        language, job = make_job(request, self._defaults)
        return lambda: self._execute(new_id(), language, job, None)

    async def execute_many(self, requests: Sequence[ExecutionRequest]) -> list[ExecutionResult]:
        """Run requests side by side.

        Returns:
            Their results, in the order of the requests. One that found no sandbox, or that a
            hook refused, has the status ``sandbox_error``: it takes no other's result along.

        Raises:
            InvalidRequest: One is wrong; none of them ran.
            Unsupported: What one asks for cannot be enforced here.
        """
        jobs = [make_job(request, self._defaults) for request in requests]
        self._open_tasks()
        results: dict[int, ExecutionResult] = {}

        async def one(index: int, language: Language, job: Job) -> None:
            id = new_id()
            try:
                results[index] = await self._execute(id, language, job, None)
            except (Unavailable, InvalidRequest, Rejected) as error:
                results[index] = nothing_ran(id, language, job, error)

        try:
            async with anyio.create_task_group() as tasks:
                for index, (language, job) in enumerate(jobs):
                    tasks.start_soon(one, index, language, job)
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
        return [results[index] for index in range(len(jobs))]

    def stream(
        self,
        request: ExecutionRequest,
        *,
        stdin: Source | None = None,
        bounds: Bounds = UNBOUNDED,
    ) -> EventStream:
        """Run one request and follow it: ``async for event in executor.stream(request)``.

        Args:
            request: What to run.
            stdin: Gives the program's input piece by piece, b"" at its end; the request's
                own ``stdin`` if None.
            bounds: What it is held to beside its limits; never more than they allow.

        Returns:
            The events as they happen, the ``result`` event last. Closing it early ends the
            execution. Iterating raises what :meth:`execute` would.

        Raises:
            InvalidRequest: The request is wrong.
        """
        language, job = make_job(request, self._defaults)
        job = replace(job, bounds=check_bounds(bounds))

        switch = KillSwitch()

        async def run(emit: Emit) -> None:
            await self._execute(new_id(), language, job, emit, stdin, switch)

        return EventStream(self._open_tasks(), run, switch)

    async def check(self) -> list[Support]:
        """What each wall can guarantee on this host, in the order of their words."""
        self._open_tasks()
        return await self._walls.check(self._defaults.isolation)

    def walls(self) -> list[str]:
        """The words that ``isolation`` takes on this host, without asking whether they work."""
        return ["auto", *(wall for wall in EVERY_WALL if may_serve(wall, self._docker))]

    async def probe(self, language: str) -> None:
        """Open a sandbox as a plain request would, and give it up: no hook or observer is told.

        Raises:
            Unsupported: A guarantee cannot be enforced here.
            Unavailable: No sandbox could be had.
        """
        self._open_tasks()
        defaults, (found, _) = self._defaults, find_language(language)
        await self._walls.probe(defaults.isolation, found, defaults.limits)

    async def languages(self) -> list[LanguageInfo]:
        """Every known language, and the version that the default wall would run."""
        return [await self.language(name) for name in known_languages()]

    async def language(self, name: str) -> LanguageInfo:
        """One of them, by name or alias. The first time an image may have to be prepared.

        Raises:
            InvalidRequest: There is none of that name.
        """
        self._open_tasks()
        language, _ = find_language(name)
        version, hint = None, ""
        try:
            backend = await self._walls.choose(self._defaults.isolation, language, "")
            version = await backend.version(language, "")
        except DryboxError as error:
            hint = error.hint
        return LanguageInfo(language.name, language.aliases, language.suffixes, version, hint)

    def observe(self, observer: Observer) -> None:
        """Have one more observer follow the executions that begin from now on."""
        self._observers.add(observer)

    def pools(self) -> list[PoolCount]:
        """What the pools hold and have served so far, by wall and language."""
        backends = self._walls.opened() if self._tasks else ()
        return [
            count for backend in backends if isinstance(backend, Pool) for count in backend.counts()
        ]

    async def _execute(
        self,
        id: str,
        language: Language,
        job: Job,
        emit: Emit | None,
        stdin: Source | None = None,
        switch: KillSwitch | None = None,
    ) -> ExecutionResult:
        self._open_tasks()
        observation = self._observers.follow(id, job)
        try:
            await self._take_turn(observation)
            try:
                result = await self._run(id, language, job, emit, stdin, observation, switch)
            finally:
                self._limiter.release()
        except BaseException as error:
            observation.finish(None, error)
            raise
        observation.finish(result, None)
        return result

    async def _run(
        self,
        id: str,
        language: Language,
        job: Job,
        emit: Emit | None,
        stdin: Source | None,
        observation: Observation,
        switch: KillSwitch | None,
    ) -> ExecutionResult:
        observation.enter("claim")
        backend = await self._walls.choose(
            job.isolation, language, job.version, installs=bool(job.packages)
        )
        observation.choose(backend.name)
        run = Execution(
            *(id, job, language, backend, self._operator, emit, stdin, self._hooks),
            *(observation, switch, self._cache),
        )
        try:
            return await run.run()
        finally:
            if isinstance(backend, Pool):
                backend.answered()

    async def _take_turn(self, observation: Observation) -> None:
        """Wait, first come, first served, until fewer run than may."""
        try:
            self._limiter.acquire_nowait()
        except anyio.WouldBlock:
            pass
        else:
            return
        observation.enter("queue")
        try:
            with anyio.fail_after(self._queue_timeout):
                await self._limiter.acquire()
        except TimeoutError:
            raise Unavailable(
                f"{self.concurrency} other executions took longer than {self._queue_timeout:g} s.",
                hint="Nothing ran. Try again later, or allow more concurrency or queue_timeout.",
            ) from None

    def _make_backend(self, wall: str) -> Backend:
        backend = make_backend(
            wall,
            allow_weaker=self._allow_weaker,
            progress=self._progress,
            docker=self._docker,
        )
        return Pool(backend, self._pool) if self._pool else backend

    def _open_tasks(self) -> TaskGroup:
        if self._tasks is None:
            raise InvalidRequest(
                "executor", "it is not open", hint="Use it in 'async with AsyncCodeExecutor()'."
            )
        return self._tasks
