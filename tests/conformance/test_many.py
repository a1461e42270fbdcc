"""Several executions at once: their order, that they overlap, and what bounds them."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from tests.conformance.bench import LANGUAGES, Bench, feed, until
from tests.support.isolations import Isolation

from drybox import (
    CodeExecutor,
    ExecutionRequest,
    ExecutionResult,
    InvalidRequest,
    ResourceLimits,
    Unsupported,
)


def most_at_once(results: list[ExecutionResult]) -> int:
    """How many programs ran at one time, by the times that they printed themselves."""
    edges = []
    for result in results:
        assert result.status == "success", result
        start, end = map(float, result.stdout.split())
        edges += [(start, 1), (end, -1)]
    running = most = 0
    for _, change in sorted(edges):
        running += change
        most = max(most, running)
    return most


def test_results_keep_the_order_of_the_requests(bench: Bench) -> None:
    requests = [bench.request(bench.programs.words, str(i)) for i in range(5)]
    results = bench.executor.execute_many(requests)
    assert [result.stdout for result in results] == [f"{i}\0" for i in range(5)]


def test_languages_may_be_mixed(executor: CodeExecutor, isolation: Isolation) -> None:
    requests = [
        ExecutionRequest(programs.language, programs.hello, isolation=isolation.name, timeout=120)
        for programs in LANGUAGES
    ]
    results = executor.execute_many(requests)
    assert [result.language for result in results] == [p.language for p in LANGUAGES]
    assert {result.stdout for result in results} == {"Hello, World!\n"}


def test_each_request_has_its_own_fate(python_bench: Bench) -> None:
    programs = python_bench.programs
    requests = [
        python_bench.request(programs.hello),
        python_bench.request(programs.exit, "7"),
        python_bench.request(programs.hang, timeout=2),
        python_bench.request(programs.signals["SIGSEGV"]),
    ]
    results = python_bench.executor.execute_many(requests)
    assert [result.status for result in results] == ["success", "failed", "timeout", "signaled"]


def test_no_requests_give_no_results(executor: CodeExecutor) -> None:
    assert executor.execute_many([]) == []


def test_many_run_at_the_same_time(bench: Bench) -> None:
    requests = [bench.request(bench.programs.clock, "2")] * 3
    assert most_at_once(bench.executor.execute_many(requests)) >= 2


def test_two_streams_run_at_the_same_time(bench: Bench) -> None:
    """Each program has begun before the other one may end."""
    with feed() as first, feed() as second:
        sources = (first, second)
        streams = [
            bench.executor.stream(bench.request(bench.programs.talk), stdin=source)
            for source in sources
        ]
        for events in streams:
            until(events, "ready\n")
        for source in sources:
            source.end()
        results = [[event.result for event in events][-1] for events in streams]
    assert [result and result.status for result in results] == ["success", "success"]


@pytest.mark.parametrize("bound", [1, 2])
def test_no_more_than_the_bound_run_at_the_same_time(isolation: Isolation, bound: int) -> None:
    request = ExecutionRequest(
        "python", LANGUAGES[0].clock, args=["0.2"], isolation=isolation.name, timeout=120
    )
    with CodeExecutor(concurrency=bound) as executor:
        assert most_at_once(executor.execute_many([request] * 5)) <= bound
        assert most_at_once(in_threads(executor, request, 4)) <= bound


def test_who_waits_too_long_for_a_slot_is_told_so(isolation: Isolation) -> None:
    busy = ExecutionRequest(
        "python",
        "import time; print('runs', flush=True); time.sleep(100)",
        isolation=isolation.name,
        timeout=120,
    )
    late = replace(busy, code="print('late')")
    with CodeExecutor(concurrency=1, queue_timeout=0.2) as executor:
        for event in executor.stream(busy):
            if event.type == "stdout":
                results = executor.execute_many([late] * 2)
                break
        # They wait for others' programs so long, never for one another.
        assert [result.stdout for result in executor.execute_many([late] * 3)] == ["late\n"] * 3
    for result in results:
        assert (result.status, result.phases) == ("sandbox_error", [])
        assert result.error
        assert result.error.type == "Unavailable"


def in_threads(
    executor: CodeExecutor, request: ExecutionRequest, count: int
) -> list[ExecutionResult]:
    """The same request from several threads that share the executor."""
    results: list[ExecutionResult] = []
    threads = [
        threading.Thread(target=lambda: results.append(executor.execute(request)))
        for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == count
    return results


def test_threads_share_an_executor(python_bench: Bench) -> None:
    wrong: list[object] = []

    def work(name: str) -> None:
        for round_number in range(3):
            word = f"{name}-{round_number}"
            try:
                if round_number == 1:
                    stream = python_bench.executor.stream(
                        python_bench.request(python_bench.programs.words, word)
                    )
                    out = "".join(event.data for event in stream if event.type == "stdout")
                else:
                    out = python_bench.run(python_bench.programs.words, word).stdout
            except Exception as error:
                wrong.append(error)
            else:
                wrong.extend(out for _ in [0] if out != f"{word}\0")

    threads = [threading.Thread(target=work, args=(f"thread{i}",)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_one_wrong_request_lets_none_run(python_bench: Bench) -> None:
    good = python_bench.request(python_bench.programs.hello)
    with pytest.raises(InvalidRequest, match="language"):
        python_bench.executor.execute_many([good, ExecutionRequest("cobol", "x")])
    with pytest.raises(Unsupported, match=r"2\.99"):
        python_bench.executor.execute_many([good, ExecutionRequest("python@2.99", "x")])


def test_files_that_do_not_fit_take_no_other_along(python_bench: Bench) -> None:
    good = python_bench.request(python_bench.programs.hello)
    # A page for each: their bytes alone would fit.
    files, limits = {f"{n}.bin": b"x" for n in range(400)}, ResourceLimits(disk=1 << 20)
    large = python_bench.request("print(1)", files=files, limits=limits)
    results = python_bench.executor.execute_many([good, large, good])
    assert [result.status for result in results] == ["success", "sandbox_error", "success"]
    assert results[1].error is not None
    assert results[1].error.type == "InvalidRequest"
    assert "files" in results[1].error.message
    assert results[1].error.hint
    with pytest.raises(InvalidRequest, match="files"):
        python_bench.executor.execute(large)
