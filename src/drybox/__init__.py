r"""drybox runs code that you do not trust, in a sealed, single-use sandbox.

>>> from drybox import execute
>>> execute("python", "print('Hello, World!')").stdout
'Hello, World!\n'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "AsyncCodeExecutor": "drybox.executor.async_executor",
    "AsyncProcess": "drybox.sessions.base",
    "AsyncRayExecutor": "drybox.fleet.executor",
    "AsyncSession": "drybox.sessions.base",
    "AuditHook": "drybox.hooks.audit",
    "CodeError": "drybox.sessions.results",
    "CodeExecutor": "drybox.executor.sync_executor",
    "CommandResult": "drybox.sessions.results",
    "Config": "drybox.config.loader",
    "Copied": "drybox.sessions.results",
    "Display": "drybox.sessions.results",
    "DockerSettings": "drybox.settings",
    "DryboxError": "drybox.errors",
    "Environment": "drybox.environments.environment",
    "ErrorInfo": "drybox.model",
    "Event": "drybox.model",
    "ExecutionRequest": "drybox.model",
    "ExecutionResult": "drybox.model",
    "FileChange": "drybox.sessions.results",
    "FileInfo": "drybox.sessions.results",
    "HookContext": "drybox.hooks.hooks",
    "HookEvent": "drybox.hooks.hooks",
    "InvalidRequest": "drybox.errors",
    "PhaseResult": "drybox.model",
    "PoolSettings": "drybox.settings",
    "Process": "drybox.sessions.sync",
    "RayExecutor": "drybox.fleet.sync_executor",
    "Rejected": "drybox.errors",
    "ResourceLimits": "drybox.model",
    "RunResult": "drybox.sessions.results",
    "SandboxLost": "drybox.errors",
    "Session": "drybox.sessions.sync",
    "SessionClosed": "drybox.errors",
    "SessionEvent": "drybox.sessions.results",
    "SessionFileError": "drybox.errors",
    "SessionRequest": "drybox.sessions.request",
    "Snapshot": "drybox.sessions.results",
    "SnapshotError": "drybox.errors",
    "Source": "drybox.job",
    "Truncated": "drybox.model",
    "Unavailable": "drybox.errors",
    "Unsupported": "drybox.errors",
    "Usage": "drybox.model",
    "execute": "drybox.executor.sync_executor",
    "load_config": "drybox.config.loader",
}
"""The public names and where they live; loaded on first use, so that importing is quick."""

__all__ = [
    "AsyncCodeExecutor",
    "AsyncProcess",
    "AsyncRayExecutor",
    "AsyncSession",
    "AuditHook",
    "CodeError",
    "CodeExecutor",
    "CommandResult",
    "Config",
    "Copied",
    "Display",
    "DockerSettings",
    "DryboxError",
    "Environment",
    "ErrorInfo",
    "Event",
    "ExecutionRequest",
    "ExecutionResult",
    "FileChange",
    "FileInfo",
    "HookContext",
    "HookEvent",
    "InvalidRequest",
    "PhaseResult",
    "PoolSettings",
    "Process",
    "RayExecutor",
    "Rejected",
    "ResourceLimits",
    "RunResult",
    "SandboxLost",
    "Session",
    "SessionClosed",
    "SessionEvent",
    "SessionFileError",
    "SessionRequest",
    "Snapshot",
    "SnapshotError",
    "Source",
    "Truncated",
    "Unavailable",
    "Unsupported",
    "Usage",
    "execute",
    "load_config",
]

if TYPE_CHECKING:
    from drybox.config.loader import Config, load_config
    from drybox.environments.environment import Environment
    from drybox.errors import (
        DryboxError,
        InvalidRequest,
        Rejected,
        SandboxLost,
        SessionClosed,
        SessionFileError,
        SnapshotError,
        Unavailable,
        Unsupported,
    )
    from drybox.executor.async_executor import AsyncCodeExecutor
    from drybox.executor.sync_executor import CodeExecutor, execute
    from drybox.fleet.executor import AsyncRayExecutor
    from drybox.fleet.sync_executor import RayExecutor
    from drybox.hooks.audit import AuditHook
    from drybox.hooks.hooks import HookContext, HookEvent
    from drybox.job import Source
    from drybox.model import (
        ErrorInfo,
        Event,
        ExecutionRequest,
        ExecutionResult,
        PhaseResult,
        ResourceLimits,
        Truncated,
        Usage,
    )
    from drybox.sessions.base import AsyncProcess, AsyncSession
    from drybox.sessions.request import SessionRequest
    from drybox.sessions.results import (
        CodeError,
        CommandResult,
        Copied,
        Display,
        FileChange,
        FileInfo,
        RunResult,
        SessionEvent,
        Snapshot,
    )
    from drybox.sessions.sync import Process, Session
    from drybox.settings import DockerSettings, PoolSettings


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'drybox' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
