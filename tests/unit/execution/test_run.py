"""One execution against scripted sandboxes: every fate, every event, nothing left open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.clock import INSTANT, InstantLoop
from tests.support.play import LIMITS, OPERATOR, play, told

from drybox import (
    ExecutionResult,
    ResourceLimits,
)
from drybox.execution.outcome import signal_name
from drybox.execution.phases import source_of
from drybox.job import BUILD_DIR, Exit
from drybox.model import MIB, Event
from drybox.testing.fake_backend import FakeBackend, FakeSandbox, Script

pytestmark = pytest.mark.anyio
ENDED = Exit(0, None, 0.25, 0.125, 4096)


@pytest.fixture
def anyio_backend() -> Any:
    return INSTANT


@pytest.fixture
def package_dir(tmp_path: Path) -> Path:
    for language in PACKAGES:
        (tmp_path / language).mkdir()
    return tmp_path


# --- the way of a program that ends well ----------------------------------------------------


async def test_a_result_holds_everything_about_a_run() -> None:
    output: Any = [("stdout", b"out"), ("stderr", b"\xffe")]
    sandbox = FakeSandbox([Script(output, ENDED)], weakened=("pids",))
    result, _ = await play(sandbox, files={"data": b"1"}, args=["a"], env={"K": "V"})
    assert result == ExecutionResult(
        status="success",
        stdout_bytes=b"out",
        stderr_bytes=b"\xffe",
        exit_code=0,
        signal=None,
        execution_time=0.25,
        error=None,
        phases=result.phases,
        usage=result.usage,
        truncated=result.truncated,
        artifacts={},
        id="e1",
        language="python",
        version="9.8.7",
        isolation="fake",
        weakened=("pids",),
        backend="fake",
    )
    assert [dict(phase) for phase in result.phases] == [
        {
            "name": "run",
            "status": "success",
            "stdout": "out",
            "stderr": "\ufffde",
            "exit_code": 0,
            "signal": None,
            "execution_time": 0.25,
            "cpu_time": 0.125,
            "memory_peak": 4096,
        }
    ]
    assert (result.usage.cpu_time, result.usage.memory_peak) == (0.125, 4096)
    assert sandbox.calls == ["put", "exec", "close"]
    assert {file.path: file.content for file in sandbox.files} == {"data": b"1", "main.py": b"pass"}
    (command,) = sandbox.commands
    assert command.argv == ("python3", "main.py", "a")
    assert (command.limits, command.timeout, command.env) == (LIMITS, 5.0, {"K": "V"})


async def test_events_come_in_the_order_of_what_happened() -> None:
    sandbox = FakeSandbox([Script([("stderr", b"1"), ("stdout", b"2")], ENDED)])
    _, events = await play(sandbox)
    assert told(events) == [
        ("start", None),
        ("phase", "run"),
        ("stderr", b"1"),
        ("stdout", b"2"),
        ("phase", "success"),
        ("result", None),
    ]
    assert {event.id for event in events} == {"e1"}
    assert [event.phase for event in events] == [None, "run", "run", "run", "run", None]


async def test_the_variables_of_the_request_win_over_the_languages() -> None:
    sandbox = FakeSandbox([Script(), Script()])
    await play(sandbox, language="go", env={"GOMEMLIMIT": "off", "X": "1"})
    env = sandbox.commands[1].env
    assert (env["GOMEMLIMIT"], env["X"], env["GOMAXPROCS"]) == ("off", "1", "1")


@pytest.mark.parametrize("streamed", [False, True])
async def test_the_program_alone_reads_the_standard_input(streamed: bool) -> None:
    stdin = source_of(b"streamed") if streamed else None
    sandbox = FakeSandbox([Script(reads=True), Script(reads=True)])
    await play(sandbox, language="go", stdin=stdin)
    assert sandbox.stdin == [None, b"streamed" if streamed else None]


async def test_a_source_gives_its_bytes_once() -> None:
    source = source_of(b"abc")
    assert [await source(), await source(), await source()] == [b"abc", b"", b""]
    assert await source_of(b"")() == b""


# --- compiling ------------------------------------------------------------------------------


async def test_compilers_run_under_the_operators_limits_and_stay_unheard() -> None:
    compiled = Script([("stderr", b"a warning")], Exit(0, None, 2.0, 1.5, 9000))
    sandbox = FakeSandbox([compiled, Script([("stdout", b"ran")], ENDED)])
    result, events = await play(sandbox, language="go")
    assert sandbox.commands[0].limits == OPERATOR.compile
    assert sandbox.commands[0].timeout == 33.0
    assert told(events) == [
        *(("start", None), ("phase", "compile"), ("phase", "success"), ("phase", "run")),
        *(("stdout", b"ran"), ("phase", "success"), ("result", None)),
    ]
    assert (result.status, result.stdout, result.stderr) == ("success", "ran", "")
    assert [phase.stderr for phase in result.phases] == ["a warning", ""]
    assert result.execution_time == 0.25
    assert (result.usage.cpu_time, result.usage.memory_peak) == (1.625, 9000)


async def test_what_does_not_compile_does_not_run() -> None:
    sandbox = FakeSandbox([Script([("stderr", b"main.go:1: no")], Exit(2, None, 0.5))])
    result, events = await play(sandbox, language="go")
    assert (result.status, result.exit_code, result.execution_time) == ("compile_error", 2, 0.0)
    assert (result.stderr, [phase.status for phase in result.phases]) == (
        *("main.go:1: no", ["failed"]),
    )
    assert result.error is not None
    assert result.error.type == "compile_error"
    assert told(events)[2:4] == [("stderr", b"main.go:1: no"), ("phase", "failed")]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (Script(end=Exit(None, 9, 33.0, timed_out=True)), "timeout"),
        (Script([("stderr", bytes(21))]), "output_limit"),
        (Script(end=Exit(None, 9, 1.0, out_of_memory=True)), "memory_limit"),
    ],
)
async def test_a_compiler_that_is_stopped_is_a_compile_error_with_the_reason(
    script: Script, reason: str
) -> None:
    result, _ = await play(FakeSandbox([script]), language="go")
    assert (result.status, result.phases[0].status) == ("compile_error", reason)
    assert result.exit_code is None
    assert result.error is not None
    assert result.error.type == reason
    assert "compile_" in result.error.hint


# --- installing -----------------------------------------------------------------------------

PACKAGES = {"python": "a", "node": "a", "go": "a.b/c", "java": "a:b:1", "rust": "a"}


async def test_installers_run_first_under_their_own_limits_and_stay_unheard(
    package_dir: Path,
) -> None:
    installed = Script([("stdout", b"Installed a")], Exit(0, None, 3.0, 1.0, 9000))
    sandbox = FakeSandbox([installed, Script([("stdout", b"ran")], ENDED)])
    result, events = await play(sandbox, packages=["a"], package_dir=package_dir)
    assert sandbox.commands[0].limits == OPERATOR.install
    assert (sandbox.commands[0].timeout, sandbox.commands[0].cwd) == (44.0, BUILD_DIR)
    assert sandbox.commands[0].argv[-1] == "a"
    assert told(events) == [
        *(("start", None), ("phase", "install"), ("phase", "success"), ("phase", "run")),
        *(("stdout", b"ran"), ("phase", "success"), ("result", None)),
    ]
    assert (result.status, result.stdout, result.execution_time) == ("success", "ran", 0.25)
    assert [phase.stdout for phase in result.phases] == ["Installed a", "ran"]


@pytest.mark.parametrize("language", PACKAGES)
async def test_nothing_compiles_or_runs_without_its_packages(
    language: str, package_dir: Path
) -> None:
    sandbox = FakeSandbox([Script([("stderr", b"no a")], Exit(1, None, 0.5))])
    packages = [PACKAGES[language]]
    result, events = await play(
        sandbox, language=language, packages=packages, package_dir=package_dir
    )
    assert (result.status, result.exit_code, result.execution_time) == ("install_error", 1, 0.0)
    assert (result.stderr, [phase.name for phase in result.phases]) == ("no a", ["install"])
    assert result.error is not None
    assert result.error.type == "install_error"
    assert told(events)[2:4] == [("stderr", b"no a"), ("phase", "failed")]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (Script(end=Exit(None, 9, 44.0, timed_out=True)), "timeout"),
        (Script([("stderr", bytes(21))]), "output_limit"),
        (Script(end=Exit(None, 9, 1.0, out_of_memory=True)), "memory_limit"),
    ],
)
async def test_an_installer_that_is_stopped_is_an_install_error_with_the_reason(
    script: Script, reason: str, package_dir: Path
) -> None:
    result, _ = await play(FakeSandbox([script]), packages=["a"], package_dir=package_dir)
    assert (result.status, result.phases[0].status) == ("install_error", reason)
    assert result.error is not None
    assert result.error.type == reason
    assert "The installer" in result.error.message
    assert "install_" in result.error.hint


@pytest.mark.parametrize("language", PACKAGES)
async def test_the_sandbox_is_told_where_packages_come_from(
    language: str, package_dir: Path
) -> None:
    for packages, folder in (([PACKAGES[language]], str(package_dir / language)), ([], "")):
        sandbox = FakeSandbox([Script(), Script(), Script()])
        backend = FakeBackend(sandbox)
        asked: Any = {"language": language, "packages": packages, "package_dir": package_dir}
        await play(sandbox, backend=backend, **asked)
        assert [spec.package_dir for spec in backend.specs] == [folder]


# --- fates ----------------------------------------------------------------------------------

JAVA_WORDS: Any = [("stderr", b"java.lang.OutOfMemoryError")]
JAVA_LIMITS = ResourceLimits(memory=100 * MIB)


@pytest.mark.parametrize(
    ("end", "status", "code", "name"),
    [
        (Exit(0, None, 1.0), "success", 0, None),
        (Exit(255, None, 1.0), "failed", 255, None),
        (Exit(None, 11, 1.0), "signaled", None, "SIGSEGV"),
        (Exit(None, 9, 1.0), "signaled", None, "SIGKILL"),
        (Exit(None, 9, 1.0, timed_out=True), "timeout", None, None),
        (Exit(0, None, 1.0, timed_out=True), "timeout", None, None),
        (Exit(None, 9, 1.0, out_of_memory=True), "memory_limit", None, None),
        (Exit(1, None, 1.0, out_of_memory=True), "memory_limit", 1, None),
        (Exit(0, None, 1.0, out_of_memory=True), "success", 0, None),
        (Exit(None, 9, 1.0, timed_out=True, out_of_memory=True), "timeout", None, None),
    ],
)
async def test_each_end_of_a_program_has_its_word(
    end: Exit, status: str, code: int | None, name: str | None
) -> None:
    result, _ = await play(FakeSandbox([Script([("stdout", b"kept")], end)]))
    assert (result.status, result.exit_code, result.signal) == (status, code, name)
    assert result.stdout == "kept"
    assert (result.error is None) == (status in ("success", "failed", "signaled"))
    if result.error is not None:
        assert result.error.type == status
        assert "compile_" not in result.error.hint


@pytest.mark.parametrize(
    ("peak", "words", "end", "status"),
    [
        (90 * MIB, JAVA_WORDS, 1, "memory_limit"),
        (None, JAVA_WORDS, 1, "memory_limit"),
        (10 * MIB, JAVA_WORDS, 1, "failed"),  # it only says so
        (90 * MIB, (), 1, "failed"),
        (90 * MIB, JAVA_WORDS, 0, "success"),
        (90 * MIB, [("stdout", JAVA_WORDS[0][1])], 1, "failed"),
    ],
)
async def test_a_runtimes_own_word_on_memory_counts_if_the_kernel_bears_it_out(
    peak: int | None, words: Any, end: int, status: str
) -> None:
    run = Script(words, Exit(end, None, 1.0, memory_peak=peak))
    result, _ = await play(FakeSandbox([Script(), run]), language="java", limits=JAVA_LIMITS)
    assert result.status == status
    plain, _ = await play(FakeSandbox([run]), language="python", limits=JAVA_LIMITS)
    assert plain.status in ("success", "failed")


@pytest.mark.parametrize(
    ("number", "name"),
    [(9, "SIGKILL"), (34, "SIGRTMIN"), (37, "SIGRTMIN+3"), (64, "SIGRTMAX")],
)
def test_signals_have_names(number: int, name: str) -> None:
    assert signal_name(number) == name


def test_every_signal_has_a_name_that_reads_as_one() -> None:
    names = [signal_name(number) for number in range(1, 65)]
    assert len(set(names)) == 64
    assert all(name.startswith("SIG") and "-" not in name for name in names)


# --- output ---------------------------------------------------------------------------------


async def test_too_much_output_ends_the_program_and_keeps_what_came_before() -> None:
    script = Script([("stderr", b"e"), ("stdout", b"123456789AB"), ("stderr", b"late")], hangs=True)
    sandbox = FakeSandbox([script])
    result, events = await play(sandbox)
    assert (result.status, result.exit_code, result.signal) == ("output_limit", None, None)
    assert (result.stdout, result.stderr) == ("123456789A", "e")
    assert (result.truncated.stdout, result.truncated.stderr) == (True, False)
    assert sandbox.calls == ["put", "exec", "kill", "close"]
    assert ("stdout", b"123456789A") in told(events)


async def test_what_was_under_way_when_a_program_was_cut_off_is_dropped() -> None:
    late: Any = [("stdout", b"x" * 11), ("stdout", b"more"), ("stderr", b"late")]
    sandbox = FakeSandbox([Script(late, buffered=True)])
    result, events = await play(sandbox)
    assert (result.status, result.stdout, result.stderr) == ("output_limit", "x" * 10, "")
    assert sandbox.calls == ["put", "exec", "kill", "close"]
    assert [event.data for event in events if event.data] == ["x" * 10]


async def test_output_up_to_the_limit_is_not_too_much() -> None:
    result, _ = await play(FakeSandbox([Script([("stdout", b"0123456789")])]))
    assert (result.status, result.truncated.stdout) == ("success", False)


@given(st.text(max_size=6), st.lists(st.integers(1, 3), max_size=12), st.integers(0, 12))
def test_the_events_make_the_output_whatever_the_pieces(
    text: str, sizes: list[int], limit: int
) -> None:
    data, pieces, at = text.encode(), [], 0
    for size in [*sizes, len(data) + 1]:
        pieces.append(data[at : at + size])
        at += size

    async def scenario() -> tuple[ExecutionResult, list[Event]]:
        script = Script([("stdout", piece) for piece in pieces])
        return await play(FakeSandbox([script]), limits=ResourceLimits(output=limit))

    result, events = anyio.run(scenario, backend_options={"loop_factory": InstantLoop})
    said = [event for event in events if event.type == "stdout"]
    assert b"".join(event.data_bytes for event in said) == result.stdout_bytes == data[:limit]
    assert "".join(event.data for event in said) == result.stdout
    assert (result.status == "output_limit") == (len(data) > limit)
