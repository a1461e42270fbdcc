"""The gate of a server with keys, or of one client without: fair, and bounded in every way."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Literal, Protocol

import anyio
from starlette.requests import HTTPConnection

from drybox.api_keys import find_key_holder
from drybox.errors import DryboxError, SandboxLost
from drybox.http.admission import Caller, Ticket
from drybox.http.allowance import DAY, DailyBudget, TokenBucket
from drybox.http.fair_queue import FairQueue, Full
from drybox.http.ledger import DayUse
from drybox.http.problems import Problem, Refused
from drybox.http.request_record import RequestRecord, current_record
from drybox.languages import find_language
from drybox.model import ExecutionRequest, ExecutionResult, ResourceLimits
from drybox.settings import ApiKey, ServerSettings

Reason = Literal["unauthorized", "forbidden", "rate", "cpu", "queue_full", "queue_timeout"]
"""Why a request was refused."""

ANYBODY = ApiKey("")
"""The one client of a server without keys."""

LONGEST_GUESS = 60
"""Seconds after which a client may try again at the latest, where that is an estimate."""

_FIRST_PACE, _NEWEST = 0.1, 0.1
"""Seconds that a turn takes as long as none has ended; how much the newest counts for."""


class GateObserver(Protocol):
    """Is told what the gate does. Its methods return at once and raise nothing."""

    def admitted(self, key: str, waited: float) -> None:
        """A request has its turn, after so many seconds in the queue."""

    def refused(self, key: str, reason: Reason) -> None:
        """A request was turned away; ``key`` is "" where nobody is known."""

    def charged(self, key: str, cpu_time: float) -> None:
        """An execution took so many CPU seconds."""


class FairGate:
    """Admits each key's requests as far as its limits go, and in a fair order.

    Args:
        keys: The clients; without any, everybody is one client that needs no key.
        places: Executions that run at once.
        isolation: The wall of requests that name none.
        limits: The limits of requests that name none.
        settings: How many may wait, and how long.
        observers: Are told what it does.
        clock: Seconds that only go forward.
        unix_time: Seconds since 1970, for days.
    """

    def __init__(
        self,
        keys: Iterable[ApiKey],
        places: int,
        isolation: str,
        limits: ResourceLimits,
        settings: ServerSettings,
        observers: Iterable[GateObserver] = (),
        *,
        clock: Callable[[], float] = time.monotonic,
        unix_time: Callable[[], float] = time.time,
    ) -> None:
        self._keys = tuple(keys)
        self._isolation = isolation
        self._limits = limits
        self._settings = settings
        self._observers = tuple(observers)
        self._clock = clock
        self._unix_time = unix_time
        self._queue: FairQueue[_Waiter] = FairQueue(places, settings.queue)
        self._accounts = {key.name: _Account(key, clock()) for key in self._keys or (ANYBODY,)}
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
    def places(self) -> int:
        """How many may have their turn."""
        return self._queue.places

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return self._queue.waiting

    @property
    def running(self) -> int:
        """How many have their turn."""
        return self._queue.running

    def day_use(self) -> DayUse:
        """What keys that have a budget for a day have used of it."""
        now = self._unix_time()
        accounts = self._accounts.items()
        seconds = {name: item.budget.used(now) for name, item in accounts if item.budget}
        return DayUse(int(now // DAY), seconds)

    def resume(self, use: DayUse) -> None:
        """Take up what a server before this one has counted."""
        for name, seconds in use.seconds.items():
            account = self._accounts.get(name)
            if account is not None and account.budget:
                account.budget.resume(seconds, use.day, self._unix_time())

    async def identify(self, connection: HTTPConnection) -> Caller:
        """Who this is.

        Raises:
            Refused: Nobody (401); or somebody who may begin nothing now (429), so that no body
                need be read.
        """
        if not self._keys:
            return Caller()
        scheme, _, shown = connection.headers.get("authorization", "").partition(" ")
        key = find_key_holder(self._keys, shown.strip())
        if key is None or scheme.lower() != "bearer":
            raise self._refusal("", "unauthorized", _unauthorized(bool(shown.strip())))
        if connection.scope.get("method") != "GET":
            self._check_allowance(self._accounts[key.name])
        current_record().key = key.name
        return Caller(key.name)

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
    async def enter(self, caller: Caller, request: ExecutionRequest) -> AsyncIterator[Ticket]:
        """Wait for a turn; it lasts until the context is left. Cancelling gives it up.

        Raises:
            Refused: The key may not do this (403), or not now (429).
        """
        account = self._accounts[caller.name]
        self._check_permission(account.key, request)
        arrived = self._clock()
        await self._take_turn(account)
        began = self._clock()
        for observer in self._observers:
            observer.admitted(caller.name, began - arrived)
        ticket, ran = _Ticket(current_record()), True
        try:
            yield ticket
        except DryboxError as error:
            ran = isinstance(error, SandboxLost)
            raise
        finally:
            seconds = self._clock() - began
            self._pace += _NEWEST * (seconds - self._pace)
            if ran:
                self._charge(account, ticket, seconds, request)
            self._end_turn(account)

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

    def _check_allowance(self, account: _Account) -> None:
        key = account.key
        wait = account.budget.wait(self._unix_time()) if account.budget else 0.0
        if wait:
            detail = f"The key {key.name!r} has used its {key.cpu_per_day:g} CPU seconds of today."
            problem = _later("quota-exceeded", detail, "Wait until midnight in UTC.", wait)
            raise self._refusal(key.name, "cpu", problem)
        wait = account.bucket.wait(self._clock()) if account.bucket else 0.0
        if wait and key.rate:
            detail = (
                f"The key {key.name!r} may begin {key.rate.count:,} executions"
                f" in {key.rate.seconds:g} s."
            )
            problem = _later("rate-limited", detail, "Wait, then send it again.", wait)
            raise self._refusal(key.name, "rate", problem)

    async def _take_turn(self, account: _Account) -> None:
        self._check_allowance(account)
        key = account.key
        waiter = _Waiter(key.name)
        try:
            pushed = self._queue.arrive(key.name, key.concurrency, waiter)
        except Full:
            raise self._refusal(key.name, "queue_full", self._full(key.name)) from None
        if account.bucket:
            account.bucket.take(self._clock())
        if pushed is not None:
            pushed.refuse(self._refusal(pushed.key, "queue_full", self._full(pushed.key)))
        self._serve()
        if waiter.has_turn:
            return
        try:
            with anyio.move_on_after(self._settings.queue_timeout):
                await waiter.called.wait()
        except BaseException:  # the client has left
            self._give_up(account, waiter)
            raise
        if waiter.refusal is not None:
            raise waiter.refusal
        if not waiter.has_turn:
            self._give_up(account, waiter)
            detail = f"The request waited {self._settings.queue_timeout:g} s for its turn."
            problem = _later("queue-full", detail, "Nothing ran; try again.", self._guess(key.name))
            raise self._refusal(key.name, "queue_timeout", problem)

    def _give_up(self, account: _Account, waiter: _Waiter) -> None:
        if waiter.has_turn:
            self._end_turn(account)
        elif waiter.refusal is None:
            self._queue.leave(account.key.name, waiter)

    def _end_turn(self, account: _Account) -> None:
        self._queue.end(account.key.name)
        self._serve()

    def _serve(self) -> None:
        while (waiter := self._queue.next()) is not None:
            waiter.has_turn = True
            waiter.called.set()

    def _charge(
        self, account: _Account, ticket: _Ticket, seconds: float, request: ExecutionRequest
    ) -> None:
        cpu_time = ticket.cpu_time
        if cpu_time is None:
            # Nobody knows what it took: a client that leaves before the end saves nothing.
            cpu_time = seconds * (request.limits or self._limits).cpus
        if account.budget:
            account.budget.charge(cpu_time, self._unix_time())
        for observer in self._observers:
            observer.charged(account.key.name, cpu_time)

    def _full(self, key: str) -> Problem:
        detail = f"{self._queue.waiting:,} requests wait already."
        return _later("queue-full", detail, "Nothing ran; try again.", self._guess(key))

    def _guess(self, key: str) -> float:
        """Seconds until a newcomer might have its turn, by how long turns took of late."""
        return min(self._queue.ahead(key) * self._pace / self._queue.places, LONGEST_GUESS)

    def _refusal(self, key: str, reason: Reason, problem: Problem) -> Refused:
        for observer in self._observers:
            observer.refused(key, reason)
        return Refused(problem)


class _Account:
    """One key, and what it has left."""

    def __init__(self, key: ApiKey, now: float) -> None:
        self.key = key
        self.bucket: TokenBucket | None = None
        if key.rate:
            per_second = key.rate.count / key.rate.seconds
            self.bucket = TokenBucket(per_second, key.burst or key.rate.count, now)
        self.budget = DailyBudget(key.cpu_per_day) if key.cpu_per_day else None


class _Waiter:
    """A request in the queue."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.called = anyio.Event()
        self.has_turn = False
        self.refusal: Refused | None = None

    def refuse(self, refusal: Refused) -> None:
        self.refusal = refusal
        self.called.set()


class _Ticket:
    def __init__(self, record: RequestRecord) -> None:
        self.cpu_time: float | None = None
        self._record = record

    def finish(self, result: ExecutionResult) -> None:
        self._record.result = result
        self.cpu_time = result.usage.cpu_time


def _unauthorized(shown: bool) -> Problem:
    detail = "Nobody has this key." if shown else "This server asks for a key."
    error = ', error="invalid_token"' if shown else ""
    return Problem(
        "unauthorized",
        detail,
        "Send it as 'Authorization: Bearer KEY'; the operator makes one with 'drybox keys new'.",
        {"WWW-Authenticate": f'Bearer realm="drybox"{error}'},
    )


def _later(kind: str, detail: str, hint: str, wait: float) -> Problem:
    return Problem(kind, detail, hint, {"Retry-After": str(max(1, math.ceil(wait)))})
