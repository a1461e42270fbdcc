"""Observers are told of every stage of an execution: the source of metrics and traces.

An observer is told of every stage of every execution. Unlike a hook it has no say, and is
called on the event loop; so it counts or notes, and returns.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, Protocol, TypeVar

from drybox.job import Job
from drybox.model import ExecutionResult

Stage = Literal["queue", "claim", "place", "install", "compile", "run", "collect"]
"""What an execution goes through, in this order; what there is no need for is left out.

``queue`` is the wait for a slot; ``claim`` the choice of the isolation and of a sandbox; ``place``
has the hooks' questions and the files; ``collect`` artifacts, the result, the hooks' news and
giving the sandbox up.
"""

T = TypeVar("T")

_log = logging.getLogger("drybox.observers")


class Observation(Protocol):
    """One execution, as an observer follows it."""

    def enter(self, stage: Stage) -> None:
        """A stage begins, and the one before it ends."""

    def choose(self, isolation: str) -> None:
        """The isolation is known: it is this one."""

    def finish(self, result: ExecutionResult | None, error: BaseException | None) -> None:
        """The execution is over, and its last stage too. Told once, however it ended.

        Args:
            result: What the caller gets, or None.
            error: What the caller gets in its place; a cancellation if the caller left.
        """


class Observer(Protocol):
    """Follows executions. Its methods return at once; what they raise is logged."""

    def start(self, id: str, job: Job) -> Observation:
        """An execution begins.

        Args:
            id: Its unique name, as the result has it.
            job: What it runs.
        """


class Observers:
    """The observers of one executor, as one observer. Whatever they raise, executions go on.

    Args:
        observers: They.
    """

    def __init__(self, observers: Iterable[Observer] = ()) -> None:
        self._observers = list(observers)

    def add(self, observer: Observer) -> None:
        """One more, for the executions that begin from now on."""
        self._observers.append(observer)

    def __iter__(self) -> Iterator[Observer]:
        """Each of them."""
        return iter(self._observers)

    def start(self, id: str, job: Job) -> Observation:
        """An execution begins; see :class:`Observer`."""
        if not self._observers:
            return NULL_OBSERVATION
        found = [contained(observer.start, id, job) for observer in self._observers]
        return _Observations([observation for observation in found if observation is not None])


class _NullObservation:
    """Nobody follows the execution."""

    def enter(self, stage: Stage) -> None:
        pass

    def choose(self, isolation: str) -> None:
        pass

    def finish(self, result: ExecutionResult | None, error: BaseException | None) -> None:
        pass


NULL_OBSERVATION = _NullObservation()


class _Observations:
    """Several observations as one."""

    def __init__(self, observations: Sequence[Observation]) -> None:
        self._observations = observations

    def enter(self, stage: Stage) -> None:
        for observation in self._observations:
            contained(observation.enter, stage)

    def choose(self, isolation: str) -> None:
        for observation in self._observations:
            contained(observation.choose, isolation)

    def finish(self, result: ExecutionResult | None, error: BaseException | None) -> None:
        for observation in self._observations:
            contained(observation.finish, result, error)


def contained(call: Callable[..., T], *given: object) -> T | None:
    """What a call returns; what it raises is logged, and None returned."""
    try:
        return call(*given)
    except Exception as error:
        trace = error if _log.isEnabledFor(logging.DEBUG) else None
        words = "An observer's %s raised %s; the execution goes on."
        name = getattr(call, "__qualname__", "method")
        _log.error(words, name, type(error).__name__, exc_info=trace)
        return None
