"""What keys have used of a whole fleet, and what front doors may let them use; without Ray.

Front doors tell what their keys have running and have used, and get leases: so many requests that
a key may begin, and so many executions that it may have running. What they hold they tell each
time, so that a ledger that is new knows all of it once they have all told; until then it grants
nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from drybox.fleet.messages import pack, unpack
from drybox.service.accounts import bucket_of
from drybox.service.quota.quota import DAY, DailyBudget
from drybox.settings import ApiKey, Rate

GRACE = 4.0
"""Seconds in which every front door has found a new ledger, and told what it holds."""

DOOR_TIMEOUT = 12.0
"""Seconds after which a front door that says nothing has gone. Nodes end what it runs before, and
what it may have used by then is charged."""


class Ledger:
    """The accounts of all keys.

    Args:
        clock: Seconds that only go forward.
        unix_time: Seconds since 1970, for days.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        unix_time: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._unix_time = unix_time
        self._name = os.urandom(8).hex()
        self._ready_at = clock() + GRACE
        self._follows_another = False
        self._doors: dict[str, _Door] = {}
        self._keys: dict[str, _Key] = {}

    @property
    def doors(self) -> int:
        """Front doors that are there."""
        self._forget_doors()
        return len(self._doors)

    def exchange(self, data: bytes) -> bytes:
        """Hear what a front door tells, and grant what it asks for."""
        given = unpack(data)
        door, number = given["door"], given["number"]
        known = self._doors.setdefault(door, _Door())
        if known.number != number:
            known.number, known.used = number, {}
        known.heard_at = self._clock()
        self._follows_another |= given["knew"] not in ("", self._name)
        self._forget_doors()
        asked: Mapping[str, Mapping[str, Any]] = given["keys"]
        for name, item in asked.items():
            key = self._key(name, item["limits"])
            key.held[door] = (item["running"], item["reserved"])
            # The last call may be told once more, as its answer was lost on its way.
            key.unknown += max(0.0, item["used"] - known.used.get(name, 0.0))
            known.used[name] = item["used"]
            key.hear(*item["known"])
        if given["leaves"]:
            self._doors.pop(door, None)
            for key in self._keys.values():
                key.held.pop(door, None)
        is_ready = self._clock() >= self._ready_at
        answers = {name: self._answer(door, name, item, is_ready) for name, item in asked.items()}
        return pack({"ledger": self._name, "ready": is_ready, "keys": answers})

    def _answer(
        self, door: str, name: str, item: Mapping[str, Any], is_ready: bool
    ) -> dict[str, Any]:
        key, now, today = self._keys[name], self._clock(), self._unix_time()
        if not is_ready:
            return {
                "grants": 0,
                "tokens": 0,
                "rate_wait": 0.0,
                "spent_wait": 0.0,
                "known": (0, 0.0),
            }
        key.settle(now, today, is_empty=self._follows_another)
        grants = 0
        while grants < item["wants"] and key.may_begin(today):
            count, reserved = key.held[door]
            key.held[door] = (count + 1, reserved + item["most"])
            grants += 1
        tokens = 0
        if key.bucket is not None:
            key.bucket.give_back(item["tokens_back"])
            tokens = key.bucket.take_up_to(item["tokens"], now)
        return {
            "grants": grants,
            "tokens": tokens,
            "rate_wait": key.bucket.wait(now) if key.bucket else 0.0,
            "spent_wait": key.budget.wait(today) if key.budget else 0.0,
            "known": (int(today // DAY), key.budget.used(today) if key.budget else 0.0),
        }

    def _key(self, name: str, limits: Mapping[str, Any]) -> _Key:
        key = self._keys.get(name)
        if key is None or key.limits != limits:
            changed = _Key(name, limits, self._clock())
            if key is not None:
                changed.take_over(key)
            key = self._keys[name] = changed
        return key

    def _forget_doors(self) -> None:
        now = self._clock()
        for door, known in list(self._doors.items()):
            if now - known.heard_at > DOOR_TIMEOUT:
                del self._doors[door]
                for key in self._keys.values():
                    key.unknown += key.held.pop(door, (0, 0.0))[1]


@dataclass(slots=True)
class _Door:
    """A front door.

    Attributes:
        heard_at: When it called last.
        number: Of that call.
        used: CPU seconds by key, as that call told.
    """

    heard_at: float = 0.0
    number: int = -1
    used: dict[str, float] = field(default_factory=dict)


class _Key:
    """One key.

    Attributes:
        limits: As the front doors tell.
        held: What each of them has running, or may begin: how many, and the CPU seconds that they
            may take at most.
        unknown: CPU seconds that are not charged yet.
    """

    def __init__(self, name: str, limits: Mapping[str, Any], now: float) -> None:
        self.limits = limits
        rate = Rate(*limits["rate"]) if limits["rate"] else None
        self._key = ApiKey(
            name,
            rate=rate,
            burst=limits["burst"],
            cpu_per_day=limits["cpu_per_day"],
            concurrency=limits["concurrency"],
        )
        self.bucket = bucket_of(self._key, now)
        self.budget = DailyBudget(self._key.cpu_per_day) if self._key.cpu_per_day else None
        self.held: dict[str, tuple[int, float]] = {}
        self.unknown = 0.0
        self._heard: tuple[int, float] = (0, 0.0)
        self._is_settled = False

    def take_over(self, other: _Key) -> None:
        """The operator has changed its limits."""
        self.held, self.unknown, self._heard = other.held, other.unknown, other._heard
        if self.budget is not None and other.budget is not None:
            # What was used stays used.
            self.budget = other.budget
            self.budget.seconds = self._key.cpu_per_day or 0.0

    def hear(self, day: int, used: float) -> None:
        """What a front door knows to have been used in all, of a day."""
        self._heard = max(self._heard, (day, used))

    def settle(self, now: float, today: float, *, is_empty: bool) -> None:
        """Take up what was told.

        Args:
            now: Seconds that only go forward.
            today: Unix time.
            is_empty: A ledger before this one may have given all requests away that were left.
        """
        if not self._is_settled:
            self._is_settled = True
            if is_empty and self.bucket is not None:
                self.bucket.empty(now)
        if self.budget is not None:
            day, used = self._heard
            missing = used - self.budget.used(today)
            if missing > 0:
                self.budget.resume(missing, day, today)
            self._heard = (0, 0.0)
            self.budget.charge(self.unknown, today)
        self.unknown = 0.0

    def may_begin(self, today: float) -> bool:
        """Whether one more of its executions may begin."""
        running = sum(count for count, _ in self.held.values())
        if self._key.concurrency is not None and running >= self._key.concurrency:
            return False
        if self.budget is None:
            return True
        reserved = sum(seconds for _, seconds in self.held.values())
        return not self.budget.wait(today) and self.budget.lasts(reserved, today)
