"""The shape of a result, its phases and its figures."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from typing import Any

import pytest
from tests.conformance.bench import Bench
from tests.conformance.programs import java
from tests.support.isolations import COUNTED_LATE

from drybox import ErrorInfo, ExecutionResult, PhaseResult, ResourceLimits, Truncated, Usage

MIB = 1 << 20

RESULT_FIELDS: dict[str, Any] = {
    "status": str,
    "stdout": str,
    "stderr": str,
    "stdout_bytes": bytes,
    "stderr_bytes": bytes,
    "exit_code": (int, type(None)),
    "signal": (str, type(None)),
    "execution_time": float,
    "error": (ErrorInfo, type(None)),
    "phases": list,
    "usage": Usage,
    "truncated": Truncated,
    "artifacts": Mapping,
    "id": str,
    "language": str,
    "version": str,
    "isolation": str,
    "weakened": (tuple, list),
    "backend": str,
    "environment": (str, type(None)),
}
PHASE_FIELDS: dict[str, Any] = {
    "name": str,
    "status": str,
    "stdout": str,
    "stderr": str,
    "exit_code": (int, type(None)),
    "signal": (str, type(None)),
    "execution_time": float,
    "cpu_time": (float, type(None)),
    "memory_peak": (int, type(None)),
}
USAGE_FIELDS: dict[str, Any] = {
    "cpu_time": (float, type(None)),
    "memory_peak": (int, type(None)),
}
ERROR_FIELDS: dict[str, Any] = {"type": str, "message": str, "hint": str}
TRUNCATED_FIELDS: dict[str, Any] = {"stdout": bool, "stderr": bool}


def has(record: Any, wanted: Mapping[str, Any]) -> None:
    """The record has these fields, of these types, as attributes and as keys."""
    for name, kinds in wanted.items():
        value = getattr(record, name)
        assert isinstance(value, kinds), f"{name} is {value!r}"
        assert record[name] == value
    with pytest.raises(KeyError):
        record["no such field"]


@pytest.fixture(params=["hello", "exit", "broken", "flood"])
def result(bench: Bench, request: pytest.FixtureRequest) -> ExecutionResult:
    """One that went well, one that did not, one that did not compile, one that was ended."""
    if request.param == "flood":
        limits = ResourceLimits(output=1000)
        return bench.run(bench.programs.flood, "stderr", "1000000", limits=limits)
    return bench.run(getattr(bench.programs, request.param), "3")


def test_every_field_is_there_also_as_a_key(bench: Bench, result: ExecutionResult) -> None:
    has(result, RESULT_FIELDS)
    has(result.usage, USAGE_FIELDS)
    has(result.truncated, TRUNCATED_FIELDS)
    if result.error is not None:
        has(result.error, ERROR_FIELDS)
    for phase in result.phases:
        assert isinstance(phase, PhaseResult)
        has(phase, PHASE_FIELDS)
    assert result.id
    assert result.language == bench.programs.language
    assert result.version[0].isdigit()
    assert result.isolation == bench.isolation.name
    assert result.backend == ("local" if bench.isolation.name == "local" else "docker")
    assert result.environment is None
    assert not result.weakened
    assert result.artifacts == {}
    assert result.stdout == result.stdout_bytes.decode("utf-8", "replace")
    assert result.stderr == result.stderr_bytes.decode("utf-8", "replace")


def test_the_last_phase_is_the_result(bench: Bench, result: ExecutionResult) -> None:
    last = result.phases[-1]
    assert (last.stdout, last.stderr) == (result.stdout, result.stderr)
    assert (last.exit_code, last.signal) == (result.exit_code, result.signal)
    if last.name == "run":
        assert last.status == result.status
        assert last.execution_time == result.execution_time
    before = result.phases[:-1]
    assert all(phase.status == "success" and phase.exit_code == 0 for phase in before)
    assert [phase.name for phase in result.phases] == bench.phases()[: len(result.phases)]


def test_figures_hold_together(result: ExecutionResult) -> None:
    times = [phase.cpu_time for phase in result.phases]
    peaks = [phase.memory_peak for phase in result.phases]
    assert result.usage.cpu_time == pytest.approx(sum(time or 0.0 for time in times))
    assert result.usage.memory_peak == max(peak or 0 for peak in peaks)
    assert all(phase.execution_time > 0 for phase in result.phases)


def test_results_survive_pickling_and_copying(result: ExecutionResult) -> None:
    assert pickle.loads(pickle.dumps(result)) == result
    assert copy.deepcopy(result) == result


def test_each_result_has_its_own_id(python_bench: Bench) -> None:
    results = [python_bench.run("") for _ in range(3)]
    assert len({result.id for result in results}) == 3


def test_a_program_that_was_compiled_keeps_the_two_outputs_apart(bench: Bench) -> None:
    result = bench.run(bench.programs.hello)
    assert [phase.name for phase in result.phases] == bench.phases()
    if bench.programs.compiles:
        assert (result.phases[0].stdout, result.phases[0].stderr) == ("", "")
    assert (result.phases[-1].stdout, result.phases[-1].stderr) == ("Hello, World!\n", "a word\n")


@pytest.mark.parametrize("programs", [java.PROGRAMS], ids=["java"], indirect=True)
def test_what_a_compiler_remarks_is_not_the_programs(bench: Bench) -> None:
    """Only javac has remarks on a program that it compiles."""
    code = (
        "import java.util.*;\n"
        "public class Main { public static void main(String[] a) {\n"
        '    List list = new ArrayList(); list.add("x"); System.out.println(list); } }\n'
    )
    result = bench.run(code)
    assert (result.status, result.stdout, result.stderr) == ("success", "[x]\n", "")
    assert "unchecked" in result.phases[0].stderr


def test_cpu_time_is_what_the_program_used(bench: Bench) -> None:
    result = bench.run(bench.programs.busy)
    assert result.status == "success", result
    used = result.phases[-1].cpu_time
    assert used is not None
    # The program stops at one second by its own clock, which leaves out its start and end.
    assert 0.9 <= used <= 2.5
    assert result.usage.cpu_time is not None
    assert used <= result.usage.cpu_time
    # One CPU is the limit; the kernel counts it out by tenths of a second, each of which several
    # threads may use up at once.
    assert result.execution_time >= 0.8


def test_memory_peak_is_what_the_program_touched(bench: Bench) -> None:
    limit = 256 * MIB
    result = bench.run(bench.programs.touch, "100", limits=ResourceLimits(memory=limit))
    assert result.status == "success", result
    peak = result.phases[-1].memory_peak
    assert peak is not None
    assert 100 * MIB <= peak <= limit + COUNTED_LATE + bench.isolation.kernel.memory
    assert result.usage.memory_peak is not None
    assert peak <= result.usage.memory_peak


def test_output_that_is_no_text_is_kept_as_bytes(python_bench: Bench) -> None:
    data = bytes(range(256)) * 300
    code = "import os\nos.write(1, bytes(range(256)) * 300)\nos.write(2, b'\\xff\\xfe\\n')\n"
    result = python_bench.run(code)
    assert result.stdout_bytes == data
    assert result.stdout == data.decode("utf-8", "replace")
    assert result.stderr_bytes == b"\xff\xfe\n"
    assert result.stderr == "\ufffd\ufffd\n"


def test_records_can_be_made_into_dictionaries(python_bench: Bench) -> None:
    result = python_bench.run("print(1)")
    as_dictionary = dict(result)
    assert as_dictionary["status"] == "success"
    assert dict(result.usage) == {
        "cpu_time": result.usage.cpu_time,
        "memory_peak": result.usage.memory_peak,
    }
