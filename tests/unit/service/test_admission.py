"""The admission: who is let in, when, and what those are told who are not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import anyio
import pytest
from starlette.requests import HTTPConnection
from tests.support.clock import INSTANT

from drybox import ExecutionRequest
from drybox.execution.cpu_meter import CpuMeter
from drybox.server.transport.origins import bearer_token
from drybox.server.transport.problem_response import headers_of
from drybox.service.admission import AdmissionController, Caller
from drybox.service.api_keys import hash_key
from drybox.service.refusals import Problem, Refused
from drybox.settings import ApiKey, Rate, ServerSettings

pytestmark = pytest.mark.anyio
REQUEST = ExecutionRequest("python", "1")
MIDNIGHT = 20_000 * 86_400.0


@pytest.fixture
def anyio_backend() -> Any:
    return INSTANT


class Told:
    """An observer of the admission that writes down what it is told."""

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


def controller_of(
    *keys: ApiKey, slots: int = 1, told: Iterable[Told] = (), **settings: Any
) -> AdmissionController:
    return AdmissionController(
        keys,
        slots,
        "auto",
        most_of,
        ServerSettings(**settings),
        told,
        clock=anyio.current_time,
        unix_time=lambda: MIDNIGHT - 100 + anyio.current_time(),
    )


def connection(method: str = "POST", **headers: str) -> HTTPConnection:
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    return HTTPConnection({"type": "http", "method": method, "headers": pairs, "path": "/"})


async def identify(controller: AdmissionController, shown: HTTPConnection) -> Caller:
    return await controller.identify(bearer_token(shown), begins=shown.scope["method"] != "GET")


def most_of(request: ExecutionRequest) -> float:
    return request.timeout or 1.0


async def run(
    controller: AdmissionController,
    name: str,
    seconds: float = 1.0,
    cpu: float = 0.0,
    **request: Any,
) -> None:
    meter = CpuMeter()
    async with controller.admit(Caller(name), ExecutionRequest("python", "1", **request), meter):
        try:
            await anyio.sleep(seconds)
        finally:
            meter.add(cpu)


async def refused(
    controller: AdmissionController, name: str, request: ExecutionRequest = REQUEST
) -> Problem:
    with pytest.raises(Refused) as caught:
        async with controller.admit(Caller(name), request, CpuMeter()):
            raise AssertionError("it was let in")
    return caught.value.problem


# --- who ------------------------------------------------------------------------------------


@pytest.mark.promise("KEY-1")
async def test_a_key_is_known_by_its_name() -> None:
    controller = controller_of(key("shop"), key("school"))
    assert controller.asks_for_keys
    for scheme in ("Bearer", "bearer", "BEARER"):
        caller = await identify(controller, connection(authorization=f"{scheme} drybox_school"))
        assert caller == Caller("school")


@pytest.mark.promise("KEY-1")
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
    controller = controller_of(key("shop"), told=[told])
    with pytest.raises(Refused) as caught:
        await identify(controller, connection(**headers))
    problem = caught.value.problem
    assert (problem.kind, headers_of(problem)) == ("unauthorized", {"WWW-Authenticate": challenge})
    assert told.refusals == [("", "unauthorized")]


@pytest.mark.promise("KEY-1")
async def test_without_keys_everybody_is_the_same_client() -> None:
    controller = controller_of()
    assert not controller.asks_for_keys
    for headers in ({}, {"authorization": "Bearer anything"}):
        assert await identify(controller, connection(**headers)) == Caller("")
    controller.check_metrics(Caller())
    await run(controller, "")


# --- what -----------------------------------------------------------------------------------


@pytest.mark.promise("KEY-1")
async def test_a_key_uses_its_languages_and_isolations_alone() -> None:
    told = Told()
    controller = controller_of(
        key("shop", languages=("python",), isolations=("gvisor",)), key("all"), told=[told]
    )
    for request in (
        ExecutionRequest("node", "1", isolation="gvisor"),
        ExecutionRequest("python", "1", isolation="local"),
        ExecutionRequest("python", "1"),  # that is 'auto'
    ):
        problem = await refused(controller, "shop", request)
        assert problem.kind == "forbidden"
        await run(controller, "all")
    await run(controller, "shop", isolation="gvisor")
    assert told.refusals == [("shop", "forbidden")] * 3


async def test_metrics_are_for_keys_that_may_read_them() -> None:
    controller = controller_of(key("shop"), key("prometheus", metrics=True))
    controller.check_metrics(Caller("prometheus"))
    with pytest.raises(Refused) as caught:
        controller.check_metrics(Caller("shop"))
    assert caught.value.problem.kind == "forbidden"


# --- how fast -------------------------------------------------------------------------------


@pytest.mark.promise("KEY-6")
async def test_a_rate_is_kept_and_its_wait_is_true() -> None:
    told = Told()
    controller = controller_of(key("shop", rate=Rate(60, 60.0), burst=2), slots=9, told=[told])
    await run(controller, "shop", 0.0)
    await run(controller, "shop", 0.0)
    problem = await refused(controller, "shop")
    assert (problem.kind, problem.retry_after) == ("rate-limited", 1)
    await anyio.sleep(1.0)
    await run(controller, "shop", 0.0)
    assert (await refused(controller, "shop")).kind == "rate-limited"
    assert told.refusals == [("shop", "rate")] * 2


@pytest.mark.promise("KEY-1")
async def test_who_has_no_token_is_refused_before_a_body_is_read() -> None:
    controller = controller_of(key("shop", rate=Rate(1, 3600.0)))
    post = connection(authorization="Bearer drybox_shop")
    await identify(controller, post)
    await run(controller, "shop", 0.0)
    with pytest.raises(Refused) as caught:
        await identify(controller, post)
    assert caught.value.problem.retry_after == 3600
    await identify(controller, connection("GET", authorization="Bearer drybox_shop"))


# --- slots ----------------------------------------------------------------------------------


@pytest.mark.promise("KEY-3")
async def test_a_crowd_of_one_key_delays_another_by_one_execution() -> None:
    told = Told()
    controller = controller_of(
        key("crowd"), key("other"), told=[told], queue=1000, queue_timeout=5000
    )
    async with anyio.create_task_group() as tasks:
        for _ in range(1000):
            tasks.start_soon(run, controller, "crowd", 1.0)
        await anyio.sleep(10.5)
        assert controller.waiting == 989
        await run(controller, "other")
        assert told.admissions[-1][0] == "other"
        assert told.admissions[-1][1] <= 1.0
    assert len(told.admissions) == 1001
    assert (controller.waiting, controller.running) == (0, 0)


async def test_a_key_runs_no_more_at_once_than_it_may() -> None:
    told = Told()
    controller = controller_of(key("shop", concurrency=2), key("other"), slots=4, told=[told])
    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(run, controller, "shop", 1.0)
        await anyio.sleep(0.5)
        assert (controller.running, controller.waiting) == (2, 3)
        await run(controller, "other", 0.1)
    waits = [waited for name, waited in told.admissions if name == "shop"]
    assert waits == [0.0, 0.0, 1.0, 1.0, 2.0]
    assert ("other", 0.0) in told.admissions


async def test_who_waits_too_long_is_sent_away() -> None:
    told = Told()
    controller = controller_of(key("shop"), told=[told], queue_timeout=5.0)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, controller, "shop", 8.0)
        await anyio.sleep(1.0)
        problem = await refused(controller, "shop")
        assert anyio.current_time() == pytest.approx(6.0)
        assert problem.kind == "queue-full"
        assert problem.retry_after is not None
        assert 1 <= problem.retry_after <= 60
        assert (controller.waiting, controller.running) == (0, 1)
    assert told.refusals == [("shop", "queue_timeout")]
    await run(controller, "shop")


@pytest.mark.promise("KEY-5")
async def test_a_full_queue_makes_room_for_a_key_that_has_none_of_it() -> None:
    told = Told()
    controller = controller_of(key("crowd"), key("other"), told=[told], queue=2, queue_timeout=60)
    pushed: list[Problem] = []

    async def crowd() -> None:
        try:
            await run(controller, "crowd", 1.0)
        except Refused as refusal:
            pushed.append(refusal.problem)

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(crowd)
        await anyio.sleep(0.5)
        assert [problem.kind for problem in pushed] == ["queue-full"]
        await run(controller, "other")
    assert len(pushed) == 2
    assert all(problem.kind == "queue-full" and problem.retry_after for problem in pushed)
    assert told.refusals == [("crowd", "queue_full")] * 2
    assert controller.waiting == 0


@pytest.mark.promise("KEY-14")
async def test_a_client_that_leaves_leaves_the_queue() -> None:
    controller = controller_of(key("shop"))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, controller, "shop", 2.0)
        await anyio.sleep(0.5)
        with anyio.move_on_after(0.5):
            await run(controller, "shop")
        assert (controller.waiting, controller.running) == (0, 1)
    await run(controller, "shop")
    assert controller.running == 0


@pytest.mark.promise("KEY-14")
async def test_a_client_that_leaves_just_as_it_gets_its_slot_gives_it_up() -> None:
    controller, scope = controller_of(key("shop")), anyio.CancelScope()

    async def before() -> None:
        await run(controller, "shop", 2.0)
        assert (controller.waiting, controller.running) == (0, 1), "the slot was handed on"
        scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(before)
        await anyio.sleep(0.5)
        with scope:
            await run(controller, "shop", 50.0)
        assert (controller.waiting, controller.running) == (0, 0)
    assert anyio.current_time() == pytest.approx(2.0)


async def test_a_task_that_is_cancelled_as_it_gets_its_slot_gives_it_up() -> None:
    controller = controller_of(key("shop"))

    async def before() -> None:
        await run(controller, "shop", 2.0)
        assert (controller.waiting, controller.running) == (0, 1), "the slot was handed on"
        waiting.cancel()  # asyncio's own cancellation reaches it in the queue still

    first = asyncio.ensure_future(before())
    await anyio.sleep(0.5)
    waiting = asyncio.ensure_future(run(controller, "shop", 50.0))
    await asyncio.wait([first, waiting])
    assert waiting.cancelled()
    first.result()
    assert (controller.waiting, controller.running) == (0, 0)
    await run(controller, "shop")
