"""An executor whose every request finds a sandbox that waits for it."""

from __future__ import annotations

import time

from drybox import CodeExecutor, ExecutionRequest, ExecutionResult
from drybox.languages import find_language
from drybox.pool import Pool

PATIENCE = 120.0
"""Seconds until a sandbox waits."""


def pools(executor: CodeExecutor) -> list[Pool]:
    """The pools of the walls that an executor has opened."""
    backends = list(executor._executor._walls._backends.values())
    return [backend for backend in backends if isinstance(backend, Pool)]


def waiting(executor: CodeExecutor, request: ExecutionRequest) -> int:
    """How many sandboxes wait for requests like this one."""
    language, version = find_language(request.language)
    return sum(
        len(kind.idle)
        for pool in pools(executor)
        for kind in list(pool._kinds.values())
        if (kind.spec.language.name, kind.spec.version) == (language.name, version)
        and kind.spec.isolation == (request.isolation or executor._executor._defaults.isolation)
        and kind.spec.limits.disk == (request.limits or kind.spec.limits).disk
    )


class Warm:
    """Waits until sandboxes wait, then executes.

    Args:
        executor: An executor with a pool that keeps at least ``least`` of a kind.
        least: How many must wait: as many as there are threads that share it.
    """

    def __init__(self, executor: CodeExecutor, least: int = 2) -> None:
        self.executor = executor
        self._least = least

    def execute(self, request: ExecutionRequest) -> ExecutionResult:
        """Execute in a sandbox that waited."""
        deadline = time.monotonic() + PATIENCE
        while waiting(self.executor, request) < self._least:
            if not waiting(self.executor, request):
                self.executor.execute(request)  # so that the pool knows of its kind
            assert time.monotonic() < deadline, "no sandbox waits"
            time.sleep(0.05)
        return self.executor.execute(request)
