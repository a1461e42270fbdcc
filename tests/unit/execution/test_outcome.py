"""What phases took together."""

from __future__ import annotations

import pytest

from drybox.execution.outcome import usage_of
from drybox.model import PhaseResult, Status, Usage


def phase(status: Status, cpu_time: float | None, memory_peak: int | None) -> PhaseResult:
    return PhaseResult(
        name="run",
        status=status,
        stdout_bytes=b"",
        stderr_bytes=b"",
        exit_code=0,
        signal=None,
        execution_time=1.0,
        cpu_time=cpu_time,
        memory_peak=memory_peak,
    )


COMPILED = phase("success", 2.0, 70)


@pytest.mark.parametrize(
    ("last", "usage"),
    [
        (phase("success", 1.0, 90), Usage(3.0, 90)),
        (phase("success", 1.0, 50), Usage(3.0, 70)),
        (phase("failed", 1.0, None), Usage(3.0, 70)),
        (phase("success", None, 90), Usage(None, 90)),
        (phase("memory_limit", 1.0, 90), Usage(3.0, 90)),
        (phase("memory_limit", None, None), Usage(None, None)),
        (phase("sandbox_error", None, None), Usage(None, None)),
    ],
)
def test_a_figure_that_was_not_measured_is_none(last: PhaseResult, usage: Usage) -> None:
    assert usage_of([COMPILED, last]) == usage
