"""Runs a program in a sandbox."""

from __future__ import annotations

import re
from dataclasses import replace

from tests.fidelity import outside
from tests.fidelity.cases import Case
from tests.fidelity.outside import Outcome
from tests.support.isolations import ISOLATIONS
from tests.support.warmth import Warm

from drybox import CodeExecutor, ExecutionRequest, ResourceLimits

LIMITS = ResourceLimits(output=16 << 20)


ENOUGH = 10.0
"""Seconds for a program that never ends with an isolation."""


def inside(case: Case, executor: CodeExecutor | Warm, isolation: str) -> Outcome:
    """Run the program in a sandbox."""
    never_ends = case.id in ISOLATIONS[isolation].kernel.never_end
    result = executor.execute(
        ExecutionRequest(
            case.language,
            case.code,
            files=case.files or None,
            entrypoint=case.entrypoint,
            args=case.args,
            stdin=case.stdin,
            env=case.env,
            limits=LIMITS,
            timeout=ENOUGH if never_ends else outside.TIMEOUT,
            isolation=isolation,
            artifacts=["**"],
        )
    )
    end = result.exit_code if result.signal is None else result.signal
    expected = result.status in ("success", "failed", "signaled")
    return Outcome(
        result.stdout_bytes,
        result.stderr_bytes,
        end if expected and end is not None else f"{result.status}: {result.error}",
        result.artifacts,
    )


def comparable(outcome: Outcome) -> Outcome:
    """What can be compared: byte code names the time of its source, Node's warnings a process."""
    files = {
        path: b"" if path.endswith(".pyc") else content
        for path, content in (outcome.files or {}).items()
    }
    stderr = re.sub(rb"^\(node:\d+\)", b"(node)", outcome.stderr, flags=re.MULTILINE)
    return replace(outcome, files=files, stderr=stderr)
