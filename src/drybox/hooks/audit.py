"""A hook that logs one line of JSON for every execution, every session and every run in one."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from drybox.hooks.hooks import HookContext
from drybox.serialization import plain

AUDIT_LOGGER = "drybox.audit"


class AuditHook:
    """Logs one line of JSON for every sandbox: who ran what in it, and what became of it.

    And one for every run and command of a session, with the session's id.

    Where the lines go, and how they rotate, is for the handlers of :mod:`logging` to say::

        handler = RotatingFileHandler("audit.jsonl", maxBytes=10_000_000, backupCount=9)
        logging.getLogger("drybox.audit").addHandler(handler)
        executor = CodeExecutor(hooks=[AuditHook("build-server")])

    The logger gets the level ``INFO`` if it has none of its own: the root's would drop the lines.

    Args:
        who: Whom the executions are for, or what tells: a callable that may read a
            :class:`contextvars.ContextVar` as the caller has set it.
        request_id: What tells the name of the caller's own request, in the same way; without
            it the line has none.
        logger: Name of the logger.
    """

    def __init__(
        self,
        who: str | Callable[[], str] = "",
        *,
        request_id: Callable[[], str] | None = None,
        logger: str = AUDIT_LOGGER,
    ) -> None:
        self._who = who
        self._request_id = request_id
        self._logger = logging.getLogger(logger)
        if self._logger.level == logging.NOTSET:
            self._logger.setLevel(logging.INFO)

    def after_run(self, context: HookContext) -> None:
        """Write the line of a run in a session; that of an execution comes once all is over.

        Raises:
            Exception: See :meth:`sandbox_destroyed`.
        """
        if context.session:
            self.sandbox_destroyed(context)

    def run_failed(self, context: HookContext) -> None:
        """Write the line of a run in a session that has no result.

        Raises:
            Exception: See :meth:`sandbox_destroyed`.
        """
        self.sandbox_destroyed(context)

    def sandbox_destroyed(self, context: HookContext) -> None:
        """Write the line: this comes once for every sandbox, however its execution ended.

        Raises:
            Exception: What ``who`` or ``request_id`` raised. The line is there and has null
                for it.
        """
        problems: list[Exception] = []
        facts = {
            name: _given(tell, problems)
            for name, tell in (("who", self._who), ("request_id", self._request_id))
            if tell is not None
        }
        line = json.dumps(_document(context, facts), default=str)
        self._logger.info("%s", line)
        if problems:
            raise problems[0]


def _given(tell: str | Callable[[], str], problems: list[Exception]) -> str | None:
    try:
        return tell() if callable(tell) else tell
    except Exception as error:
        problems.append(error)
        return None


def _document(context: HookContext, facts: dict[str, str | None]) -> dict[str, Any]:
    result, error = context.result, context.error
    if result is not None:
        status, error = str(result.status), result.error
    elif error is None and context.session:
        status = "closed"
    else:
        kinds = {"Rejected": "rejected", "Cancelled": "cancelled"}
        status = kinds.get(error.type if error else "", "error")
    return {
        "time": context.started_at.isoformat(timespec="milliseconds"),
        **facts,
        "id": context.id,
        **({"session": context.session} if context.session else {}),
        "source_sha256": context.source_sha256,
        "language": context.language,
        "version": context.version,
        "isolation": context.isolation,
        "weakened": list(context.weakened),
        "status": status,
        "exit_code": result.exit_code if result else None,
        "signal": result.signal if result else None,
        "usage": plain(result.usage) if result else None,
        "execution_time": result.execution_time if result else None,
        "wall_time": round(context.wall_time, 6),
        "error": {"type": error.type, "message": error.message} if error else None,
    }
