"""Every status, reached in every language."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from tests.conformance.bench import LANGUAGES, Bench, feed, marker, until
from tests.conformance.programs import DIGITS
from tests.support.host import eventually

from drybox import ErrorInfo, ExecutionResult, ResourceLimits

pytestmark = pytest.mark.promise("RES-1")

MIB = 1 << 20


def ended_by_drybox(result: ExecutionResult, status: str) -> None:
    """What all results have in common that the program did not bring about itself."""
    assert result.status == status
    assert result.signal is None
    assert result.phases[-1].name == "run"
    assert result.phases[-1].status == status
    assert isinstance(result.error, ErrorInfo)
    assert result.error.type
    assert result.error.message
    assert result.error.hint


def test_success(bench: Bench) -> None:
    result = bench.run(bench.programs.hello)
    assert result.status == "success", result
    assert (result.exit_code, result.signal, result.error) == (0, None, None)
    assert result.stdout == "Hello, World!\n"
    assert result.stderr == "a word\n"


@pytest.mark.parametrize("code", [1, 42])
def test_failed(bench: Bench, code: int) -> None:
    result = bench.run(bench.programs.exit, str(code))
    assert result.status == "failed", result
    assert (result.exit_code, result.signal, result.error) == (code, None, None)
    assert result.stdout == "before\n"


def test_its_own_exit_137_is_no_memory_limit(bench: Bench) -> None:
    result = bench.run(bench.programs.exit, "137")
    assert (result.status, result.exit_code, result.signal) == ("failed", 137, None)
    assert result.error is None


@pytest.mark.parametrize("code", [124, 125, 143, 255])
def test_its_own_exit_codes_are_no_fate_of_drybox(python_bench: Bench, code: int) -> None:
    result = python_bench.run(python_bench.programs.exit, str(code))
    assert (result.status, result.exit_code, result.signal) == ("failed", code, None)


@pytest.mark.parametrize(
    ("programs", "name"),
    [
        pytest.param(programs, name, id=f"{programs.language}-{name}")
        for programs in LANGUAGES
        for name in programs.signals
    ],
    indirect=["programs"],
)
def test_signaled(bench: Bench, name: str) -> None:
    result = bench.run(bench.programs.signals[name])
    assert result.status == "signaled", result
    assert (result.exit_code, result.signal, result.error) == (None, name, None)
    assert result.stdout.startswith("before\n")
    assert result.phases[-1].signal == name
    assert result.phases[-1].exit_code is None


def test_compile_error(bench: Bench) -> None:
    result = bench.run(bench.programs.broken)
    assert bench.programs.complaint in result.stderr
    assert result.stdout == ""
    if not bench.programs.compiles:
        assert result.status == "failed"
        assert result.exit_code == bench.programs.refusal
        assert [phase.name for phase in result.phases] == ["run"]
        return
    assert result.status == "compile_error"
    assert result.signal is None
    assert result.execution_time == 0.0
    assert result.error is not None
    assert result.error.type == "compile_error"
    assert result.error.hint
    assert [phase.name for phase in result.phases] == ["compile"]
    assert result.phases[0].stderr == result.stderr
    assert result.phases[0].exit_code not in (0, None)
    assert result.phases[0].execution_time > 0


def test_timeout_keeps_what_was_printed(bench: Bench) -> None:
    timeout = bench.programs.start
    result = bench.run(bench.programs.hang, timeout=timeout)
    ended_by_drybox(result, "timeout")
    assert result.exit_code is None
    assert result.stdout == "ready\n"
    assert result.stderr == "waiting\n"
    assert timeout <= result.execution_time < timeout + 2
    assert result.phases[-1].execution_time == result.execution_time


def test_memory_limit(bench: Bench) -> None:
    limits = ResourceLimits(memory=192 * MIB)
    result = bench.run(bench.programs.hog, limits=limits)
    ended_by_drybox(result, "memory_limit")
    assert result.exit_code != 0
    assert result.stdout == "ready\n"
    assert result.usage.memory_peak is None or result.usage.memory_peak > 96 * MIB


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_memory_limit_is_told_every_time_on_a_busy_machine(bench: Bench) -> None:
    """Where the kernel ends the whole sandbox, whoever tells why may come too late."""
    limits = ResourceLimits(memory=192 * MIB)
    with busy(2 * (os.cpu_count() or 1)):
        ends = [bench.run(bench.programs.hog, limits=limits).status for _ in range(30)]
    assert ends == ["memory_limit"] * 30


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Meanwhile so many processes compute."""
    command = [sys.executable, "-c", "while True: pass"]
    with ExitStack() as running:
        for _ in range(count):
            running.callback(running.enter_context(subprocess.Popen(command)).kill)
        yield


def test_its_own_sigkill_is_no_memory_limit(bench: Bench) -> None:
    result = bench.run(bench.programs.signals["SIGKILL"])
    assert (result.status, result.signal) == ("signaled", "SIGKILL")


def test_its_own_words_on_memory_are_no_memory_limit(bench: Bench) -> None:
    """What the runtimes write when memory runs out, written by a program that has enough."""
    words = (
        b"java.lang.OutOfMemoryError: Java heap space\nMemoryError\nfatal error: out of memory\n"
    )
    files = {"words.txt": words}
    result = bench.run(bench.programs.complain, files=files)
    assert (result.status, result.exit_code, result.stderr_bytes) == ("failed", 1, words)
    assert result.error is None


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_output_limit_keeps_exactly_the_limit(bench: Bench, stream: str) -> None:
    limit = 12_345
    limits = ResourceLimits(output=limit)
    result = bench.run(bench.programs.flood, stream, "100000000", limits=limits)
    ended_by_drybox(result, "output_limit")
    assert result.exit_code is None
    kept = {"stdout": result.stdout_bytes, "stderr": result.stderr_bytes}
    assert kept.pop(stream) == (DIGITS * (limit // 10 + 1))[:limit]
    assert list(kept.values()) == [b""]
    assert result.truncated.stdout is (stream == "stdout")
    assert result.truncated.stderr is (stream == "stderr")


def test_output_up_to_the_limit_is_no_overflow(bench: Bench) -> None:
    limits = ResourceLimits(output=12_340)
    result = bench.run(bench.programs.flood, "stdout", "12340", limits=limits)
    assert result.status == "success", result
    assert result.stdout_bytes == DIGITS * 1234
    assert not result.truncated.stdout
    assert not result.truncated.stderr


def test_output_of_nothing_may_be_asked_for(python_bench: Bench) -> None:
    limits = ResourceLimits(output=0)
    quiet = python_bench.run("pass", limits=limits)
    assert quiet.status == "success"
    loud = python_bench.run("print(1)", limits=limits)
    ended_by_drybox(loud, "output_limit")
    assert (loud.stdout, loud.truncated.stdout) == ("", True)


def test_output_limit_holds_for_each_stream_alone(python_bench: Bench) -> None:
    code = "import os\nos.write(1, b'o' * 5000)\nos.write(2, b'e' * 5000)\n"
    result = python_bench.run(code, limits=ResourceLimits(output=5000))
    assert result.status == "success", result
    assert (len(result.stdout), len(result.stderr)) == (5000, 5000)


def test_sandbox_error_when_the_sandbox_dies_under_the_program(bench: Bench) -> None:
    word = marker()
    events = bench.executor.stream(bench.request(bench.programs.hang, word))
    until(events, "ready\n")
    assert eventually(lambda: bench.isolation.runs(word))
    bench.isolation.end(word)
    ended = time.monotonic()
    result = [event.result for event in events][-1]
    assert time.monotonic() - ended < 2
    assert result is not None
    ended_by_drybox(result, "sandbox_error")
    assert result.exit_code is None
    assert result.stdout == "ready\n"
    assert eventually(lambda: not bench.isolation.runs(word))


def test_a_lost_sandbox_takes_no_other_along(python_bench: Bench) -> None:
    bench, word = python_bench, marker()
    with feed() as stdin:
        lost = bench.executor.stream(bench.request(bench.programs.hang, word))
        other = bench.executor.stream(bench.request(bench.programs.talk), stdin=stdin)
        until(lost, "ready\n")
        until(other, "ready\n")
        bench.isolation.end(word)
        stdin.send(b"still here\n")
        stdin.end()
        results = [[event.result for event in events][-1] for events in (lost, other)]
    assert [result and result.status for result in results] == ["sandbox_error", "success"]
    assert results[1] is not None
    assert results[1].stdout == "ready\ngot still here\n"
