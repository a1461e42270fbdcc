"""A hook that leaves one line of JSON for every execution."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from drybox.hooks import HookContext
from drybox.wire import plain

AUDIT_LOGGER = "drybox.audit"


class AuditHook:
    """Logs one line of JSON for every sandbox: who ran what in it, and what became of it.

    Where the lines go, and how they rotate, is for the handlers of :mod:`logging` to say::

        handler = RotatingFileHandler("audit.jsonl", maxBytes=10_000_000, backupCount=9)
        logging.getLogger("drybox.audit").addHandler(handler)
        executor = CodeExecutor(hooks=[AuditHook("build-server")])

    The logger gets the level ``INFO`` if it has none of its own: the root's would drop the lines.

    Args:
        who: Whom the executions are for, or what tells: a callable that may read a
            :class:`contextvars.ContextVar` as the caller has set it.
        logger: Name of the logger.
    """

    def __init__(self, who: str | Callable[[], str] = "", *, logger: str = AUDIT_LOGGER) -> None:
        self._who = who
        self._logger = logging.getLogger(logger)
        if self._logger.level == logging.NOTSET:
            self._logger.setLevel(logging.INFO)

    def sandbox_destroyed(self, context: HookContext) -> None:
        """Write the line: this comes once for every sandbox, however its execution ended.

        Raises:
            Exception: What ``who`` raised. The line is there and has null for it.
        """
        who, problem = None, None
        try:
            who = self._who() if callable(self._who) else self._who
        except Exception as error:
            problem = error
        line = json.dumps(_document(context, who), default=str)
        self._logger.info("%s", line)
        if problem is not None:
            raise problem


def _document(context: HookContext, who: str | None) -> dict[str, Any]:
    result, error = context.result, context.error
    if result is not None:
        status, error = str(result.status), result.error
    else:
        kinds = {"Rejected": "rejected", "Cancelled": "cancelled"}
        status = kinds.get(error.type if error else "", "error")
    return {
        "time": context.started_at.isoformat(timespec="milliseconds"),
        "who": who,
        "id": context.id,
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
