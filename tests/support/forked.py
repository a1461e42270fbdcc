"""An executor whose Python programs all run in interpreters that were forked from a template."""

from __future__ import annotations

import logging
import os
import time
from typing import Any

from tests.support.identity import FORK_SERVER
from tests.support.warmth import waiting

from drybox import CodeExecutor, ExecutionRequest, ExecutionResult, PoolSettings, ResourceLimits
from drybox.languages.registry import find_language

LOGGERS = ("drybox.pool", "drybox.local")

TIMEOUT = 60.0
"""Seconds until a sandbox waits."""


def make_executor(**options: Any) -> CodeExecutor:
    """The executor of the suites: nothing waits in it; or all of Python's does, and was forked."""
    if os.environ.get(FORK_SERVER):
        return ForkedExecutor(**options)
    return CodeExecutor(pool=None, **options)


class ForkedExecutor(CodeExecutor):
    """Waits until a sandbox waits, where one can, and fails where it was not forked."""

    def __init__(self, **options: Any) -> None:
        pool = PoolSettings(min_idle=2, max_total=4, fork_server="on")
        # Beside programs that hold on for one another there is room to fill the pool.
        super().__init__(pool=pool, **{"concurrency": 16, **options})
        self._problems = _Problems()
        for name in LOGGERS:
            logging.getLogger(name).addHandler(self._problems)

    def close(self) -> None:
        """Hear of no more problems, too."""
        for name in LOGGERS:
            logging.getLogger(name).removeHandler(self._problems)
        super().close()

    def _execute(self, request: ExecutionRequest) -> ExecutionResult:
        if self._can_wait(request):
            begun = time.monotonic()
            while not waiting(self, request):
                assert time.monotonic() - begun < TIMEOUT, "no sandbox waits"
                super()._execute(ExecutionRequest("python", "", isolation="local"))
                time.sleep(0.02)
        result = super()._execute(request)
        self.check_problems()
        return result

    def check_problems(self) -> None:
        """Fail if something was complained of since the last time: later tests are not at fault."""
        found, self._problems.found = self._problems.found, []
        assert not found, found

    @staticmethod
    def _can_wait(request: ExecutionRequest) -> bool:
        limits = request.limits or ResourceLimits()
        return (
            find_language(request.language)[0].name == "python"
            and request.isolation in (None, "auto", "local")
            and not request.packages
            and limits.disk == ResourceLimits().disk
            and limits.memory >= 64 << 20
        )


class _Problems(logging.Handler):
    """What the pool and the backend complain of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(record.getMessage())
