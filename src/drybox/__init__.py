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
    "AsyncCodeExecutor": "drybox.executor",
    "AuditHook": "drybox.audit",
    "CodeExecutor": "drybox.sync",
    "Config": "drybox.config",
    "DockerSettings": "drybox.settings",
    "DryboxError": "drybox.errors",
    "ErrorInfo": "drybox.model",
    "Event": "drybox.model",
    "ExecutionRequest": "drybox.model",
    "ExecutionResult": "drybox.model",
    "HookContext": "drybox.hooks",
    "HookEvent": "drybox.hooks",
    "InvalidRequest": "drybox.errors",
    "PhaseResult": "drybox.model",
    "PoolSettings": "drybox.settings",
    "Rejected": "drybox.errors",
    "ResourceLimits": "drybox.model",
    "SandboxLost": "drybox.errors",
    "Truncated": "drybox.model",
    "Unavailable": "drybox.errors",
    "Unsupported": "drybox.errors",
    "Usage": "drybox.model",
    "execute": "drybox.sync",
    "load_config": "drybox.config",
}
"""The public names and where they live; loaded on first use, so that importing is quick."""

__all__ = [
    "AsyncCodeExecutor",
    "AuditHook",
    "CodeExecutor",
    "Config",
    "DockerSettings",
    "DryboxError",
    "ErrorInfo",
    "Event",
    "ExecutionRequest",
    "ExecutionResult",
    "HookContext",
    "HookEvent",
    "InvalidRequest",
    "PhaseResult",
    "PoolSettings",
    "Rejected",
    "ResourceLimits",
    "SandboxLost",
    "Truncated",
    "Unavailable",
    "Unsupported",
    "Usage",
    "execute",
    "load_config",
]

if TYPE_CHECKING:
    from drybox.audit import AuditHook
    from drybox.config import Config, load_config
    from drybox.errors import (
        DryboxError,
        InvalidRequest,
        Rejected,
        SandboxLost,
        Unavailable,
        Unsupported,
    )
    from drybox.executor import AsyncCodeExecutor
    from drybox.hooks import HookContext, HookEvent
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
    from drybox.settings import DockerSettings, PoolSettings
    from drybox.sync import CodeExecutor, execute


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'drybox' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
