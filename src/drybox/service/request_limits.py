"""The maximum of each limit that a request may ask for, set by the operator."""

from __future__ import annotations

from dataclasses import fields

from drybox.errors import InvalidRequest
from drybox.executor.base import ServedExecutor
from drybox.host.resources import usable_cpus
from drybox.model import ExecutionRequest, ResourceLimits
from drybox.settings import ServerSettings


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
