"""The executor over a backend that another package advertises: limits, order, what is left."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from tests.support.clock import INSTANT

from drybox import (
    AsyncCodeExecutor,
    DockerSettings,
    ExecutionRequest,
    InvalidRequest,
    ResourceLimits,
    SandboxLost,
    Unavailable,
    Unsupported,
)
from drybox.backends.registry import make_backend
from drybox.job import Exit
from drybox.languages.registry import known_languages
from drybox.testing.fake_backend import FakeSandbox, Install, Script

pytestmark = pytest.mark.anyio
HELLO = Script([("stdout", b"hello")])
REQUEST = ExecutionRequest("python", "1")


@pytest.fixture
def anyio_backend() -> Any:
    return INSTANT


def executor_of(**settings: Any) -> AsyncCodeExecutor:
    return AsyncCodeExecutor(isolation="fake", **settings)


# --- backends -------------------------------------------------------------------------------


async def test_a_backend_is_entered_once_and_left_at_the_end(install: Install) -> None:
    backend = install(FakeSandbox([HELLO]), FakeSandbox([HELLO]))
    async with executor_of() as executor:
        assert backend.entered == 0
        first, second = [await executor.execute(REQUEST) for _ in range(2)]
        assert (backend.entered, backend.left) == (1, 0)
    assert (backend.entered, backend.left) == (1, 1)
    assert (first.stdout, first.isolation) == ("hello", "fake")
    assert first.id != second.id


@pytest.mark.parametrize(
    ("given", "wanted"), [(("pids", "cpus"), {"pids", "cpus"}), ("memory", {"memory"}), ((), set())]
)
async def test_what_may_be_weaker_reaches_the_backend(
    install: Install, given: Any, wanted: set[str]
) -> None:
    backend = install(FakeSandbox([HELLO]))
    async with executor_of(allow_weaker=given) as executor:
        await executor.execute(REQUEST)
    assert set(backend.allow_weaker) == wanted


@pytest.mark.parametrize("isolation", ["docker", "gvisor", "kata", "firecracker"])
async def test_an_isolation_that_is_not_there_is_never_replaced(isolation: str) -> None:
    nowhere = DockerSettings(host="unix:///nowhere/docker.sock")
    async with AsyncCodeExecutor(docker=nowhere) as executor:
        with pytest.raises(Unavailable, match=r"/nowhere/docker\.sock") as caught:
            await executor.execute(ExecutionRequest("python", "1", isolation=isolation))
    assert caught.value.hint


async def test_only_known_guarantees_can_be_given_up() -> None:
    with pytest.raises(InvalidRequest) as caught:
        make_backend("local", allow_weaker=["seccomp", "network"], progress=print)
    assert caught.value.field == "allow_weaker"
    assert "'network'" in caught.value.message


async def test_the_request_reaches_the_backend_with_the_executors_defaults(
    install: Install,
) -> None:
    backend = install(FakeSandbox([Script(), HELLO]))
    limits, compiling = ResourceLimits(pids=7), ResourceLimits(pids=8)
    settings: Any = {"compile_limits": compiling, "compile_timeout": 4.0}
    async with executor_of(timeout=3.0, limits=limits, **settings) as executor:
        await executor.execute(ExecutionRequest("go@1.21", ""))
    (spec,) = backend.specs
    assert (spec.language.name, spec.version) == ("go", "1.21")
    assert (spec.limits, spec.isolation) == (limits, "fake")
    made, run = backend.opened[0].commands
    assert (made.limits, made.timeout) == (compiling, 4.0)
    assert (run.limits, run.timeout) == (limits, 3.0)


# --- misuse ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"timeout": 0}, "timeout"),
        ({"limits": ResourceLimits(pids=0)}, "limits.pids"),
        ({"isolation": "none"}, "isolation"),
        ({"compile_timeout": -1}, "compile_timeout"),
        ({"compile_limits": ResourceLimits(memory=1)}, "compile_limits.memory"),
        ({"concurrency": 0}, "concurrency"),
        ({"hooks": [3]}, "hooks[0]"),
        ({"hook_timeout": 0}, "hook_timeout"),
    ],
)
async def test_wrong_settings_are_refused_at_once(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        AsyncCodeExecutor(**settings)
    assert caught.value.field == field


async def test_a_request_is_checked_before_it_runs(install: Install) -> None:
    backend = install(FakeSandbox([HELLO]), FakeSandbox([HELLO]))
    async with executor_of() as executor:
        with pytest.raises(InvalidRequest):
            executor.prepare(ExecutionRequest("cobol", "1"))
        run = executor.prepare(REQUEST)
        assert not backend.specs
        first, second = await run(), await run()
    assert (first.stdout, second.stdout) == ("hello", "hello")
    assert first.id != second.id


async def test_an_executor_that_is_not_open_says_so(install: Install) -> None:
    backend = install(FakeSandbox([HELLO]))
    executor = executor_of()
    for use in (executor.execute, executor.stream):
        with pytest.raises(InvalidRequest, match="not open"):
            await use(REQUEST)  # type: ignore[misc]
    async with executor:
        await executor.execute(REQUEST)
    with pytest.raises(InvalidRequest, match="not open"):
        await executor.execute(REQUEST)
    assert len(backend.specs) == 1


async def test_a_wrong_request_opens_no_sandbox(install: Install) -> None:
    backend = install()
    async with executor_of() as executor:
        for use in (executor.execute, executor.stream):
            with pytest.raises(InvalidRequest):
                await use(ExecutionRequest("python"))  # type: ignore[misc]
        with pytest.raises(InvalidRequest):
            await executor.execute_many([REQUEST, ExecutionRequest("cobol", "")])
    assert backend.specs == []


# --- many at once ---------------------------------------------------------------------------


async def test_many_requests_keep_their_order_and_run_side_by_side(install: Install) -> None:
    seconds = [3.0, 1.0, 2.0]
    install(*(FakeSandbox([Script([("stdout", b"%d" % n)], seconds=n)]) for n in seconds))
    started = anyio.current_time()
    async with executor_of(concurrency=3) as executor:
        results = await executor.execute_many([REQUEST] * 3)
    assert [result.stdout for result in results] == ["3", "1", "2"]
    assert anyio.current_time() - started == pytest.approx(3.0)


async def test_no_more_than_the_concurrency_run_at_once(install: Install) -> None:
    install(*(FakeSandbox([Script(seconds=1.0)]) for _ in range(5)))
    started = anyio.current_time()
    told = list[tuple[int, int]]()
    async with executor_of(concurrency=2, queue_timeout=1.5) as executor:
        results = await executor.execute_many(
            [REQUEST] * 5, progress=lambda done, count: told.append((done, count))
        )
    assert {result.status for result in results} == {"success"}  # none of them waits in the queue
    assert told == [(done, 5) for done in range(1, 6)]
    assert anyio.current_time() - started == pytest.approx(3.0)


async def test_slots_are_taken_first_come_first_served(install: Install) -> None:
    backend = install(*(FakeSandbox([Script(seconds=1.0)]) for _ in range(4)))
    async with executor_of(concurrency=1) as executor, anyio.create_task_group() as tasks:
        for version in "2413":
            tasks.start_soon(executor.execute, ExecutionRequest(f"python@{version}", "1"))
            await anyio.sleep(0.1)
    assert [spec.version for spec in backend.specs] == ["2", "4", "1", "3"]


async def test_who_waits_too_long_is_told_that_nothing_ran(install: Install) -> None:
    backend = install(FakeSandbox([Script(seconds=9.0)]), FakeSandbox([HELLO]))
    async with (
        executor_of(concurrency=1, queue_timeout=2.0) as executor,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(executor.execute, REQUEST)
        await anyio.sleep(0.1)
        started = anyio.current_time()
        with pytest.raises(Unavailable, match="1 other executions took longer than 2 s"):
            await executor.execute(REQUEST)
        assert anyio.current_time() - started == pytest.approx(2.0)
        assert len(backend.specs) == 1


async def test_who_is_cancelled_leaves_the_queue_at_once(install: Install) -> None:
    backend = install(FakeSandbox([Script(seconds=9.0)]), FakeSandbox([HELLO]))
    async with executor_of(concurrency=1) as executor, anyio.create_task_group() as tasks:
        tasks.start_soon(executor.execute, REQUEST)
        await anyio.sleep(1.0)
        with anyio.move_on_after(2.0) as left:
            await executor.execute(ExecutionRequest("python@8", "1"))
        assert left.cancelled_caught
        assert anyio.current_time() == pytest.approx(left.deadline)
        assert executor._slots.statistics().tasks_waiting == 0
        # Its place is not kept: whoever came after it is next.
        assert (await executor.execute(ExecutionRequest("python@9", "1"))).stdout == "hello"
    assert [spec.version for spec in backend.specs] == ["", "9"]


async def test_who_is_cancelled_while_running_is_destroyed_at_once(install: Install) -> None:
    sandbox = FakeSandbox([Script([("stdout", b"x")], deaf=True)])
    install(sandbox, FakeSandbox([HELLO]))
    async with executor_of(concurrency=1) as executor:
        with anyio.move_on_after(3.0) as scope:
            await executor.execute(REQUEST)
        assert anyio.current_time() == pytest.approx(scope.deadline)
        assert sandbox.closed
        assert (await executor.execute(REQUEST)).stdout == "hello"


async def test_a_request_without_a_sandbox_takes_no_other_along(install: Install) -> None:
    install(Unavailable("no room.", hint="Later."), FakeSandbox([HELLO]))
    async with executor_of(concurrency=1) as executor:
        lost, fine = await executor.execute_many([ExecutionRequest("js", "1"), REQUEST])
    assert (fine.status, fine.stdout) == ("success", "hello")
    assert (lost.status, lost.language, lost.phases) == ("sandbox_error", "node", [])
    assert lost.error is not None
    assert (lost.error.type, lost.error.hint) == ("Unavailable", "Later.")


async def test_what_cannot_be_enforced_stops_them_all(install: Install) -> None:
    slow = FakeSandbox([Script(hangs=True)])
    install(slow, Unsupported("no pids limit.", hint="Mend it."))
    async with executor_of(concurrency=2) as executor:
        with pytest.raises(Unsupported, match="no pids limit"):
            await executor.execute_many([REQUEST] * 2)
    assert slow.closed


async def test_nothing_to_do_is_done(install: Install) -> None:
    install()
    async with executor_of() as executor:
        assert await executor.execute_many([]) == []


# --- ends -----------------------------------------------------------------------------------


async def test_an_executor_that_ends_takes_its_streams_along(install: Install) -> None:
    sandbox = FakeSandbox([Script([("stdout", b"x")], deaf=True)])
    backend = install(sandbox)
    async with executor_of() as executor:
        stream = executor.stream(REQUEST)
        assert [(await stream.__anext__()).type for _ in range(3)][-1] == "stdout"
    assert sandbox.closed
    assert backend.left == 1
    await stream.aclose()


async def test_the_callers_error_stays_its_own(install: Install) -> None:
    install()
    with pytest.raises(ZeroDivisionError):
        async with executor_of():
            raise ZeroDivisionError


async def test_a_stream_tells_everything_and_ends_with_the_result(install: Install) -> None:
    install(FakeSandbox([HELLO]), FakeSandbox([Script(end=SandboxLost("gone", hint="x"))]))
    async with executor_of() as executor:
        async with executor.stream(REQUEST) as stream:
            events = [event async for event in stream]
        assert [event.type for event in events] == ["start", "phase", "stdout", "phase", "result"]
        async with executor.stream(REQUEST) as stream:
            *_, last = [event async for event in stream]
        assert last.result is not None
        assert last.result.status == "sandbox_error"


async def test_a_stream_raises_what_execute_would(install: Install) -> None:
    install(Unavailable("no room.", hint="Later."))
    async with executor_of() as executor, executor.stream(REQUEST) as stream:
        with pytest.raises(Unavailable, match="no room"):
            await stream.__anext__()


async def test_streamed_input_stands_in_for_the_requests(install: Install) -> None:
    sandbox = FakeSandbox([Script(end=Exit(0, None, 0.1), reads=True)])
    install(sandbox)
    pieces = [b"", b"cd", b"ab"]

    async def source() -> bytes:
        return pieces.pop()

    request = ExecutionRequest("python", "1", stdin=b"other")
    async with executor_of() as executor, executor.stream(request, stdin=source) as stream:
        async for _ in stream:
            pass
    assert sandbox.stdin == [b"abcd"]


async def test_languages_are_listed_with_the_version_that_would_run(install: Install) -> None:
    install()
    async with executor_of() as executor:
        found = await executor.languages()
    assert [(item.name, item.version, item.hint) for item in found] == [
        (name, "9.8.7", "") for name in known_languages()
    ]
