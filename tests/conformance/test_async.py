"""The async twin: the same results and events, and cancellation that kills at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import anyio
import anyio.to_thread
import pytest
from tests.conformance.bench import LANGUAGES, Bench, feed, marker
from tests.support.host import eventually
from tests.support.isolations import Isolation

from drybox import (
    AsyncCodeExecutor,
    Event,
    ExecutionRequest,
    ExecutionResult,
    InvalidRequest,
    Usage,
)

TIMEOUT = 800.0  # the first to use an image waits until Go's standard library is compiled


def run(work: Callable[[AsyncCodeExecutor], Awaitable[None]]) -> None:
    """Do this with an executor of its own."""

    async def main() -> None:
        with anyio.fail_after(TIMEOUT):
            async with AsyncCodeExecutor() as executor:
                await work(executor)

    anyio.run(main)


def timeless(result: ExecutionResult) -> ExecutionResult:
    """The result without what differs from run to run."""
    phases = [
        replace(phase, execution_time=0.0, cpu_time=0.0, memory_peak=0) for phase in result.phases
    ]
    return replace(result, id="", execution_time=0.0, phases=phases, usage=Usage())


@pytest.mark.parametrize("name", ["hello", "exit", "broken"])
def test_the_twins_give_the_same_result(bench: Bench, name: str) -> None:
    request = bench.request(getattr(bench.programs, name), "5", artifacts=["**/*.txt"])
    results: list[ExecutionResult] = []

    async def work(executor: AsyncCodeExecutor) -> None:
        results.append(await executor.execute(request))
        results.extend(await executor.execute_many([request]))

    run(work)
    wanted = timeless(bench.executor.execute(request))
    assert [timeless(result) for result in results] == [wanted, wanted]


def test_the_twins_give_the_same_events(bench: Bench) -> None:
    request = bench.request(bench.programs.hello)
    events: list[Event] = []

    async def work(executor: AsyncCodeExecutor) -> None:
        async for event in executor.stream(request):
            events.append(event)

    run(work)
    plain = list(bench.executor.stream(request))
    for stream in ("stdout", "stderr"):
        texts = ["".join(e.data for e in each if e.type == stream) for each in (events, plain)]
        assert texts[0] == texts[1] != ""
    others = [
        [(e.type, e.phase) for e in each if e.type not in ("stdout", "stderr")]
        for each in (events, plain)
    ]
    assert others[0] == others[1]
    assert events[-1].result is not None
    assert plain[-1].result is not None
    assert timeless(events[-1].result) == timeless(plain[-1].result)


def test_cancelling_kills_at_once(bench: Bench) -> None:
    word = marker()
    request = bench.request(bench.programs.hang, word)

    async def work(executor: AsyncCodeExecutor) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(executor.execute, request)
            while not bench.isolation.runs(word):
                await anyio.sleep(0.01)
            tasks.cancel_scope.cancel()
        assert eventually(lambda: not bench.isolation.runs(word), 2)
        # The executor is none the worse for it.
        result = await executor.execute(bench.request(bench.programs.hello))
        assert result.status == "success"

    run(work)


@pytest.mark.parametrize(
    "programs",
    [pytest.param(item, id=item.language) for item in LANGUAGES if item.compiles],
    indirect=True,
)
def test_cancelling_a_compiler(bench: Bench) -> None:
    async def work(executor: AsyncCodeExecutor) -> None:
        async with executor.stream(bench.request(bench.programs.hello)) as events:
            async for event in events:
                if event.phase == "compile":
                    break
        result = await executor.execute(bench.request(bench.programs.hello))
        assert result.status == "success"

    run(work)


def test_cancelling_those_that_wait_for_a_slot(isolation: Isolation) -> None:
    words = [marker() for _ in range(4)]
    code = "import time; time.sleep(3600)"

    async def main() -> None:
        with anyio.fail_after(TIMEOUT):
            async with AsyncCodeExecutor(concurrency=1) as executor:
                async with anyio.create_task_group() as tasks:
                    for word in words:
                        request = ExecutionRequest(
                            "python", code, args=[word], isolation=isolation.name, timeout=600
                        )
                        tasks.start_soon(executor.execute, request)
                    while not any(map(isolation.runs, words)):
                        await anyio.sleep(0.01)
                    tasks.cancel_scope.cancel()
                assert eventually(lambda: not any(map(isolation.runs, words)), 2)
                request = ExecutionRequest("python", "print(1)", isolation=isolation.name)
                assert (await executor.execute(request)).stdout == "1\n"

    anyio.run(main)


def test_a_deadline_of_the_callers_own(bench: Bench) -> None:
    word = marker()

    async def work(executor: AsyncCodeExecutor) -> None:
        with anyio.move_on_after(bench.programs.start) as scope:
            await executor.execute(bench.request(bench.programs.hang, word))
        assert scope.cancelled_caught
        assert eventually(lambda: not bench.isolation.runs(word), 2)

    run(work)


def test_leaving_a_stream_ends_the_program(bench: Bench) -> None:
    word = marker()

    async def work(executor: AsyncCodeExecutor) -> None:
        async with executor.stream(bench.request(bench.programs.hang, word)) as events:
            async for event in events:
                if event.type == "stdout":
                    break
            assert bench.isolation.runs(word)
        assert eventually(lambda: not bench.isolation.runs(word), 2)

    run(work)


def test_a_follower_can_kill_the_program_and_gets_its_result(bench: Bench) -> None:
    word = marker()

    async def work(executor: AsyncCodeExecutor) -> None:
        events = executor.stream(bench.request(bench.programs.hang, word))
        written, ends = "", []
        async for event in events:
            written += event.data if event.type == "stdout" else ""
            if event.data and written == "ready\n":
                await events.kill()
                assert not bench.isolation.runs(word)
            ends.append(event.result)
        result = ends[-1]
        assert result is not None
        assert (result.status, result.signal, result.exit_code) == ("signaled", "SIGKILL", None)
        assert result.stdout == "ready\n"
        assert result.phases[-1].status == "signaled"

    run(work)


def test_breaking_out_of_the_loop_ends_the_program(bench: Bench) -> None:
    """As leaving a plain loop does, which closes its generator."""
    word = marker()

    async def work(executor: AsyncCodeExecutor) -> None:
        async for event in executor.stream(bench.request(bench.programs.hang, word)):
            if event.type == "stdout":
                break
        del event
        gone = await anyio.to_thread.run_sync(eventually, lambda: not bench.isolation.runs(word), 2)
        assert gone

    run(work)


def test_cancelling_a_follower_kills_at_once(bench: Bench) -> None:
    word = marker()

    async def follow(executor: AsyncCodeExecutor) -> None:
        async for _ in executor.stream(bench.request(bench.programs.hang, word)):
            pass

    async def work(executor: AsyncCodeExecutor) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follow, executor)
            while not bench.isolation.runs(word):
                await anyio.sleep(0.01)
            tasks.cancel_scope.cancel()
        gone = await anyio.to_thread.run_sync(eventually, lambda: not bench.isolation.runs(word), 2)
        assert gone

    run(work)


def test_leaving_the_executor_ends_every_program(bench: Bench) -> None:
    word = marker()

    async def main() -> None:
        with anyio.fail_after(TIMEOUT):
            async with AsyncCodeExecutor() as executor:
                events = executor.stream(bench.request(bench.programs.hang, word))
                async for event in events:
                    if event.type == "stdout":
                        break
                assert bench.isolation.runs(word)
            assert eventually(lambda: not bench.isolation.runs(word), 2)
            await events.aclose()

    anyio.run(main)


def test_stdin_as_it_comes(bench: Bench) -> None:
    async def work(executor: AsyncCodeExecutor) -> None:
        with feed() as stdin:
            texts = []
            async for event in executor.stream(bench.request(bench.programs.talk), stdin=stdin):
                if event.type == "stdout":
                    texts.append(event.data)
                if event.type == "stdout" and "".join(texts) == "ready\n":
                    stdin.send(b"word\n")
                    stdin.end()
            assert "".join(texts) == "ready\ngot word\n"

    run(work)


def test_errors_reach_the_follower_of_a_stream(bench: Bench) -> None:
    async def work(executor: AsyncCodeExecutor) -> None:
        with pytest.raises(InvalidRequest, match="timeout"):
            executor.stream(bench.request(bench.programs.hello, timeout=-1))

    run(work)


def test_an_executor_that_is_not_open() -> None:
    async def main() -> None:
        executor = AsyncCodeExecutor()
        with pytest.raises(InvalidRequest, match="executor"):
            await executor.execute(ExecutionRequest("python", ""))
        with pytest.raises(InvalidRequest, match="executor"):
            executor.stream(ExecutionRequest("python", ""))
        async with executor:
            assert (await executor.execute(ExecutionRequest("python", "print(1)"))).stdout == "1\n"
        with pytest.raises(InvalidRequest, match="executor"):
            await executor.execute(ExecutionRequest("python", ""))
        with pytest.raises(InvalidRequest, match="executor"):
            await executor.execute_many([ExecutionRequest("python", "")])

    anyio.run(main)


def test_an_error_of_the_caller_stays_the_callers_own() -> None:
    async def main() -> None:
        async with AsyncCodeExecutor() as executor:
            await executor.execute(ExecutionRequest("python", ""))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        anyio.run(main)
