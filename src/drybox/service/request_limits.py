"""The maximum of each limit that a request may ask for, set by the operator."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields

from drybox.errors import InvalidRequest
from drybox.executor.base import ServedExecutor
from drybox.host.resources import usable_cpus
from drybox.model import ExecutionRequest, ResourceLimits
from drybox.service.refusals import Problem, Refused
from drybox.settings import ServerSettings

SESSION_RETRY = 5
"""Seconds after which a session may have been closed."""


def check_request_limits(
    request: ExecutionRequest, settings: ServerSettings, defaults: ResourceLimits
) -> None:
    """See to it that a request stays below the request limits; the operator's own defaults may.

    Raises:
        InvalidRequest: It asks for more.
    """
    if request.timeout is not None and request.timeout > settings.max_timeout:
        raise _too_much("timeout", request.timeout, settings.max_timeout)
    if request.limits is None:
        return
    for item in fields(ResourceLimits):
        asked, most = getattr(request.limits, item.name), getattr(settings.max_limits, item.name)
        if asked > most and asked != getattr(defaults, item.name):
            raise _too_much(f"limits.{item.name}", asked, most)


def check_session_room(
    settings: ServerSettings, owner: str, memory: int, taken: Collection[tuple[str, int]]
) -> None:
    """See to it that one more session may be open.

    Args:
        settings: The operator's.
        owner: Name of the key whose it is.
        memory: Bytes that its sandbox may take.
        taken: The same of those that are open.

    Raises:
        Refused: It may not.
    """
    own = sum(name == owner for name, _ in taken)
    memory_taken = sum(size for _, size in taken)
    if own >= settings.sessions_per_key:
        detail = f"You have {own} sessions open, and may have no more."
    elif len(taken) >= settings.max_sessions:
        detail = f"{len(taken)} sessions are open, and more may not be."
    elif memory_taken + memory > settings.session_memory:
        detail = f"The open sessions may take {memory_taken:,} bytes of memory; there is no room."
    else:
        return
    hint = "Nothing was opened. Close a session that is not used, then try again."
    raise Refused(Problem("sessions-full", detail, hint, retry_after=SESSION_RETRY))


def most_cpu_time(executor: ServedExecutor, request: ExecutionRequest) -> float:
    """CPU seconds that a request may take at most, all its phases together.

    Args:
        executor: Runs it.
        request: One that is right.
    """
    cpus = usable_cpus()
    timeout = executor.timeout if request.timeout is None else request.timeout
    most = timeout * min((request.limits or executor.limits).cpus, cpus)
    return most + executor.operator.most_cpu_time(cpus, installs=bool(request.packages))


def _too_much(field: str, asked: float, most: float) -> InvalidRequest:
    return InvalidRequest(
        field,
        f"{asked:,} is more than this server allows" if asked < 1e15 else "it is far too much",
        hint=f"Ask for at most {most:,}.",
    )
