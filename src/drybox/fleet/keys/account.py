"""One key of a front door, with what the ledger of all front doors has leased to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from drybox.service.quota.quota import DAY
from drybox.settings import ApiKey

HOLD = 1.0
"""Seconds after which what was leased and not used is given back."""

MOST_GRANTS = 32
"""Executions that are granted at once."""

CHUNKS = 16
"""A key's requests are leased in parts of its burst: one front door holds few that others need."""


class Ledger(Protocol):
    """What calls the ledger for all accounts."""

    def is_known(self) -> bool:
        """Whether what was leased may be used."""

    def kick(self) -> None:
        """Have it called soon."""

    async def wait(self, until: Callable[[], bool]) -> None:
        """Wait until an answer has made something true, or for long."""


class LeasedAccount:
    """What the ledger knows of a key, as of its last answer, and what was used since.

    Args:
        key: The key.
        ledger: Calls it.
        clock: Seconds that only go forward.

    Attributes:
        wants: Executions that wait for a grant.
    """

    def __init__(self, key: ApiKey, ledger: Ledger, clock: Callable[[], float]) -> None:
        self.key = key
        self.wants = 0
        self._ledger = ledger
        self._clock = clock
        self._chunk = max(1, (key.burst or key.rate.count) // CHUNKS) if key.rate else 0
        self._most = 0.0  # what an execution that waits may take
        self._running = 0
        self._reserved = 0.0
        self._grants: list[float] = []  # what each of those that may begin may take
        self._granted_at = 0.0
        self._tokens = 0
        self._tokens_at = 0.0
        self._asks_tokens = 0
        self._no_token_before = 0.0
        self._spent_until = 0.0
        self._used = 0.0  # and not told yet
        self._known: tuple[int, float] = (0, 0.0)

    @property
    def is_limited(self) -> bool:
        """Whether there is anything to count."""
        return self._is_granted or self.key.rate is not None

    @property
    def _is_granted(self) -> bool:
        return bool(self.key.cpu_per_day) or self.key.concurrency is not None

    async def refresh(self) -> None:
        """Have a request of its rate at hand, or know that there is none."""
        if self.is_limited and not self._is_told():
            self._asks_tokens += 1
            try:
                await self._ledger.wait(self._is_told)
            finally:
                self._asks_tokens -= 1

    def _is_told(self) -> bool:
        if not self._ledger.is_known():
            return False
        return not self.key.rate or self._tokens > 0 or self._clock() < self._no_token_before

    def is_known(self) -> bool:
        """Whether what is left is known; if not, nothing may begin."""
        return not self.is_limited or self._ledger.is_known()

    def rate_wait(self) -> float:
        """Seconds until the key may begin one more; 0.0 if it may now."""
        if not self.key.rate or self._tokens > 0:
            return 0.0
        # More than nothing, also where the ledger was not asked since.
        return max(0.001, self._no_token_before - self._clock())

    def take(self) -> None:
        """It begins one more."""
        if self.key.rate:
            self._tokens -= 1

    def spent_wait(self) -> float:
        """Seconds until its day has something left; 0.0 if it has."""
        return max(0.0, self._spent_until - self._clock())

    def may_begin(self, most: float, waiting: int) -> bool:
        """Whether there is a grant for it; else one is asked for."""
        if not self._is_granted or self.spent_wait():
            return True  # or it is told that its day is used up
        if self._ledger.is_known() and self._grants and self._grants[0] >= most:
            return True
        # At least: a request that has just come is not among those that wait yet.
        wants, self._most = max(1, min(waiting, MOST_GRANTS)), most
        if wants > self.wants:  # else it has been asked, and is asked again after a while
            self._ledger.kick()
        self.wants = wants
        return False

    def begin(self, most: float) -> None:
        """One runs from now on."""
        if self._is_granted:
            self._grants.pop(0)
            self._running += 1
            self._reserved += most

    def end(self, most: float) -> None:
        """One that ran has ended."""
        if self._is_granted:
            self._running -= 1
            self._reserved = self._reserved - most if self._running else 0.0
            if self.wants:
                self._ledger.kick()

    def charge(self, cpu_time: float) -> None:
        """Take what was used of the day."""
        if self.key.cpu_per_day:
            self._used += cpu_time

    def day_use(self, now: float) -> float | None:
        """What all front doors have used of the day, as far as this one knows."""
        if not self.key.cpu_per_day:
            return None
        day, used = self._known
        return self._used + (used if day >= now // DAY else 0.0)

    def resume(self, seconds: float, day: int, now: float) -> None:
        """Take up what was used of a day, as this front door knew when it ended."""
        self._known = max(self._known, (day, seconds))

    def tell(self, leaves: bool) -> dict[str, Any]:
        """What the ledger is told, and asked for.

        Args:
            leaves: It is the last time.
        """
        now, back = self._clock(), 0
        if leaves or (self._tokens > 0 and now - self._tokens_at > HOLD and not self._asks_tokens):
            back, self._tokens = max(0, self._tokens), min(0, self._tokens)
        if leaves or (now - self._granted_at > HOLD and not self.wants):
            self._grants.clear()
        rate = self.key.rate
        tokens = 0
        if self._asks_tokens and self._tokens <= 0 and not leaves:
            tokens = max(self._chunk, self._asks_tokens - self._tokens)
        return {
            "limits": {
                "rate": (rate.count, rate.seconds) if rate else None,
                "burst": self.key.burst,
                "cpu_per_day": self.key.cpu_per_day,
                "concurrency": self.key.concurrency,
            },
            "running": 0 if leaves else self._running + len(self._grants),
            "reserved": 0.0 if leaves else self._reserved + sum(self._grants),
            "used": self._used + (self._reserved if leaves else 0.0),
            "known": self._known,
            "wants": 0 if leaves else self.wants,
            "most": self._most,
            "tokens": tokens,
            "tokens_back": back,
        }

    def hear(self, told: dict[str, Any], answer: dict[str, Any], *, is_ready: bool) -> None:
        """What the ledger answers.

        Args:
            told: What it was told.
            answer: What it says.
            is_ready: It knows what there is.
        """
        now = self._clock()
        self._used -= told["used"]
        if not is_ready:
            return
        self.wants = max(0, self.wants - answer["grants"])
        if answer["grants"]:
            self._grants += [told["most"]] * answer["grants"]
            self._granted_at = now
        if answer["tokens"]:
            self._tokens += answer["tokens"]
            self._tokens_at = now
        elif told["tokens"]:
            self._no_token_before = now + answer["rate_wait"]
        self._spent_until = now + answer["spent_wait"] if answer["spent_wait"] else 0.0
        self._known = answer["known"]
