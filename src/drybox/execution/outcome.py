"""The status of a phase or an execution."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from drybox.backends.registry import backend_of
from drybox.errors import DryboxError
from drybox.execution.output import Output
from drybox.job import Command, Exit, Job
from drybox.languages.base import Language
from drybox.model import (
    Artifacts,
    ErrorInfo,
    ExecutionResult,
    PhaseName,
    PhaseResult,
    ResourceLimits,
    Status,
    Truncated,
    Usage,
)

_WHO: Mapping[PhaseName, tuple[str, str]] = {
    "install": ("The installer", "install_"),
    "compile": ("The compiler", "compile_"),
    "run": ("The program", ""),
}
"""Who works in a phase, and how the executor's settings for it begin."""


MAX_UNMATCHED = 10
"""Globs without a file that an error names."""


def signal_name(number: int) -> str:
    """``SIGSEGV`` for 11; ``SIGRTMIN+n`` or ``SIGn`` where it has no name of its own."""
    try:
        return signal.Signals(number).name
    except ValueError:
        # Those between belong to the C library and have no name.
        own = number - signal.SIGRTMIN
        return f"SIGRTMIN+{own}" if own >= 0 else f"SIG{number}"


def held_to_cpu_time(end: Exit, command: Command) -> Exit:
    """More CPU time than there was is a deadline missed, whoever finds it out."""
    limit = command.cpu_time
    if limit is None or end.cpu_time is None or end.cpu_time < limit:
        return end
    return replace(end, timed_out=True)


def status_of(end: Exit, output: Output, limits: ResourceLimits, marker: bytes | None) -> Status:
    """A phase's status.

    Args:
        end: How its command ended.
        output: What it wrote.
        limits: What it might use.
        marker: The plan's ``memory_marker``.
    """
    if output.overflowed:
        return "output_limit"
    if end.timed_out:
        return "timeout"
    if end.code == 0:
        return "success"
    if end.out_of_memory or _runtime_out_of_memory(end, output, limits, marker):
        return "memory_limit"
    return "failed" if end.signal is None else "signaled"


def _runtime_out_of_memory(
    end: Exit, output: Output, limits: ResourceLimits, marker: bytes | None
) -> bool:
    """Whether the runtime's own bound, set to mirror the memory limit, ended the program.

    The runtime says so on stderr, which the program can write as well: what the kernel
    measured has to bear it out.
    """
    if marker is None or end.code is None or marker not in output.bytes("stderr"):
        return False
    if end.memory_peak is None:
        return True
    return end.memory_peak - end.memory_mapped >= limits.memory // 2


def phase_result(name: PhaseName, status: Status, end: Exit, output: Output) -> PhaseResult:
    """A phase as results have it."""
    ended_by_drybox = status in ("timeout", "output_limit", "sandbox_error")
    own_signal = status == "signaled"
    return PhaseResult(
        name=name,
        status=status,
        stdout_bytes=output.bytes("stdout"),
        stderr_bytes=output.bytes("stderr"),
        exit_code=None if ended_by_drybox else end.code,
        signal=signal_name(end.signal) if own_signal and end.signal else None,
        execution_time=end.wall_time,
        cpu_time=end.cpu_time,
        memory_peak=end.memory_peak,
    )


def error_of(status: Status, name: PhaseName, command: Command) -> ErrorInfo | None:
    """Why a phase is no success, and what to do about it."""
    if status == "success":
        return None
    limits = command.limits
    who, prefix = _WHO[name]
    field, timeout = f"{prefix}limits", f"{prefix}timeout"
    words: dict[Any, tuple[str, str]] = {
        "timeout": (
            f"{who} was ended after {command.timeout:g} s.",
            f"Make it faster, or allow a longer {timeout}.",
        ),
        "memory_limit": (
            f"{who} needed more than {limits.memory:,} bytes of memory; its files count too.",
            f"Make it use less, or allow a larger {field}.memory.",
        ),
        "output_limit": (
            f"{who} wrote more than {limits.output:,} bytes to one stream.",
            f"Make it print less, or allow a larger {field}.output.",
        ),
    }
    if status in words:
        return ErrorInfo(status, *words[status])
    if name == "run":
        return None
    if name == "compile":
        return ErrorInfo("compile_error", "The program does not compile.", "See stderr for where.")
    return ErrorInfo(
        "install_error",
        "A package could not be installed.",
        "See stderr for which; the package folder has to hold it and what it depends on.",
    )


def with_left_out(
    error: ErrorInfo | None, artifacts: Artifacts, *, has_run: bool
) -> ErrorInfo | None:
    """An error that also says which artifacts are missing; the status is the program's own.

    Args:
        error: What there is to say already, if anything.
        artifacts: What came.
        has_run: Whether the program began; before that nobody expects a file of it.
    """
    unmatched = [f"no file matches {ascii(glob)[:200]}" for glob in artifacts.unmatched]
    told = [*(unmatched[:MAX_UNMATCHED] if has_run else ()), *artifacts.left_out]
    if has_run and len(unmatched) > MAX_UNMATCHED:
        told.append(f"nor {len(unmatched) - MAX_UNMATCHED} other globs")
    if not told:
        return error
    message = f"Artifacts are missing: {'; '.join(told)}."
    if error is not None:
        return replace(error, message=f"{error.message} {message}")
    return ErrorInfo(
        "artifacts",
        message,
        "Artifacts are regular files of the working directory that a glob matches; '**' goes "
        "through folders, '*' does not.",
    )


def nothing_ran(id: str, language: Language, job: Job, error: DryboxError) -> ExecutionResult:
    """The result of an execution that found no sandbox, or was refused."""
    return ExecutionResult(
        status="sandbox_error",
        stdout_bytes=b"",
        stderr_bytes=b"",
        exit_code=None,
        signal=None,
        execution_time=0.0,
        error=ErrorInfo(type(error).__name__, error.message, error.hint),
        phases=[],
        usage=Usage(),
        truncated=Truncated(),
        artifacts={},
        id=id,
        language=language.name,
        version=job.version,
        isolation=job.isolation,
        backend=backend_of(job.isolation),
    )


def usage_of(phases: Sequence[PhaseResult]) -> Usage:
    """What phases took together; what one of them does not tell is not known of all.

    A phase without a peak mostly stayed below that of an earlier one. But where one ended with its
    sandbox, or for want of memory, its peak would have been the highest.
    """
    cpu = [phase.cpu_time for phase in phases]
    peaks = [phase.memory_peak for phase in phases if phase.memory_peak is not None]
    is_known = all(
        phase.memory_peak is not None or phase.status not in ("memory_limit", "sandbox_error")
        for phase in phases
    )
    return Usage(
        None if None in cpu else sum(item or 0.0 for item in cpu),
        max(peaks, default=None) if is_known else None,
    )
