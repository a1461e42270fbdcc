"""The gate: who is let in, when, and what those are told who are not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import anyio
import pytest
from starlette.requests import HTTPConnection
from tests.support.clock import INSTANT

from drybox import (
    ExecutionRequest,
    ExecutionResult,
    ResourceLimits,
    SandboxLost,
    Truncated,
    Unavailable,
    Usage,
)
from drybox.api_keys import hash_key
from drybox.http.admission import Caller
from drybox.http.gate import FairGate
from drybox.http.ledger import DayUse
from drybox.http.problems import Problem, Refused
from drybox.settings import ApiKey, Rate, ServerSettings

pytestmark = pytest.mark.anyio
REQUEST = ExecutionRequest("python", "1")
MIDNIGHT = 20_000 * 86_400.0


@pytest.fixture
def anyio_backend() -> Any:
    return INSTANT


class Told:
    """An observer of the gate that writes down what it is told."""

    def __init__(self) -> None:
        self.admissions: list[tuple[str, float]] = []
        self.refusals: list[tuple[str, str]] = []
        self.charges: list[tuple[str, float]] = []

    def admitted(self, key: str, waited: float) -> None:
        self.admissions.append((key, round(waited, 6)))

    def refused(self, key: str, reason: str) -> None:
        self.refusals.append((key, reason))

    def charged(self, key: str, cpu_time: float) -> None:
        self.charges.append((key, round(cpu_time, 6)))


def key(name: str, **limits: Any) -> ApiKey:
    return ApiKey(name, (hash_key(f"drybox_{name}"),), **limits)


def gate_of(*keys: ApiKey, places: int = 1, told: Iterable[Told] = (), **settings: Any) -> FairGate:
    return FairGate(
        keys,
        places,
        "auto",
        ResourceLimits(),
        ServerSettings(**settings),
        told,
        clock=anyio.current_time,
        unix_time=lambda: MIDNIGHT - 100 + anyio.current_time(),
    )


def connection(method: str = "POST", **headers: str) -> HTTPConnection:
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    return HTTPConnection({"type": "http", "method": method, "headers": pairs, "path": "/"})


def result(cpu_time: float | None) -> ExecutionResult:
    return ExecutionResult(
        *("success", b"", b"", 0, None, 0.0, None, []),
        Usage(cpu_time),
        Truncated(),
        *({}, "id", "python", "3", "local"),
    )


async def run(
    gate: FairGate, name: str, seconds: float = 1.0, cpu: float | None = 0.0, **request: Any
) -> None:
    async with gate.enter(Caller(name), ExecutionRequest("python", "1", **request)) as ticket:
        await anyio.sleep(seconds)
        ticket.finish(result(cpu))


async def refused(gate: FairGate, name: str, request: ExecutionRequest = REQUEST) -> Problem:
    with pytest.raises(Refused) as caught:
        async with gate.enter(Caller(name), request):
            raise AssertionError("it was let in")
    return caught.value.problem


# --- who ------------------------------------------------------------------------------------


async def test_a_key_is_known_by_its_name() -> None:
    gate = gate_of(key("shop"), key("school"))
    assert gate.asks_for_keys
    for scheme in ("Bearer", "bearer", "BEARER"):
        caller = await gate.identify(connection(authorization=f"{scheme} drybox_school"))
        assert caller == Caller("school")


@pytest.mark.parametrize(
    ("headers", "challenge"),
    [
        ({}, 'Bearer realm="drybox"'),
        ({"authorization": "Bearer"}, 'Bearer realm="drybox"'),
        ({"authorization": "Bearer wrong"}, 'Bearer realm="drybox", error="invalid_token"'),
        ({"authorization": "Basic drybox_shop"}, 'Bearer realm="drybox", error="invalid_token"'),
        ({"authorization": "drybox_shop"}, 'Bearer realm="drybox"'),
        ({"authorization": "Bearer \xff\xfe"}, 'Bearer realm="drybox", error="invalid_token"'),
    ],
)
async def test_nobody_else_is_let_in(headers: dict[str, str], challenge: str) -> None:
    told = Told()
    gate = gate_of(key("shop"), told=[told])
    with pytest.raises(Refused) as caught:
        await gate.identify(connection(**headers))
    problem = caught.value.problem
    assert (problem.status, problem.headers["WWW-Authenticate"]) == (401, challenge)
    assert told.refusals == [("", "unauthorized")]


async def test_without_keys_everybody_is_the_same_client() -> None:
    gate = gate_of()
    assert not gate.asks_for_keys
    for headers in ({}, {"authorization": "Bearer anything"}):
        assert await gate.identify(connection(**headers)) == Caller("")
    gate.check_metrics(Caller())
    await run(gate, "")


# --- what -----------------------------------------------------------------------------------


async def test_a_key_uses_its_languages_and_walls_alone() -> None:
    told = Told()
    gate = gate_of(
        key("shop", languages=("python",), isolations=("gvisor",)), key("all"), told=[told]
    )
    for request in (
        ExecutionRequest("node", "1", isolation="gvisor"),
        ExecutionRequest("python", "1", isolation="local"),
        ExecutionRequest("python", "1"),  # that is 'auto'
    ):
        problem = await refused(gate, "shop", request)
        assert (problem.status, problem.kind) == (403, "forbidden")
        await run(gate, "all")
    await run(gate, "shop", isolation="gvisor")
    assert told.refusals == [("shop", "forbidden")] * 3


async def test_metrics_are_for_keys_that_may_read_them() -> None:
    gate = gate_of(key("shop"), key("prometheus", metrics=True))
    gate.check_metrics(Caller("prometheus"))
    with pytest.raises(Refused) as caught:
        gate.check_metrics(Caller("shop"))
    assert caught.value.problem.status == 403


# --- how fast -------------------------------------------------------------------------------


async def test_a_rate_is_kept_and_its_wait_is_true() -> None:
    told = Told()
    gate = gate_of(key("shop", rate=Rate(60, 60.0), burst=2), places=9, told=[told])
    await run(gate, "shop", 0.0)
    await run(gate, "shop", 0.0)
    problem = await refused(gate, "shop")
    assert (problem.status, problem.kind) == (429, "rate-limited")
    assert problem.headers["Retry-After"] == "1"
    await anyio.sleep(1.0)
    await run(gate, "shop", 0.0)
    assert (await refused(gate, "shop")).kind == "rate-limited"
    assert told.refusals == [("shop", "rate")] * 2


async def test_who_has_no_token_is_refused_before_a_body_is_read() -> None:
    gate = gate_of(key("shop", rate=Rate(1, 3600.0)))
    post = connection(authorization="Bearer drybox_shop")
    await gate.identify(post)
    await run(gate, "shop", 0.0)
    with pytest.raises(Refused) as caught:
        await gate.identify(post)
    assert caught.value.problem.headers["Retry-After"] == "3600"
    await gate.identify(connection("GET", authorization="Bearer drybox_shop"))


async def test_a_day_has_its_cpu_seconds_and_ends_at_midnight() -> None:
    told = Told()
    gate = gate_of(key("shop", cpu_per_day=10.0), key("other"), told=[told])
    await run(gate, "shop", 1.0, cpu=9.5)
    await run(gate, "shop", 1.0, cpu=9.5)
    problem = await refused(gate, "shop")
    assert (problem.status, problem.kind) == (429, "quota-exceeded")
    assert problem.headers["Retry-After"] == "98"
    await run(gate, "other", 0.0)
    await anyio.sleep(97.9)
    await refused(gate, "shop")
    await anyio.sleep(0.1)
    await run(gate, "shop", 0.0)
    assert told.charges[:2] == [("shop", 9.5)] * 2


async def test_a_gate_goes_on_with_what_one_before_it_has_counted() -> None:
    keys = (key("shop", cpu_per_day=10.0), key("school", cpu_per_day=10.0), key("free"))
    before = gate_of(*keys)
    await run(before, "shop", cpu=9.5)
    await run(before, "free", cpu=9.5)
    use = before.day_use()
    assert use == DayUse(19_999, {"shop": 9.5, "school": 0.0})
    after = gate_of(*keys)
    after.resume(DayUse(use.day, {**use.seconds, "nobody": 1.0, "free": 99.0}))
    assert after.day_use() == use
    await run(after, "shop", 0.0, cpu=9.5)
    assert (await refused(after, "shop")).kind == "quota-exceeded"
    for name in ("school", "free"):
        await run(after, name, 0.0)


@pytest.mark.parametrize(("day", "used"), [(19_998, 0.0), (19_999, 4.0), (99_999, 4.0)])
async def test_a_day_that_is_over_is_not_counted_and_one_to_come_is_today(
    day: int, used: float
) -> None:
    gate = gate_of(key("shop", cpu_per_day=10.0))
    gate.resume(DayUse(day, {"shop": 4.0}))
    assert gate.day_use() == DayUse(19_999, {"shop": used})
    await anyio.sleep(100)
    assert gate.day_use() == DayUse(20_000, {"shop": 0.0})


async def test_a_client_that_leaves_before_the_end_is_charged_for_what_it_may_have_used() -> None:
    told = Told()
    gate = gate_of(key("shop", cpu_per_day=10.0), told=[told])
    with anyio.move_on_after(4.0):
        await run(gate, "shop", 100.0, limits=ResourceLimits(cpus=2.0))
    await run(gate, "shop", 3.0, cpu=None)
    assert told.charges == [("shop", 8.0), ("shop", 3.0)]
    assert (await refused(gate, "shop")).kind == "quota-exceeded"


async def test_what_did_not_run_costs_nothing_and_a_lost_sandbox_does() -> None:
    told = Told()
    gate = gate_of(key("shop"), told=[told])

    async def fail(error: Exception) -> None:
        async with gate.enter(Caller("shop"), REQUEST):
            await anyio.sleep(2.0)
            raise error

    for error in (Unavailable("none", hint="wait"), SandboxLost("gone", hint="")):
        with pytest.raises(type(error)):
            await fail(error)
    assert told.charges == [("shop", 2.0)]
    assert gate.running == 0


# --- turns ----------------------------------------------------------------------------------


async def test_a_crowd_of_one_key_delays_another_by_one_turn() -> None:
    told = Told()
    gate = gate_of(key("crowd"), key("other"), told=[told], queue=1000, queue_timeout=5000)
    async with anyio.create_task_group() as tasks:
        for _ in range(1000):
            tasks.start_soon(run, gate, "crowd", 1.0)
        await anyio.sleep(10.5)
        assert gate.waiting == 989
        await run(gate, "other")
        assert told.admissions[-1][0] == "other"
        assert told.admissions[-1][1] <= 1.0
    assert len(told.admissions) == 1001
    assert (gate.waiting, gate.running) == (0, 0)


async def test_a_key_runs_no_more_at_once_than_it_may() -> None:
    told = Told()
    gate = gate_of(key("shop", concurrency=2), key("other"), places=4, told=[told])
    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(run, gate, "shop", 1.0)
        await anyio.sleep(0.5)
        assert (gate.running, gate.waiting) == (2, 3)
        await run(gate, "other", 0.1)
    waits = [waited for name, waited in told.admissions if name == "shop"]
    assert waits == [0.0, 0.0, 1.0, 1.0, 2.0]
    assert ("other", 0.0) in told.admissions


async def test_who_waits_too_long_is_sent_away() -> None:
    told = Told()
    gate = gate_of(key("shop"), told=[told], queue_timeout=5.0)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, gate, "shop", 8.0)
        await anyio.sleep(1.0)
        problem = await refused(gate, "shop")
        assert anyio.current_time() == pytest.approx(6.0)
        assert (problem.status, problem.kind) == (429, "queue-full")
        assert 1 <= int(problem.headers["Retry-After"]) <= 60
        assert (gate.waiting, gate.running) == (0, 1)
    assert told.refusals == [("shop", "queue_timeout")]
    await run(gate, "shop")


async def test_a_full_queue_makes_room_for_a_key_that_has_none_of_it() -> None:
    told = Told()
    gate = gate_of(key("crowd"), key("other"), told=[told], queue=2, queue_timeout=60)
    pushed: list[Problem] = []

    async def crowd() -> None:
        try:
            await run(gate, "crowd", 1.0)
        except Refused as refusal:
            pushed.append(refusal.problem)

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(crowd)
        await anyio.sleep(0.5)
        assert [problem.kind for problem in pushed] == ["queue-full"]
        await run(gate, "other")
    assert len(pushed) == 2
    assert all(problem.status == 429 and problem.headers["Retry-After"] for problem in pushed)
    assert told.refusals == [("crowd", "queue_full")] * 2
    assert gate.waiting == 0


async def test_a_client_that_leaves_leaves_the_queue() -> None:
    gate = gate_of(key("shop"))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, gate, "shop", 2.0)
        await anyio.sleep(0.5)
        with anyio.move_on_after(0.5):
            await run(gate, "shop")
        assert (gate.waiting, gate.running) == (0, 1)
    await run(gate, "shop")
    assert gate.running == 0


async def test_a_client_that_leaves_just_as_its_turn_comes_gives_it_up() -> None:
    gate, scope = gate_of(key("shop")), anyio.CancelScope()

    async def before() -> None:
        await run(gate, "shop", 2.0)
        assert (gate.waiting, gate.running) == (0, 1), "the turn was handed on"
        scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(before)
        await anyio.sleep(0.5)
        with scope:
            await run(gate, "shop", 50.0)
        assert (gate.waiting, gate.running) == (0, 0)
    assert anyio.current_time() == pytest.approx(2.0)


async def test_a_task_that_is_cancelled_as_its_turn_comes_gives_it_up() -> None:
    gate = gate_of(key("shop"))

    async def before() -> None:
        await run(gate, "shop", 2.0)
        assert (gate.waiting, gate.running) == (0, 1), "the turn was handed on"
        waiting.cancel()  # asyncio's own cancellation reaches it in the queue still

    first = asyncio.ensure_future(before())
    await anyio.sleep(0.5)
    waiting = asyncio.ensure_future(run(gate, "shop", 50.0))
    await asyncio.wait([first, waiting])
    assert waiting.cancelled()
    first.result()
    assert (gate.waiting, gate.running) == (0, 0)
    await run(gate, "shop")
