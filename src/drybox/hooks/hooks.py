"""Hooks: the operator's callables, told of every execution; they may refuse it before it runs."""

from __future__ import annotations

import hashlib
import inspect
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any, Literal, get_args

import anyio
import anyio.to_thread

from drybox.backends.base import Sandbox
from drybox.errors import DryboxError, InvalidRequest, Rejected, Unavailable
from drybox.job import File, Job
from drybox.model import KIB, ErrorInfo, ExecutionResult, ResourceLimits

HOOK_TIMEOUT = 10.0
"""Wall seconds that one call of one hook may take by default."""

LONG_SOURCE = 256 * KIB
"""Bytes of source whose digests hold the event loop up for less than a change of threads."""

EventName = Literal["sandbox_created", "before_run", "after_run", "run_failed", "sandbox_destroyed"]
_ALL_NAMES: tuple[EventName, ...] = get_args(EventName)
EVENT_NAMES = _ALL_NAMES[:3] + _ALL_NAMES[-1:]
"""Of every execution that has a result, in this order."""

_log = logging.getLogger("drybox.hooks")


@dataclass(frozen=True, slots=True)
class FileDigest:
    """A file of the request: its path, its size in bytes, and the SHA-256 of them in hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class HookContext:
    """What a hook may read. The program's text, input, arguments and variables are not in it.

    Attributes:
        id: Unique name of the execution, as its result has it.
        language: Canonical name of the language.
        version: Version of the toolchain in the sandbox.
        isolation: Its name.
        weakened: Guarantees given up on the caller's request.
        limits: Limits of the run phase.
        timeout: Wall seconds of the run phase.
        entry: Path of the entry file.
        files: The files of the request, by path.
        source_sha256: One SHA-256 for them all: that of what ``sha256sum`` prints for them in
            the order of their paths' bytes.
        arg_count: How many arguments the program gets.
        env_names: The variables it gets, without their values.
        stdin_size: Bytes of its input; None if that is streamed.
        packages: Packages to install.
        artifacts: Globs of files to bring back.
        started_at: When the execution began, in UTC.
        wall_time: Seconds since then.
        result: The result, from ``after_run`` on; None if there is none.
        error: In ``sandbox_destroyed``, why there is no result: the exception that the caller
            gets, or one of type ``Cancelled``; else None. In ``run_failed`` too.
        session: Id of the session whose sandbox this is, or in which this runs; "" for none.
    """

    id: str
    language: str
    version: str
    isolation: str
    weakened: tuple[str, ...]
    limits: ResourceLimits
    timeout: float
    entry: str
    files: tuple[FileDigest, ...]
    source_sha256: str
    arg_count: int
    env_names: tuple[str, ...]
    stdin_size: int | None
    packages: tuple[str, ...]
    artifacts: tuple[str, ...]
    started_at: datetime
    wall_time: float = 0.0
    result: ExecutionResult | None = None
    error: ErrorInfo | None = None
    session: str = ""


@dataclass(frozen=True, slots=True)
class HookEvent:
    """What a hook that is a plain callable gets, for every event.

    Attributes:
        name: ``sandbox_created``, ``before_run``, ``after_run``, ``run_failed`` or
            ``sandbox_destroyed``.
        context: What it may read.
    """

    name: EventName
    context: HookContext


class Hooks:
    """The hooks of one executor.

    Each is an object with any of the methods ``sandbox_created``, ``before_run``, ``after_run``,
    ``run_failed`` and ``sandbox_destroyed``, which take a :class:`HookContext`, or a callable that
    takes a :class:`HookEvent`. Async ones run on the event loop; all others in a worker thread,
    since whatever blocks in one would hold up every other execution, and no deadline could end it.

    Args:
        hooks: The hooks, in the order in which they are asked.
        timeout: Wall seconds that one call may take.

    Raises:
        InvalidRequest: One of them is not a hook.
    """

    def __init__(self, hooks: Iterable[object] = (), timeout: float = HOOK_TIMEOUT) -> None:
        if not isinstance(hooks, Iterable):
            raise InvalidRequest(
                "hooks", f"{_name(hooks)} is not a list of hooks", hint="Pass a list: hooks=[hook]."
            )
        found = [call for index, hook in enumerate(hooks) for call in _calls(index, hook)]
        self._timeout = timeout
        self._calls = {
            event: [call for call in found if call.event == event] for event in _ALL_NAMES
        }
        self._any = bool(found)

    async def start(
        self, id: str, job: Job, isolation: str, streamed: bool, session: str = ""
    ) -> SandboxHooks:
        """Begin to follow one execution and its sandbox.

        Args:
            id: Its name.
            job: What it runs.
            isolation: Name of the backend.
            streamed: Its input comes piece by piece.
            session: Id of the session that it is, or is in; "" for none.
        """
        if not self._any:
            return SandboxHooks(self, None)
        files: tuple[FileDigest, ...] = ()
        if sum(len(file.content) for file in job.files) > LONG_SOURCE:
            files = await anyio.to_thread.run_sync(_digests, job.files)
        else:
            files = _digests(job.files)
        context = HookContext(
            id=id,
            language=job.language,
            version=job.version,
            isolation=isolation,
            weakened=(),
            limits=job.limits,
            timeout=job.timeout,
            entry=job.entry,
            files=files,
            source_sha256=_digest_of_all(files),
            arg_count=len(job.args),
            env_names=tuple(sorted(job.env)),
            stdin_size=None if streamed else len(job.stdin),
            packages=job.packages,
            artifacts=job.artifacts,
            started_at=datetime.now(timezone.utc),
            session=session,
        )
        return SandboxHooks(self, context)

    async def ask(self, event: EventName, context: HookContext) -> None:
        """Call the hooks in their order; what one of them raises is a refusal.

        Raises:
            Rejected: One said no.
            Unavailable: One failed, or took too long.
        """
        for call in self._calls[event]:
            problem = await self._problem(call, context)
            if isinstance(problem, Rejected):
                raise problem
            if problem is not None:
                raise Unavailable(
                    f"the hook {call.name} {_words(problem)}; nothing ran.",
                    hint="Fix the hook, or remove it from the executor's 'hooks'.",
                ) from problem

    async def tell(self, event: EventName, context: HookContext) -> None:
        """Call the hooks in reverse; what one of them raises is logged and changes nothing."""
        for call in reversed(self._calls[event]):
            problem = await self._problem(call, context)
            if problem is not None:
                # Its traceback is for who looks for it: logging's last resort is the terminal.
                trace = problem if _log.isEnabledFor(logging.DEBUG) else None
                words = "The hook %s %s; execution %s goes on."
                _log.error(words, call.name, _words(problem), context.id, exc_info=trace)

    async def _problem(self, call: _Call, context: HookContext) -> BaseException | None:
        with anyio.move_on_after(self._timeout):
            return await call.problem(context)
        return _TooLong(f"took longer than {self._timeout:g} s")


class SandboxHooks:
    """One sandbox, as its hooks see it.

    Args:
        hooks: They.
        context: What they may read so far; None if there is no hook, which then costs nothing.
    """

    def __init__(self, hooks: Hooks, context: HookContext | None) -> None:
        self._hooks = hooks
        self._context = context
        self._started = anyio.current_time()

    async def created(self, sandbox: Sandbox) -> None:
        """There is a sandbox, and nothing of the request is in it.

        Raises:
            Rejected: A hook said no.
            Unavailable: A hook failed.
        """
        self.learn(version=sandbox.version, weakened=tuple(sandbox.weakened))
        await self.ask("sandbox_created")

    def run(self) -> RunHooks:
        """The hooks of a run in it."""
        return RunHooks(self)

    def failed(self, error: BaseException) -> None:
        """What ran in it ends with this; the hooks hear of it if there is no result."""
        if self._context is not None and self._context.result is None:
            self.learn(error=_info(error))

    async def destroyed(self) -> None:
        """The sandbox is gone. Cancellation waits until the hooks know."""
        if self._context is not None:
            with anyio.CancelScope(shield=True):
                await self.tell("sandbox_destroyed")

    def learn(self, **known: Any) -> None:
        """Fields of the context that are known from now on."""
        if self._context is not None:
            self._context = replace(self._context, **known)

    async def ask(self, event: EventName) -> None:
        """What :meth:`Hooks.ask` does, with what they may read now."""
        if self._context is not None:
            await self._hooks.ask(event, self._now(self._context))

    async def tell(self, event: EventName) -> None:
        """What :meth:`Hooks.tell` does, with what they may read now."""
        if self._context is not None:
            await self._hooks.tell(event, self._now(self._context))

    def _now(self, context: HookContext) -> HookContext:
        return replace(context, wall_time=anyio.current_time() - self._started)


class RunHooks:
    """One run in a sandbox, as its hooks see it.

    Args:
        sandbox: The sandbox, as they see it.
    """

    def __init__(self, sandbox: SandboxHooks) -> None:
        self._sandbox = sandbox

    async def before_run(self) -> None:
        """The request is about to enter the sandbox.

        Raises:
            Rejected: A hook said no.
            Unavailable: A hook failed.
        """
        await self._sandbox.ask("before_run")

    async def after_run(self, result: ExecutionResult) -> None:
        """There is a result, which the caller has not seen yet."""
        self._sandbox.learn(result=result)
        await self._sandbox.tell("after_run")

    async def failed(self, error: BaseException) -> None:
        """There will be no result, but this. Cancellation waits until the hooks know."""
        self._sandbox.failed(error)
        with anyio.CancelScope(shield=True):
            await self._sandbox.tell("run_failed")


class _TooLong(TimeoutError):
    """A call of a hook did not come to its end in time."""


@dataclass(frozen=True, slots=True)
class _Call:
    """How one hook is called for one event."""

    name: str
    event: EventName
    function: Callable[[Any], object]
    bare: bool
    awaited: bool

    async def problem(self, context: HookContext) -> BaseException | None:
        """Call it; what it raises comes back. Cancelling leaves a thread to itself."""
        given = HookEvent(self.event, context) if self.bare else context
        try:
            if self.awaited:
                answer = self.function(given)
            else:
                answer, problem = await anyio.to_thread.run_sync(
                    _contained, self.function, given, abandon_on_cancel=True
                )
                if problem is not None:
                    return problem
            if inspect.isawaitable(answer):
                await answer
        except (Exception, SystemExit) as error:  # an exit of a hook is not one of drybox
            return error
        return None


def _contained(
    function: Callable[[Any], object], given: object
) -> tuple[object, BaseException | None]:
    try:
        return function(given), None
    except BaseException as error:
        # Some of these would end the event loop if they came out of a worker thread.
        return None, error


def _calls(index: int, hook: object) -> list[_Call]:
    field, name = f"hooks[{index}]", _name(hook)
    names = [event for event in _ALL_NAMES if hasattr(hook, event)]
    if isinstance(hook, type) and names:
        raise InvalidRequest(field, f"{name} is a class", hint=f"Pass an object: {name}().")
    if not names and not callable(hook):
        raise InvalidRequest(
            field,
            f"{name} is not a hook",
            hint=f"Pass a callable, or an object with a method {', '.join(_ALL_NAMES)}.",
        )
    calls = []
    for event in names or _ALL_NAMES:
        function = getattr(hook, event) if names else hook
        if not callable(function):
            raise InvalidRequest(
                f"{field}.{event}",
                f"{name} has something there that is not a method",
                hint="Make it a method.",
            )
        awaited = any(map(inspect.iscoroutinefunction, (function, type(function).__call__)))
        where = f"{name}.{event}" if names else f"{name} ({event})"
        calls.append(_Call(where, event, function, not names, awaited))
    return calls


def _name(hook: object) -> str:
    return str(getattr(hook, "__qualname__", type(hook).__qualname__))


def _words(problem: BaseException) -> str:
    if isinstance(problem, _TooLong):
        return str(problem)
    return f"raised {type(problem).__name__}: {problem}".rstrip(": .")


def _info(error: BaseException) -> ErrorInfo:
    if isinstance(error, DryboxError):
        return ErrorInfo(type(error).__name__, error.message, error.hint)
    follower_left = isinstance(error, anyio.BrokenResourceError)
    if isinstance(error, Exception) and not follower_left:
        return ErrorInfo(type(error).__name__, str(error), "")
    return ErrorInfo("Cancelled", "The caller gave the execution up.", "")


def _digests(files: Sequence[File]) -> tuple[FileDigest, ...]:
    ordered = sorted(files, key=lambda file: file.path.encode())
    return tuple(
        FileDigest(file.path, len(file.content), hashlib.sha256(file.content).hexdigest())
        for file in ordered
    )


def _digest_of_all(files: Sequence[FileDigest]) -> str:
    # Paths have no line breaks, so no two sets of files give the same lines.
    lines = "".join(f"{file.sha256}  {file.path}\n" for file in files)
    return hashlib.sha256(lines.encode()).hexdigest()
