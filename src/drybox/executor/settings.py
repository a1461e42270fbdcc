"""The settings of an executor as one value."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from drybox.backends.registry import check_weaker
from drybox.environments.environment import Environment, by_name
from drybox.environments.packages import check_package_dir
from drybox.errors import InvalidRequest
from drybox.execution.phases import OperatorLimits
from drybox.execution.texts import show
from drybox.execution.validation import Defaults, check_isolation, check_limits, check_timeout
from drybox.executor.concurrency import concurrency_for
from drybox.hooks.hooks import HOOK_TIMEOUT
from drybox.model import ResourceLimits
from drybox.settings import COMPILE_CACHE, COMPILE_LIMITS, DockerSettings, PoolSettings

if TYPE_CHECKING:
    from drybox.monitoring.observers import Observer
    from drybox.sessions.snapshots.place import Bounds
    from drybox.sessions.store import SessionBounds

P = ParamSpec("P")
S = TypeVar("S")


def _tell_nobody(_: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class ExecutorSettings:
    """The arguments of :class:`drybox.CodeExecutor` and :class:`drybox.AsyncCodeExecutor`.

    Only the first three may be given by position.

    Attributes:
        timeout: Wall seconds of a run phase, where the request names none.
        limits: Limits of a run phase, where the request names none.
        isolation: Its name, where the request names none.
        hooks: Callables or objects that follow every execution and may refuse it; see
            :class:`drybox.hooks.hooks.Hooks`.
        hook_timeout: Wall seconds that one call of a hook may take.
        allow_weaker: Guarantees that may be missing on this host: ``memory``, ``cpus``,
            ``pids``, ``seccomp``, ``inodes``. What is missing and not named here is refused.
        concurrency: Sandboxes that run at once; by default :mod:`drybox.host.resources` says how
            many.
        queue_timeout: Seconds that a request waits for a slot before it is Unavailable; None for no
            limit.
        compile_timeout: Wall seconds a compiler may take.
        compile_limits: Limits of compilers.
        package_dir: Folder of the host that packages are installed from, with one folder for
            each language: ``python``, ``node``, ``go``, ``java``. None refuses packages.
        install_timeout: Wall seconds an installer may take.
        install_limits: Limits of installers.
        progress: Called with a line of text before something is prepared that takes seconds.
        docker: Which daemon, images and runtimes the container isolations use.
        pool: How many sandboxes wait for requests of a kind that came before; None for none.
        observers: Are told of every stage of every execution, and cannot influence it; see
            :class:`drybox.monitoring.observers.Observer`.
        environments: Sets of packages that requests may name; see
            :class:`drybox.Environment`.
        environment_dir: Folder of the host in which they are kept once built; None for
            ``$XDG_DATA_HOME/drybox/environments`` (``~/.local/share/drybox/environments``).
        compile_cache: Bytes of what compilers made that are kept for programs that come again, in
            memory and until the executor is closed; None or 0 for none.
        max_sessions: Sessions that may be open at once.
        session_memory: Bytes that the memory limits of open sessions may have together.
        session_slots: Whether opening a session, and each run and command in one, waits for a slot
            as an execution does; else only executions take slots.
        snapshot_dir: Folder of the host in which snapshots of sessions are kept; None for memory,
            where they are until the executor is closed.
        max_snapshots: Snapshots that may be kept at once, of each client.
        snapshot_share: Bytes that those of one client may take, what is the same counted once.
        snapshot_storage: Bytes that all snapshots may take together.
    """

    timeout: float = 30.0
    limits: ResourceLimits | None = ResourceLimits()  # noqa: RUF009 - frozen
    isolation: str = "auto"
    _: KW_ONLY
    hooks: Iterable[object] = ()
    hook_timeout: float = HOOK_TIMEOUT
    allow_weaker: Iterable[str] = ()
    concurrency: int | None = None
    queue_timeout: float | None = None
    compile_timeout: float = 60.0
    compile_limits: ResourceLimits = COMPILE_LIMITS
    package_dir: str | os.PathLike[str] | None = None
    install_timeout: float = 120.0
    install_limits: ResourceLimits = COMPILE_LIMITS
    progress: Callable[[str], None] = _tell_nobody
    docker: DockerSettings | None = DockerSettings()  # noqa: RUF009 - frozen
    pool: PoolSettings | None = PoolSettings()  # noqa: RUF009 - frozen
    observers: Iterable[Observer] = ()
    compile_cache: int | None = COMPILE_CACHE
    environments: Iterable[Environment] = ()
    environment_dir: str | os.PathLike[str] | None = None
    max_sessions: int = 64
    session_memory: int = 16 << 30
    session_slots: bool = False
    snapshot_dir: str | os.PathLike[str] | None = None
    max_snapshots: int = 64
    snapshot_share: int = 256 << 20
    snapshot_storage: int = 1 << 30

    def defaults(self) -> Defaults:
        """What a request that leaves a field out gets.

        Raises:
            InvalidRequest: One of these is wrong.
        """
        self._check_sessions()
        self._check_kinds()
        return Defaults(
            check_timeout(self.timeout),
            check_limits(ResourceLimits() if self.limits is None else self.limits),
            check_isolation(self.isolation),
            check_package_dir(self.package_dir),
            by_name(self.environments),
        )

    def operator_limits(self) -> OperatorLimits:
        """Limits of the phases before ``run``.

        Raises:
            InvalidRequest: One of these is wrong.
        """
        return OperatorLimits(
            check_limits(self.compile_limits, "compile_limits"),
            check_timeout(self.compile_timeout, "compile_timeout"),
            check_limits(self.install_limits, "install_limits"),
            check_timeout(self.install_timeout, "install_timeout"),
        )

    def session_bounds(self) -> SessionBounds:
        """What sessions may be together."""
        from drybox.sessions.store import SessionBounds  # most executors have none

        return SessionBounds(self.max_sessions, self.session_memory)

    def _check_kinds(self) -> None:
        """Check that each is of its type, where nothing else does.

        Raises:
            InvalidRequest: One is not.
        """
        for name, hint in _LISTS.items():
            value = getattr(self, name)
            if not isinstance(value, Iterable) or isinstance(value, Mapping):
                raise _wrong(name, value, "no list", hint)
        observers = self.observers if isinstance(self.observers, Sequence) else ()
        for index, observer in enumerate(observers):  # what is iterated once is for the executor
            if not callable(getattr(observer, "start", None)):
                raise _wrong(f"observers[{index}]", observer, "no observer", "It has no 'start'.")
        if not callable(self.progress):
            raise _wrong("progress", self.progress, "not callable", "Pass a function of a text.")
        for name, kind in (("docker", DockerSettings), ("pool", PoolSettings)):
            value = getattr(self, name)
            if value is not None and not isinstance(value, kind):
                raise _wrong(name, value, f"no {kind.__name__}", f"Pass {kind.__name__}(...).")
        for name in ("environment_dir", "snapshot_dir"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, (str, os.PathLike)) and str(value)):
                raise _wrong(name, value, "no folder", "Pass the path of one, or None.")

    def _check_sessions(self) -> None:
        """Check how many sessions, and how much of snapshots, are kept.

        Raises:
            InvalidRequest: One of these is wrong.
        """
        snapshots = ("max_snapshots", "snapshot_share", "snapshot_storage")
        for name in ("max_sessions", "session_memory", *snapshots):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise _wrong(name, value, "no whole number", "Pass 0 or more.")
            if value < 0:
                raise InvalidRequest(name, "it is less than 0", hint="Pass 0 or more.")

    def snapshots(self) -> tuple[Path | None, Bounds]:
        """Where snapshots are kept, and how much of them."""
        from drybox.sessions.snapshots.place import Bounds  # most executors have none

        folder = None if self.snapshot_dir is None else Path(self.snapshot_dir)
        bounds = Bounds(self.max_snapshots, self.snapshot_share, self.snapshot_storage)
        return folder, bounds

    def weaker(self) -> frozenset[str]:
        """The guarantees of ``allow_weaker``, which may be one text with commas.

        Raises:
            InvalidRequest: One of them cannot be given up.
        """
        given = (self.allow_weaker,) if isinstance(self.allow_weaker, str) else self.allow_weaker
        words = tuple(given)
        for word in words:
            if not isinstance(word, str):
                raise _wrong("allow_weaker", word, "no text", _LISTS["allow_weaker"])
        return check_weaker(words)

    def slots(self) -> int:
        """How many sandboxes run at once: ``concurrency``, or what fits on this machine.

        Raises:
            InvalidRequest: It is less than 1.
        """
        if self.concurrency is None:
            operator = self.operator_limits()
            return concurrency_for((self.defaults().limits, operator.compile, operator.install))
        if isinstance(self.concurrency, bool) or not isinstance(self.concurrency, int):
            raise _wrong("concurrency", self.concurrency, "no whole number", "Pass 1 or more.")
        if self.concurrency < 1:
            problem = f"{self.concurrency} is too few"
            raise InvalidRequest("concurrency", problem, hint="Pass 1 or more.")
        return self.concurrency

    def changed(self) -> dict[str, Any]:
        """The arguments that differ from the defaults."""
        plain = ExecutorSettings()
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: value for name, value in values.items() if value != getattr(plain, name)}


_LISTS = {
    "allow_weaker": "Pass a list: ['memory'].",
    "observers": "Pass a list of them.",
    "environments": "Pass a list: [Environment(...)].",
}


def _wrong(name: str, value: object, what: str, hint: str) -> InvalidRequest:
    return InvalidRequest(name, f"{show(value)} is {what}", hint=hint)


def takes_settings(
    make: Callable[P, ExecutorSettings],
) -> Callable[[Callable[[S, ExecutorSettings], None]], Callable[Concatenate[S, P], None]]:
    """Have a constructor that takes settings take their fields as arguments.

    Args:
        make: Makes the settings of the arguments.
    """

    def decorate(init: Callable[[S, ExecutorSettings], None]) -> Callable[Concatenate[S, P], None]:
        @functools.wraps(init)
        def construct(self: S, /, *args: P.args, **kwargs: P.kwargs) -> None:
            init(self, make(*args, **kwargs))

        own = inspect.signature(init).parameters["self"]
        given = inspect.signature(make)
        vars(construct)["__signature__"] = given.replace(
            parameters=[own, *given.parameters.values()]
        )
        return construct

    return decorate
