"""Whether this server can run programs: known from the last run, or tested."""

from __future__ import annotations

import logging

import anyio

from drybox.errors import DryboxError
from drybox.executor.base import ServedExecutor
from drybox.model import ExecutionResult

READY_TTL = 60.0
"""Seconds for which a program that ran, or a sandbox that opened, says that the next one will."""

RETRY_DELAY = 1.0
"""Seconds between tries while they fail: whoever asks often shall not keep the host busy."""

TIMEOUT = 30.0
"""Seconds that a try may take; the first one of a language may have much to prepare."""

_log = logging.getLogger("drybox.http")


class Readiness:
    """Keeps what is known.

    Args:
        executor: Runs the programs.
    """

    def __init__(self, executor: ServedExecutor) -> None:
        self._executor = executor
        self._trying = anyio.Lock()
        self._works_at = float("-inf")
        self._tried_at = float("-inf")
        self._problem = "No sandbox has been opened yet."

    def ran(self, result: ExecutionResult) -> None:
        """A program ran for somebody."""
        if result.status != "sandbox_error":
            self._works_at = anyio.current_time()

    async def problem(self) -> str:
        """Why programs cannot run, or ""."""
        if self._is_fresh():
            return ""
        async with self._trying:
            if self._is_fresh():
                return ""
            if anyio.current_time() - self._tried_at >= RETRY_DELAY:
                self._tried_at = anyio.current_time()
                self._problem = await self._try()
                if self._problem:
                    _log.warning("not ready: %s", self._problem)
            return self._problem

    def _is_fresh(self) -> bool:
        return anyio.current_time() - self._works_at < READY_TTL

    async def _try(self) -> str:
        try:
            with anyio.fail_after(TIMEOUT):
                languages = [item.name for item in await self._executor.languages() if item.version]
                if not languages:
                    return "No language has a toolchain here."
                await self._executor.probe(languages[0])
        except DryboxError as error:
            return error.message
        except TimeoutError:
            return f"No sandbox opened within {TIMEOUT:g} s."
        self._works_at = anyio.current_time()
        return ""
