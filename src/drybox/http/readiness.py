"""Whether this server can run programs: known from the last one that ran, or found out by one."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import anyio

from drybox.errors import DryboxError, Rejected
from drybox.executor import AsyncCodeExecutor
from drybox.model import ExecutionRequest, ExecutionResult

FRESH = 60.0
"""Seconds for which a program that ran says that the next one will."""

PAUSE = 1.0
"""Seconds between tries while they fail: whoever asks often shall not keep the host busy."""

PATIENCE = 30.0
"""Seconds that a try may take; the first one of a language may have much to prepare."""

_PROGRAMS: Mapping[str, str] = {
    "python": "",
    "node": "",
    "go": "package main\nfunc main() {}\n",
    "java": "class Main { public static void main(String[] args) {} }\n",
}

_log = logging.getLogger("drybox.http")


class Readiness:
    """Keeps what is known.

    Args:
        executor: Runs the programs.
    """

    def __init__(self, executor: AsyncCodeExecutor) -> None:
        self._executor = executor
        self._trying = anyio.Lock()
        self._ran_at = float("-inf")
        self._tried_at = float("-inf")
        self._problem = "No program has run yet."

    def ran(self, result: ExecutionResult) -> None:
        """A program ran for somebody."""
        if result.status != "sandbox_error":
            self._ran_at = anyio.current_time()

    async def problem(self, busy: bool) -> str:
        """Why programs cannot run, or "".

        Args:
            busy: Some run now, and a try might wait for them.
        """
        if self._is_known(busy):
            return ""
        async with self._trying:
            if self._is_known(busy):
                return ""
            if anyio.current_time() - self._tried_at >= PAUSE:
                self._tried_at = anyio.current_time()
                self._problem = await self._try()
                if self._problem:
                    _log.warning("not ready: %s", self._problem)
            return self._problem

    def _is_known(self, busy: bool) -> bool:
        known = self._ran_at > float("-inf")
        return known and (busy or anyio.current_time() - self._ran_at < FRESH)

    async def _try(self) -> str:
        try:
            with anyio.fail_after(PATIENCE):
                present = {item.name for item in await self._executor.languages() if item.version}
                languages = [name for name in _PROGRAMS if name in present]
                if not languages:
                    return "No language has a toolchain here."
                request = ExecutionRequest(languages[0], _PROGRAMS[languages[0]])
                result = await self._executor.execute(request)
        except Rejected:  # by the operator's own hook: so it would have run
            self._ran_at = anyio.current_time()
            return ""
        except DryboxError as error:
            return error.message
        except TimeoutError:
            return f"A program of one line did not end within {PATIENCE:g} s."
        self.ran(result)
        return "" if result.error is None else result.error.message
