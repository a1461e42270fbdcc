"""Admission of requests: keys, permissions, quotas and a fair queue for slots."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

import anyio

from drybox.execution.cpu_meter import CpuMeter
from drybox.languages.registry import find_language
from drybox.model import ExecutionRequest, ExecutionResult
from drybox.service.accounts import Account, LocalAccount
from drybox.service.api_keys import find_key_holder
from drybox.service.fair_queue import FairQueue, Full
from drybox.service.quota.quota import DAY
from drybox.service.quota.store import DayUse
from drybox.service.refusals import Problem, Refused
from drybox.service.request_context import RequestRecord, current_record
from drybox.settings import ApiKey, ServerSettings


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        name: The name of the key, for logs and metrics; "" where no key is needed.
    """

    name: str = ""


Reason = Literal[
    "unauthorized", "forbidden", "rate", "cpu", "unknown", "queue_full", "queue_timeout"
]
"""Why a request was refused."""

ANYBODY = ApiKey("")
"""The one client of a server without keys."""

LONGEST_GUESS = 60
"""Seconds after which a client may try again at the latest, where that is an estimate."""

_FIRST_PACE, _NEWEST = 0.1, 0.1
"""Seconds that an execution takes as long as none has ended; how much the newest counts for."""


class AdmissionObserver(Protocol):
    """Is told what admission does. Its methods return at once and raise nothing."""

    def admitted(self, key: str, waited: float) -> None:
        """A request has a slot, after so many seconds in the queue."""

    def refused(self, key: str, reason: Reason) -> None:
        """A request was turned away; ``key`` is "" where nobody is known."""

    def charged(self, key: str, cpu_time: float) -> None:
        """An execution took so many CPU seconds."""


class AdmissionController:
    """Admits each key's requests as far as its limits go, and in a fair order.

    Args:
        keys: The clients; without any, everybody is one client that needs no key.
        slots: Executions that run at once.
        isolation: The isolation of requests that name none.
        most: CPU seconds that a request may take at most, all its phases together.
        settings: How many may wait, and how long.
        observers: Are told what it does.
        clock: Seconds that only go forward.
        unix_time: Seconds since 1970, for days.
        make_account: Makes what counts a key's use; for this server alone if None.
    """

    def __init__(
        self,
        keys: Iterable[ApiKey],
        slots: int,
        isolation: str,
        most: Callable[[ExecutionRequest], float],
        settings: ServerSettings,
        observers: Iterable[AdmissionObserver] = (),
        *,
        clock: Callable[[], float] = time.monotonic,
        unix_time: Callable[[], float] = time.time,
        make_account: Callable[[ApiKey], Account] | None = None,
    ) -> None:
        self._keys = tuple(keys)
        self._isolation = isolation
        self._most = most
        self._settings = settings
        self._observers = tuple(observers)
        self._clock = clock
        self._unix_time = unix_time
        self._queue: FairQueue[_Waiter] = FairQueue(slots, settings.queue, self._may_begin)
        make = make_account or (lambda key: LocalAccount(key, clock, unix_time))
        self._accounts = {key.name: make(key) for key in self._keys or (ANYBODY,)}
        self._pace = _FIRST_PACE

    @property
    def asks_for_keys(self) -> bool:
        """Whether somebody without a key is turned away."""
        return bool(self._keys)

    @property
    def size(self) -> int:
        """How many requests may wait."""
        return self._queue.size

    @property
    def slots(self) -> int:
        """How many may have a slot."""
        return self._queue.slots

    def resize(self, slots: int) -> None:
        """Let so many have a slot from now on; those that have one keep it."""
        if slots != self._queue.slots:
            self._queue.slots = slots
            self.serve()

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return self._queue.waiting

    @property
    def running(self) -> int:
        """How many have a slot."""
        return self._queue.running

    def day_use(self) -> DayUse:
        """What keys that have a budget for a day have used of it."""
        now = self._unix_time()
        uses = ((name, item.day_use(now)) for name, item in self._accounts.items())
        return DayUse(int(now // DAY), {name: used for name, used in uses if used is not None})

    def resume(self, use: DayUse) -> None:
        """Take up what a server before this one has counted."""
        for name, seconds in use.seconds.items():
            account = self._accounts.get(name)
            if account is not None:
                account.resume(seconds, use.day, self._unix_time())

    async def identify(self, token: str | None, *, begins: bool = True) -> Caller:
        """Who this is.

        Args:
            token: The key that was shown; None for none.
            begins: Whether an execution is to begin.

        Raises:
            Refused: Nobody (401); or somebody who may begin nothing now (429), so that no body
                need be read.
        """
        if not self._keys:
            return Caller()
        key = find_key_holder(self._keys, token) if token else None
        if key is None:
            raise self._refusal("", "unauthorized", _unauthorized(token is not None))
        if begins:
            await self._check_quota(self._accounts[key.name])
        current_record().key = key.name
        return Caller(key.name)

    def charge_refused(self, caller: Caller) -> None:
        """Take of a caller's rate for a request that was wrong, but took much to find out."""
        self._accounts[caller.name].take()

    def check_metrics(self, caller: Caller) -> None:
        """See to it that a caller may read the metrics.

        Raises:
            Refused: It may not (403).
        """
        if self._keys and not self._accounts[caller.name].key.metrics:
            detail = f"The key {caller.name!r} may not read the metrics."
            hint = "Have the operator set 'metrics' of a key, or server.public_metrics."
            raise self._refusal(caller.name, "forbidden", Problem("forbidden", detail, hint))

    @asynccontextmanager
    async def admit(
        self,
        caller: Caller,
        request: ExecutionRequest,
        meter: CpuMeter,
        queue_timeout: float | None = None,
    ) -> AsyncIterator[Admission]:
        """Wait for a slot; it lasts until the context is left. Cancelling gives it up.

        Args:
            caller: Who asks.
            request: What it runs.
            meter: What that has taken of the processor by the time that the context is left.
            queue_timeout: Seconds that it may wait; the server's if None.

        Raises:
            Refused: The key may not do this (403), or not now (429).
        """
        account = self._accounts[caller.name]
        self._check_permission(account.key, request)
        arrived = self._clock()
        most = self._most(request) if account.key.cpu_per_day else 0.0
        await self._acquire_slot(
            account, most, self._settings.queue_timeout if queue_timeout is None else queue_timeout
        )
        began = self._clock()
        for observer in self._observers:
            observer.admitted(caller.name, began - arrived)
        try:
            yield Admission(current_record())
        finally:
            self._pace += _NEWEST * (self._clock() - began - self._pace)
            self.charge(caller, meter.seconds)
            self._release_slot(account, most)

    def _check_permission(self, key: ApiKey, request: ExecutionRequest) -> None:
        if key.languages is not None:
            language, _ = find_language(request.language)
            self._check_word(key, "languages", language.name, key.languages)
        if key.isolations is not None:
            isolation = request.isolation or self._isolation
            self._check_word(key, "isolations", isolation, key.isolations)

    def _check_word(self, key: ApiKey, what: str, word: str, allowed: tuple[str, ...]) -> None:
        if word not in allowed:
            detail = f"The key {key.name!r} may not use {word!r}."
            words = ", ".join(allowed) or "none at all"
            hint = f"It may use {words}; the operator sets its '{what}'."
            raise self._refusal(key.name, "forbidden", Problem("forbidden", detail, hint))

    async def _check_quota(self, account: Account) -> None:
        key = account.key
        await account.refresh()
        if not account.is_known():
            detail = f"What the key {key.name!r} has used is not known at the moment."
            problem = _later("unavailable", detail, "Nothing ran; try again.", 1.0)
            raise self._refusal(key.name, "unknown", problem)
        spent = self._spent(account)
        if spent is not None:
            raise spent
        wait = account.rate_wait()
        if wait and key.rate:
            detail = (
                f"The key {key.name!r} may begin {key.rate.count:,} executions"
                f" in {key.rate.seconds:g} s."
            )
            problem = _later("rate-limited", detail, "Wait, then send it again.", wait)
            raise self._refusal(key.name, "rate", problem)

    def _spent(self, account: Account) -> Refused | None:
        """What a key is told whose day is used up."""
        key = account.key
        wait = account.spent_wait()
        if not wait:
            return None
        detail = f"The key {key.name!r} has used its {key.cpu_per_day:g} CPU seconds of today."
        problem = _later("quota-exceeded", detail, "Wait until midnight in UTC.", wait)
        return self._refusal(key.name, "cpu", problem)

    def _may_begin(self, waiter: _Waiter) -> bool:
        waiting = self._queue.waiting_of(waiter.key)
        return self._accounts[waiter.key].may_begin(waiter.most, waiting)

    async def _acquire_slot(self, account: Account, most: float, timeout: float) -> None:
        await self._check_quota(account)
        key = account.key
        waiter = _Waiter(key.name, most)
        try:
            pushed = self._queue.arrive(key.name, key.concurrency, waiter)
        except Full:
            raise self._refusal(key.name, "queue_full", self._full(key.name)) from None
        account.take()
        if pushed is not None:
            pushed.refuse(self._refusal(pushed.key, "queue_full", self._full(pushed.key)))
        self.serve()
        if waiter.has_slot:
            return
        try:
            with anyio.move_on_after(timeout):
                await waiter.called.wait()
        except BaseException:  # the client has left
            self._give_up(account, waiter)
            raise
        if waiter.refusal is not None:
            raise waiter.refusal
        if not waiter.has_slot:
            self._give_up(account, waiter)
            detail = f"The request waited {timeout:g} s for a slot."
            problem = _later("queue-full", detail, "Nothing ran; try again.", self._guess(key.name))
            raise self._refusal(key.name, "queue_timeout", problem)

    def _give_up(self, account: Account, waiter: _Waiter) -> None:
        if waiter.has_slot:
            self._release_slot(account, waiter.most)
        elif waiter.refusal is None:
            self._queue.leave(account.key.name, waiter)

    def _release_slot(self, account: Account, most: float) -> None:
        self._queue.end(account.key.name)
        account.end(most)
        self.serve()

    def serve(self) -> None:
        """Give slots that are free to those who wait; to be called when more may begin."""
        while (waiter := self._queue.next()) is not None:
            account = self._accounts[waiter.key]
            spent = self._spent(account)
            if spent is not None:  # by what ran while it waited
                self._queue.end(waiter.key)
                waiter.refuse(spent)
                continue
            account.begin(waiter.most)
            waiter.has_slot = True
            waiter.called.set()

    def is_spent(self, caller: Caller) -> bool:
        """Whether a caller's day is used up."""
        return self._accounts[caller.name].spent_wait() > 0.0

    def charge(self, caller: Caller, cpu_time: float) -> None:
        """Take so many CPU seconds of a caller's day."""
        if not cpu_time:
            return
        account = self._accounts[caller.name]
        account.charge(cpu_time)
        for observer in self._observers:
            observer.charged(account.key.name, cpu_time)

    def _full(self, key: str) -> Problem:
        detail = f"{self._queue.waiting:,} requests wait already."
        return _later("queue-full", detail, "Nothing ran; try again.", self._guess(key))

    def _guess(self, key: str) -> float:
        """Seconds until a new request might get a slot, by how long executions took of late."""
        return min(self._queue.ahead(key) * self._pace / self._queue.slots, LONGEST_GUESS)

    def _refusal(self, key: str, reason: Reason, problem: Problem) -> Refused:
        for observer in self._observers:
            observer.refused(key, reason)
        return Refused(problem)


class _Waiter:
    """A request in the queue."""

    def __init__(self, key: str, most: float) -> None:
        self.key = key
        self.most = most
        self.called = anyio.Event()
        self.has_slot = False
        self.refusal: Refused | None = None

    def refuse(self, refusal: Refused) -> None:
        self.refusal = refusal
        self.called.set()


class Admission:
    """The right to run one execution."""

    def __init__(self, record: RequestRecord) -> None:
        self._record = record

    def finish(self, result: ExecutionResult) -> None:
        """Tell what it came to. Not called where nothing is known of that."""
        self._record.result = result


def _unauthorized(shown: bool) -> Problem:
    detail = "Nobody has this key." if shown else "This server asks for a key."
    return Problem(
        "unauthorized",
        detail,
        "Send it as 'Authorization: Bearer KEY'; the operator makes one with 'drybox keys new'.",
        shown_key=shown,
    )


def _later(kind: str, detail: str, hint: str, wait: float) -> Problem:
    return Problem(kind, detail, hint, retry_after=max(1, math.ceil(wait)))
