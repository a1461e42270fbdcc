"""Observers are told of every stage of an execution: the source of metrics and traces.

An observer is told of every stage of every execution. Unlike a hook it has no say, and is
called on the event loop; so it counts or notes, and returns.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar, runtime_checkable

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


@dataclass(frozen=True, slots=True)
class StageTime:
    """A stage of an execution on another machine.

    Attributes:
        stage: Its name.
        began: Seconds since the execution came to that machine; clocks of machines differ.
        ended: The same.
    """

    stage: Stage
    began: float
    ended: float


@runtime_checkable
class FollowsNodes(Protocol):
    """An observation of an execution of a fleet that wants to know of its stages on a node."""

    def ran(self, node: str, stages: Sequence[StageTime], seconds: float) -> None:
        """It has run, and has entered no other stage yet.

        Args:
            node: Where.
            stages: What it went through there.
            seconds: How long ago it was sent there.
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

    def start(self, id: str, job: Job) -> AllObservations:
        """An execution begins; see :class:`Observer`."""
        if not self._observers:
            return NULL_OBSERVATION
        found = [contained(observer.start, id, job) for observer in self._observers]
        return _Observations([observation for observation in found if observation is not None])


class AllObservations(Observation, Protocol):
    """What all observers of an executor follow one execution with.

    Attributes:
        follows_nodes: Some want to know of its stages on a node of a fleet.
    """

    follows_nodes: bool

    def ran(self, node: str, stages: Sequence[StageTime], seconds: float) -> None:
        """See :class:`FollowsNodes`."""


class _NullObservation:
    """Nobody follows the execution."""

    follows_nodes = False

    def ran(self, node: str, stages: Sequence[StageTime], seconds: float) -> None:
        pass

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
        self._nodes = [item for item in observations if isinstance(item, FollowsNodes)]
        self.follows_nodes = bool(self._nodes)

    def ran(self, node: str, stages: Sequence[StageTime], seconds: float) -> None:
        for observation in self._nodes:
            contained(observation.ran, node, stages, seconds)

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
