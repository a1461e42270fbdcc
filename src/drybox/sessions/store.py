"""The sessions of one executor: opens them, keeps them in tasks of their own, ends them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from drybox.backends.base import Sandbox, SandboxSpec, SessionSandbox
from drybox.backends.registry import backend_of
from drybox.environments.environment import BuiltEnvironment
from drybox.errors import Unavailable, Unsupported
from drybox.execution.cpu_meter import CpuMeter
from drybox.execution.phases import OperatorLimits
from drybox.execution.sandbox_lifetime import SandboxLifetime
from drybox.execution.validation import Defaults, make_job
from drybox.hooks.hooks import Hooks
from drybox.job import OWNER, Job
from drybox.languages.base import Language
from drybox.languages.registry import known_languages
from drybox.model import ErrorInfo, ExecutionRequest, ExecutionResult, Usage
from drybox.monitoring.observers import NULL_OBSERVATION, Observers
from drybox.monitoring.session_observers import Act, SessionFacts, observed
from drybox.pool.pool import Pool
from drybox.sessions.idle_kernels import IdleKernels, StartedKernel
from drybox.sessions.kernels.folder import kernel_folder
from drybox.sessions.kernels.registry import find_kernel
from drybox.sessions.life import Terms
from drybox.sessions.programs.inside import Inside
from drybox.sessions.results import CommandResult, RunResult, Snapshot
from drybox.sessions.session import Opened, OpenSession
from drybox.sessions.snapshots.store import SnapshotStore
from drybox.settings import PoolSettings


@dataclass(frozen=True, slots=True)
class Wanted:
    """A session that is to be opened: its request, checked.

    Attributes:
        id: Its name.
        language: Its language.
        job: Version, limits, variables, environment and isolation are those of the session.
        pool: What opens its sandbox.
        environment: Its environment as sandboxes have it; None for none.
        terms: How long it lives.
        snapshot: Id of the snapshot that it begins with; "" for none.
        owner: Whose snapshots it knows; by default the one whose request this is.
    """

    id: str
    language: Language
    job: Job
    pool: Pool
    environment: BuiltEnvironment | None
    terms: Terms
    snapshot: str = ""
    owner: str = field(default_factory=OWNER.get)


@dataclass(frozen=True, slots=True)
class SessionBounds:
    """What the sessions of an executor may be together.

    Attributes:
        most: How many may be open at once.
        memory: Bytes that their memory limits may come to.
    """

    most: int
    memory: int


Slot = Callable[[], AbstractAsyncContextManager[None]]
"""Waits for one of the executor's slots, and holds it until the context is left."""


class SessionStore:
    """The open sessions.

    Args:
        tasks: Where they live.
        hooks: Are asked and told of every session, and of all that runs in one.
        operator: Limits of compilers.
        defaults: What code that runs in one gets, as a request of its own would.
        snapshots: Keeps their files.
        bounds: What they may be together.
        kernels: Those that wait for sessions.
        observers: Are told of every session, and of what is done with it.
        slot: What opens a session, and what runs in one, waits for; None for nothing.
    """

    def __init__(
        self,
        tasks: TaskGroup,
        hooks: Hooks,
        operator: OperatorLimits,
        defaults: Defaults,
        snapshots: SnapshotStore,
        bounds: SessionBounds,
        kernels: IdleKernels,
        observers: Observers,
        slot: Slot | None,
    ) -> None:
        self._tasks = tasks
        self._hooks = hooks
        self._operator = operator
        self._defaults = defaults
        self._snapshots = snapshots
        self._bounds = bounds
        self._observers = observers
        self._slot: Slot = slot or nullcontext
        self._kernels = kernels
        self._open: dict[str, OpenSession] = {}
        self._memory: dict[str, int] = {}  # limits of those that are open or on their way

    def list(self) -> list[OpenSession]:
        """Those that are open, the oldest first."""
        return [session for session in self._open.values() if session.state != "closed"]

    async def open(self, wanted: Wanted) -> OpenSession:
        """Open one. Cancelling gives it up.

        Raises:
            SnapshotError: There is no such snapshot, or it does not fit.
            Unavailable: There are too many, or no sandbox could be had.
            Unsupported: What it asks for cannot be enforced here.
            Rejected: A hook said no.
        """
        if wanted.snapshot:
            await self._snapshots.check(wanted.owner, wanted.snapshot)
        self._require_room(wanted.job.limits.memory)
        self._memory[wanted.id] = wanted.job.limits.memory
        opening = _Opening()
        facts = SessionFacts(wanted.id, wanted.language.name, wanted.pool.name)
        try:
            with observed(self._observers, "open", facts):
                async with self._slot():
                    opening.begins = True
                    self._tasks.start_soon(self._keep, wanted, opening)
                    await opening.done.wait()
                if opening.session is None:
                    closed = Unavailable("the executor was closed.", hint="Open another.")
                    raise opening.error or closed
        except BaseException:
            opening.scope.cancel()
            if not opening.begins:
                del self._memory[wanted.id]
            raise
        return opening.session

    def _require_room(self, memory: int) -> None:
        bounds, taken = self._bounds, sum(self._memory.values())
        if len(self._memory) >= bounds.most:
            raise Unavailable(
                f"{bounds.most} sessions are open, and more may not be.",
                hint="Close one, or allow more: max_sessions.",
            )
        if taken + memory > bounds.memory:
            raise Unavailable(
                f"the memory limits of open sessions come to {taken:,} bytes, and may not come to "
                f"more than {bounds.memory:,}.",
                hint="Close one, ask for a smaller limits.memory, or allow more: session_memory.",
            )

    async def _keep(self, wanted: Wanted, opening: _Opening) -> None:
        """One session, from its sandbox's beginning to its end."""
        try:
            with opening.scope:
                await self._live(wanted, opening)
        except Exception as error:
            opening.error = _alone(error)
        finally:
            if opening.session is not None:
                opening.session.life.end("closed")
                if opening.lifetime is not None:
                    opening.session.life.end_use(opening.lifetime.cpu_time)
                opening.session.life.ended.set()
                opening.close.close()
            del self._memory[wanted.id]
            opening.done.set()

    async def _live(self, wanted: Wanted, opening: _Opening) -> None:
        job = wanted.job
        spec = SandboxSpec(
            *(wanted.language, job.version, job.limits, job.isolation),
            environment=wanted.environment,
            kernel_dir=await _kernel_dir(wanted),
            beside=_others(wanted.language),
        )
        hooks = await self._hooks.start(wanted.id, job, wanted.pool.name, True, wanted.id)
        lifetime = SandboxLifetime(
            self._kernels.in_front_of(wanted.pool),
            spec,
            hooks,
            NULL_OBSERVATION,
            CpuMeter(),
            job.limits.cpus,
        )
        opening.lifetime = lifetime
        async with lifetime as sandbox, anyio.create_task_group() as tasks:
            wanted.pool.answered()
            if not isinstance(sandbox, SessionSandbox):
                raise Unsupported(
                    f"isolation {wanted.pool.name!r} has no sessions.",
                    hint="Use isolation='local', 'docker' or 'gvisor'.",
                )
            started = self._kernels.take(sandbox)
            if started is None:
                inside = Inside(sandbox, await sandbox.begin_session(job.limits), job.limits)
                tasks.start_soon(inside.programs.follow)
            else:
                inside = started.inside
            inside.env = dict(job.env)
            session = self._session(wanted, sandbox, inside, started)
            if wanted.snapshot:
                await self._snapshots.restore(wanted.owner, wanted.snapshot, inside)
            self._open[wanted.id] = opening.session = session
            opening.done.set()
            try:
                await session.life.live()
            except BaseException:
                session.life.end("closed")  # with its executor
                raise
            finally:
                del self._open[wanted.id]
                opening.close = session.life.in_context_of_end(partial(self._closing, session))
                tasks.cancel_scope.cancel()

    def _job_of(self, language: str, code: str) -> tuple[Language, Job]:
        """Code that runs in a session, checked as a request of its own would be."""
        return make_job(ExecutionRequest(language, code), self._defaults)

    def _session(
        self, wanted: Wanted, sandbox: Sandbox, inside: Inside, started: StartedKernel | None
    ) -> OpenSession:
        opened = Opened(
            id=wanted.id,
            language=wanted.language,
            version=sandbox.version,
            environment=wanted.job.environment or None,
            isolation=wanted.pool.name,
            backend=backend_of(wanted.pool.name),
            weakened=tuple(sandbox.weakened),
        )
        count = 0
        facts = SessionFacts(wanted.id, wanted.language.name, opened.isolation)

        @asynccontextmanager
        async def hooked(
            act: Act, job: Job, told: list[RunResult | CommandResult]
        ) -> AsyncIterator[None]:
            nonlocal count
            count += 1
            id = f"{wanted.id}/{count}"
            known = replace(job, limits=wanted.job.limits, env=wanted.job.env)
            of_code = replace(facts, language=job.language) if act == "run" else facts
            with observed(self._observers, act, of_code) as seen:
                async with self._slot():
                    hooks = await self._hooks.start(
                        id, known, opened.isolation, streamed=True, session=wanted.id
                    )
                    hooks.learn(version=opened.version, weakened=opened.weakened)
                    run = hooks.run()
                    try:
                        await run.before_run()
                        yield
                    except BaseException as error:
                        await run.failed(error)
                        raise
                    for result in told:
                        seen.learn(result.status, result.usage)
                        await run.after_run(_as_execution(id, opened, result))

        async def keep(inside: Inside) -> Snapshot:
            with observed(self._observers, "snapshot", facts):
                return await self._snapshots.keep(wanted.owner, inside)

        return OpenSession(
            *(opened, wanted.terms, inside, self._tasks, self._job_of, self._operator),
            *(hooked, keep, None if started is None else started.kernel),
        )

    def _closing(self, session: OpenSession) -> ExitStack:
        """Have the observers follow its end."""
        life = session.life
        facts = SessionFacts(session.id, session.language, session.isolation, life.age)
        following = ExitStack()
        seen = following.enter_context(observed(self._observers, "close", facts))
        seen.learn(life.reason, Usage())
        return following


def make_store(
    tasks: TaskGroup,
    hooks: Hooks,
    operator: OperatorLimits,
    defaults: Defaults,
    snapshots: SnapshotStore,
    bounds: SessionBounds,
    pool: PoolSettings | None,
    observers: Observers,
    slot: Slot | None,
) -> SessionStore:
    """The sessions of an executor; kernels begin to wait for more of them with the first.

    Args:
        tasks: Where they live.
        hooks: See :class:`SessionStore`.
        operator: Limits of compilers.
        defaults: What code that runs in one is checked by, as a request of its own would be.
        snapshots: Keeps their files.
        bounds: What they may be together.
        pool: How many kernels wait; None for none.
        observers: See :class:`SessionStore`.
        slot: See there.
    """
    kernels = IdleKernels(tasks, pool)
    given = tasks, hooks, operator, defaults, snapshots, bounds
    return SessionStore(*given, kernels, observers, slot)


def _others(language: Language) -> tuple[Language, ...]:
    """Every language but one: code of each may run beside, where its toolchain is there."""
    return tuple(item for name, item in known_languages().items() if name != language.name)


async def _kernel_dir(wanted: Wanted) -> str:
    """The folder that kernels consist of: its language's, and those of others beside."""
    kernel = find_kernel(wanted.language.name)
    if kernel is None:
        return await anyio.to_thread.run_sync(kernel_folder)
    version = await wanted.pool.version(wanted.language, wanted.job.version)
    return await anyio.to_thread.run_sync(kernel.folder, version)


def _alone(error: Exception) -> Exception:
    """What a task group has wrapped, if it is one error."""
    inside: tuple[Exception, ...] = getattr(error, "exceptions", ())
    return _alone(inside[0]) if len(inside) == 1 else error


class _Opening:
    """A session on its way."""

    def __init__(self) -> None:
        self.scope = anyio.CancelScope()
        self.done = anyio.Event()
        self.session: OpenSession | None = None
        self.lifetime: SandboxLifetime | None = None
        self.begins = False
        self.close = ExitStack()
        self.error: Exception | None = None


def _as_execution(id: str, opened: Opened, result: RunResult | CommandResult) -> ExecutionResult:
    """What hooks are told of a run: it has the form of an execution's result."""
    status = "signaled" if result.status == "interrupted" else result.status
    error = None
    if isinstance(result, RunResult) and result.error is not None:
        error = ErrorInfo(result.error.name, result.error.value, "")
    return ExecutionResult(
        status=status,
        stdout_bytes=result.stdout_bytes,
        stderr_bytes=result.stderr_bytes,
        exit_code=result.exit_code,
        signal=result.signal if isinstance(result, CommandResult) else None,
        execution_time=result.execution_time,
        error=error,
        phases=[],
        usage=result.usage,
        truncated=result.truncated,
        artifacts={},
        id=id,
        language=opened.language.name,
        version=opened.version,
        isolation=opened.isolation,
        weakened=opened.weakened,
        backend=opened.backend,
        environment=opened.environment,
    )
