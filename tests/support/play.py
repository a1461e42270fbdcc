"""One execution, played against a scripted sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from drybox import ExecutionRequest, ExecutionResult, ResourceLimits
from drybox.execution.compile_cache import CompileCache
from drybox.execution.kill_switch import KillSwitch
from drybox.execution.phases import OperatorLimits
from drybox.execution.run import Execution
from drybox.execution.validation import Defaults, make_job
from drybox.hooks.hooks import Hooks
from drybox.job import UNCAPPED, ExecutionCaps, Source
from drybox.model import MIB, Event
from drybox.testing.fake_backend import FakeBackend, FakeSandbox

LIMITS = ResourceLimits(memory=100 * MIB, output=10)
OPERATOR = OperatorLimits(
    ResourceLimits(output=20, pids=99), 33.0, ResourceLimits(output=20, pids=88), 44.0
)
DEFAULTS = Defaults(5.0, LIMITS, "local")


async def play(
    sandbox: FakeSandbox | Exception,
    *,
    stdin: Source | None = None,
    language: str = "python",
    package_dir: Path | None = None,
    backend: FakeBackend | None = None,
    hooks: Hooks | None = None,
    switch: KillSwitch | None = None,
    caps: ExecutionCaps = UNCAPPED,
    cache: CompileCache | None = None,
    **fields: Any,
) -> tuple[ExecutionResult, list[Event]]:
    """Run one request on this sandbox; what was emitted comes back too."""
    fields.setdefault("limits", LIMITS)
    request = ExecutionRequest(language, fields.pop("code", "pass"), **fields)
    found, job = make_job(request, replace(DEFAULTS, package_dir=package_dir))
    job = replace(job, caps=caps)
    events: list[Event] = []

    async def emit(event: Event) -> None:
        events.append(event)

    backend = backend or FakeBackend(sandbox)
    execution = Execution(
        *("e1", job, found, backend, OPERATOR, emit, stdin, hooks), switch=switch, cache=cache
    )
    result = await execution.run()
    assert isinstance(sandbox, FakeSandbox)
    assert sandbox.closed
    assert events[-1] == Event("result", "e1", result=result)
    return result, events


def told(events: Sequence[Event]) -> list[tuple[Any, ...]]:
    """Events in short: a phase's end has its status, output its bytes."""
    return [
        (event.type, event.outcome.status if event.outcome else event.data_bytes or event.phase)
        for event in events
    ]
