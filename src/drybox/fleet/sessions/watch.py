"""Has a front door's observers follow a session that is on a node."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace

from drybox.errors import InvalidRequest
from drybox.languages.registry import find_language
from drybox.model import Usage
from drybox.monitoring.observers import Observers
from drybox.monitoring.session_observers import Act, Seen, SessionFacts, observed

GIVEN_UP = "cancelled"
"""How code ended whose follower left before its result came."""


class SessionWatch:
    """One session. The front door that opened it tells of its end, so that it is told once.

    Args:
        observers: The front door's.
        facts: Which session it is.
        is_opener: It was opened here.
    """

    def __init__(self, observers: Observers, facts: SessionFacts, *, is_opener: bool) -> None:
        self._observers = observers
        self._facts = facts
        self._is_watched = is_opener
        self._opened_at = time.monotonic()

    def doing(self, act: Act, language: str | None = None) -> AbstractContextManager[Seen]:
        """Have them follow what is done in a context.

        Args:
            act: What it is.
            language: That of the code, where it is not the session's.
        """
        facts = self._facts
        if language is not None:
            try:
                facts = replace(facts, language=find_language(language)[0].name)
            except InvalidRequest:  # its node says so
                pass
        return observed(self._observers, act, facts)

    def end(self, reason: str) -> None:
        """It is closed, and why."""
        if self._is_watched:
            self._is_watched = False
            facts = replace(self._facts, age=time.monotonic() - self._opened_at)
            with observed(self._observers, "close", facts) as seen:
                seen.learn(reason, Usage())


class Following:
    """What is done while somebody fetches its events.

    Args:
        doing: Has the observers follow it.
    """

    def __init__(self, doing: AbstractContextManager[Seen]) -> None:
        self._doing = doing
        self._open = ExitStack()
        self._seen: Seen | None = None

    def begin(self) -> None:
        """It begins."""
        self._seen = self._open.enter_context(self._doing)

    def end(self, status: str = GIVEN_UP, usage: Usage | None = None) -> None:
        """It is over. Only the first call counts."""
        if self._seen is not None:
            self._seen.learn(status, usage or Usage())
            self._seen = None
            self._open.close()
