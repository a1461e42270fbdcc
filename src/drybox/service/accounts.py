"""What keys have left: counted by this server alone, or by all front doors of a fleet together."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from drybox.service.quota.quota import DailyBudget, TokenBucket
from drybox.settings import ApiKey


class Account(Protocol):
    """One key, and what it has left.

    Attributes:
        key: The key.
    """

    key: ApiKey

    async def refresh(self) -> None:
        """Find out what is left, before it is asked for."""

    def is_known(self) -> bool:
        """Whether what is left is known; if not, nothing may begin."""

    def rate_wait(self) -> float:
        """Seconds until the key may begin one more; 0.0 if it may now."""

    def take(self) -> None:
        """It begins one more."""

    def spent_wait(self) -> float:
        """Seconds until its day has something left; 0.0 if it has."""

    def may_begin(self, most: float, waiting: int) -> bool:
        """Whether the next of its requests may run yet, whatever place is free.

        Args:
            most: CPU seconds that it may take.
            waiting: How many of the key's wait.
        """

    def begin(self, most: float) -> None:
        """One runs from now on."""

    def end(self, most: float) -> None:
        """One that ran has ended."""

    def charge(self, cpu_time: float) -> None:
        """Take what was used of the day."""

    def day_use(self, now: float) -> float | None:
        """CPU seconds used of the day so far; None where nobody counts them.

        Args:
            now: Unix time.
        """

    def resume(self, seconds: float, day: int, now: float) -> None:
        """Take up what was used of a day before this server."""


class Accounts(Protocol):
    """Whoever counts what keys use."""

    def account(self, key: ApiKey) -> Account:
        """The account of a key."""

    async def serve(self, changed: Callable[[], None]) -> None:
        """Count, for ever.

        Args:
            changed: Called when more may begin than before.
        """


class LocalAccount:
    """One key, as this server alone counts it.

    Args:
        key: The key.
        clock: Seconds that only go forward.
        unix_time: Seconds since 1970, for days.
    """

    def __init__(
        self,
        key: ApiKey,
        clock: Callable[[], float] = time.monotonic,
        unix_time: Callable[[], float] = time.time,
    ) -> None:
        self.key = key
        self._clock = clock
        self._unix_time = unix_time
        self._bucket = bucket_of(key, clock())
        self._budget = DailyBudget(key.cpu_per_day) if key.cpu_per_day else None
        self._reserved = 0.0  # what those that run may take of it

    async def refresh(self) -> None:
        """It is all known here."""

    def is_known(self) -> bool:
        """Always."""
        return True

    def rate_wait(self) -> float:
        """Seconds until the key may begin one more; 0.0 if it may now."""
        return self._bucket.wait(self._clock()) if self._bucket else 0.0

    def take(self) -> None:
        """It begins one more."""
        if self._bucket:
            self._bucket.take(self._clock())

    def spent_wait(self) -> float:
        """Seconds until its day has something left; 0.0 if it has."""
        return self._budget.wait(self._unix_time()) if self._budget else 0.0

    def may_begin(self, most: float, waiting: int) -> bool:
        """Whether a day lasts for what runs already, however much that takes.

        What it takes is charged when it has ended. So a day is overrun by one run, not by as many
        as may run at once.
        """
        if self._budget is None:
            return True
        return self._budget.lasts(self._reserved, self._unix_time())

    def begin(self, most: float) -> None:
        """One runs from now on."""
        self._reserved += most

    def end(self, most: float) -> None:
        """One that ran has ended."""
        self._reserved -= most

    def charge(self, cpu_time: float) -> None:
        """Take what was used of the day."""
        if self._budget:
            self._budget.charge(cpu_time, self._unix_time())

    def day_use(self, now: float) -> float | None:
        """CPU seconds used of the day so far; None where nobody counts them."""
        return self._budget.used(now) if self._budget else None

    def resume(self, seconds: float, day: int, now: float) -> None:
        """Take up what was used of a day before this server."""
        if self._budget:
            self._budget.resume(seconds, day, now)


def bucket_of(key: ApiKey, now: float) -> TokenBucket | None:
    """What bounds how many executions a key begins; None for nothing."""
    if not key.rate:
        return None
    return TokenBucket(key.rate.count / key.rate.seconds, key.burst or key.rate.count, now)
