"""What one execution is held to beside its limits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.support.clock import INSTANT
from tests.support.play import OPERATOR, play

from drybox import AsyncCodeExecutor, ExecutionRequest, InvalidRequest
from drybox.execution.validation import check_caps
from drybox.job import UNCAPPED, ExecutionCaps, Exit
from drybox.model import MIB
from drybox.testing.fake_backend import FakeSandbox, Script

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> Any:
    return INSTANT


@pytest.mark.promise("PISTON-3")
async def test_they_reach_the_commands() -> None:
    sandbox = FakeSandbox([Script(), Script()])
    caps = ExecutionCaps(1.5, 64 * MIB, 0.5, 0.25)
    await play(sandbox, language="go", caps=caps)
    compiler, program = sandbox.commands
    assert (compiler.timeout, compiler.limits.memory, compiler.cpu_time) == (1.5, 64 * MIB, 0.5)
    assert (program.timeout, program.cpu_time) == (5.0, 0.25)


@pytest.mark.promise("PISTON-3")
async def test_without_any_everything_is_as_the_operator_has_it() -> None:
    sandbox = FakeSandbox([Script(), Script()])
    await play(sandbox, language="go")
    compiler, program = sandbox.commands
    assert (compiler.timeout, compiler.limits) == (OPERATOR.compile_timeout, OPERATOR.compile)
    assert (compiler.cpu_time, program.cpu_time) == (None, None)


@pytest.mark.promise("PISTON-3")
def test_they_never_allow_more_than_the_operator_does() -> None:
    looser = ExecutionCaps(compile_timeout=9999.0, compile_memory=OPERATOR.compile.memory + 1)
    assert OPERATOR.within(looser) == OPERATOR
    assert OPERATOR.within(UNCAPPED) == OPERATOR
    stricter = OPERATOR.within(ExecutionCaps(0.5, 1 * MIB))
    assert stricter == replace(
        OPERATOR, compile_timeout=0.5, compile=replace(OPERATOR.compile, memory=1 * MIB)
    )


@pytest.mark.promise("PISTON-3")
@pytest.mark.parametrize(
    ("used", "status"), [(0.2, "success"), (0.25, "timeout"), (9.0, "timeout"), (None, "success")]
)
async def test_cpu_time_that_is_found_out_at_the_end_counts_too(
    used: float | None, status: str
) -> None:
    sandbox = FakeSandbox([Script((), Exit(0, None, 1.0, used))])
    result, _ = await play(sandbox, caps=ExecutionCaps(run_cpu_time=0.25))
    assert result.status == status
    assert result.exit_code == (0 if status == "success" else None)


@pytest.mark.promise("PISTON-3")
@pytest.mark.parametrize(
    ("caps", "field"),
    [
        (ExecutionCaps(compile_timeout=0), "compile_timeout"),
        (ExecutionCaps(compile_cpu_time=-1), "compile_cpu_time"),
        (ExecutionCaps(run_cpu_time=float("nan")), "run_cpu_time"),
        (ExecutionCaps(compile_memory=5), "compile_limits.memory"),
    ],
)
async def test_one_that_makes_no_sense_is_refused(caps: ExecutionCaps, field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_caps(caps)
    assert caught.value.field == field
    async with AsyncCodeExecutor() as executor:
        with pytest.raises(InvalidRequest):
            executor.stream(ExecutionRequest("python", "1"), caps=caps)
