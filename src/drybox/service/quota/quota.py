"""What a key may still use: pure decisions, without clock and I/O."""

from __future__ import annotations

DAY = 86_400.0
"""Seconds of a day in UTC, as Unix time counts them."""

_HAIR = 1e-9
"""What sums of many floats may be off."""


class TokenBucket:
    """So many requests a second on average, and so many at once.

    Args:
        rate: Tokens that come in a second.
        burst: Tokens that it holds, and that are there at first.
        now: Seconds, on any clock that only goes forward.
    """

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._tokens = float(burst)
        self._filled_at = now

    def wait(self, now: float) -> float:
        """Seconds until there is a token; 0.0 if there is one."""
        self._fill(now)
        return max(0.0, 1.0 - _HAIR - self._tokens) / self._rate

    def take(self, now: float) -> None:
        """Take one; if there is none, the next one that comes is missing."""
        self._fill(now)
        self._tokens -= 1.0

    def take_up_to(self, count: int, now: float) -> int:
        """Take so many, or as many as there are.

        Returns:
            How many.
        """
        self._fill(now)
        taken = max(0, min(count, int(self._tokens + _HAIR)))
        self._tokens -= taken
        return taken

    def empty(self, now: float) -> None:
        """All that there were may have been taken."""
        self._fill(now)
        self._tokens = min(self._tokens, 0.0)

    def give_back(self, count: int) -> None:
        """So many were taken and not used."""
        self._tokens = min(self._burst, self._tokens + count)

    def _fill(self, now: float) -> None:
        elapsed = max(0.0, now - self._filled_at)
        self._tokens = min(self._burst, self._tokens + elapsed * self._rate)
        self._filled_at += elapsed


class DailyBudget:
    """So many CPU seconds a day; the day ends at midnight in UTC.

    What a program will take is not known before it ran: it may run if anything is left, and
    what it took is charged afterwards.

    Args:
        seconds: CPU seconds of a day.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._day = -1.0
        self._used = 0.0

    def wait(self, now: float) -> float:
        """Seconds until something is left; 0.0 if something is.

        Args:
            now: Unix time.
        """
        self._roll_over(now)
        return 0.0 if self._used < self.seconds else DAY - now % DAY

    def lasts(self, reserved: float, now: float) -> bool:
        """Whether one more may run beside those that run, which may take so much.

        The first one may take what it likes, as nobody knows what that will be.
        """
        return not reserved or self.used(now) + reserved < self.seconds

    def charge(self, seconds: float, now: float) -> None:
        """Take what was used."""
        self._roll_over(now)
        self._used += seconds

    def used(self, now: float) -> float:
        """What was used of the day so far."""
        self._roll_over(now)
        return self._used

    def resume(self, seconds: float, day: int, now: float) -> None:
        """Take up what an earlier budget of the same key has used of a day.

        Args:
            seconds: CPU seconds.
            day: Days since 1970; of one that is over nothing counts.
            now: Unix time.
        """
        # Of a day to come, since a clock was set back: it must not give a budget twice.
        if day >= now // DAY:
            self.charge(seconds, now)

    def _roll_over(self, now: float) -> None:
        # A clock that is set back must not give a day's budget a second time. One that was days
        # ahead was wrong, and what was used counts for the day that it is: else a budget that is
        # used up comes again only on the wrong day.
        day = now // DAY
        if day > self._day:
            self._day, self._used = day, 0.0
        elif day < self._day - 1:
            self._day = day
