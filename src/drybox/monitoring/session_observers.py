"""Observers of sessions: told of a session's opening and end, and of all that runs in one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from drybox.model import Usage
from drybox.monitoring.end_status import ending
from drybox.monitoring.observers import Observers, contained

Act = Literal["open", "run", "command", "start", "snapshot", "close"]
"""What is done with a session. ``start`` is over once the process runs; ``close`` is the session's
end, whatever the reason, which is its status: ``closed``, ``idle``, ``lifetime`` or ``lost``."""


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """Which session it is.

    Attributes:
        id: Its name.
        language: Canonical name of its language; with a run that of the code.
        isolation: What it runs under.
        age: Seconds since it was opened.
    """

    id: str
    language: str
    isolation: str
    age: float = 0.0


class ActObservation(Protocol):
    """One act, as an observer follows it."""

    def finish(self, status: str, usage: Usage) -> None:
        """It is over. Told once, however it ended.

        Args:
            status: A status of results, or a word of :func:`drybox.monitoring.end_status.ending`.
            usage: What it took, where that was measured.
        """


@runtime_checkable
class SessionObserver(Protocol):
    """An observer that follows sessions, too. Its methods return at once."""

    def begin(self, act: Act, session: SessionFacts) -> ActObservation:
        """An act begins, in the context of whoever asked for it."""


@dataclass(slots=True)
class Seen:
    """What became of an act, as far as whoever does it knows."""

    status: str = "success"
    usage: Usage = field(default_factory=Usage)

    def learn(self, status: str, usage: Usage) -> None:
        """There is a result."""
        self.status, self.usage = status, usage


@contextmanager
def observed(observers: Observers, act: Act, session: SessionFacts) -> Iterator[Seen]:
    """Have the observers follow what is done in this context.

    Args:
        observers: They.
        act: What is done.
        session: With which session.
    """
    followers = [item for item in observers if isinstance(item, SessionObserver)]
    begun = [contained(item.begin, act, session) for item in followers]
    seen = Seen()
    try:
        yield seen
    except BaseException as error:
        seen.status = ending(None, error)
        raise
    finally:
        for observation in begun:
            if observation is not None:
                contained(observation.finish, seen.status, seen.usage)
