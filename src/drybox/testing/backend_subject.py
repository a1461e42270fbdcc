"""What a check of a backend is made of: a subject, and a program in one of its sandboxes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from drybox.backends.base import Backend, Sandbox, SandboxSpec
from drybox.job import Command, Exit, Source
from drybox.languages.registry import find_language
from drybox.model import MIB, ResourceLimits, Stream

TIMEOUT = 30.0
"""Seconds that a program of a check may take where nothing else is said."""


LIMITS = ResourceLimits(memory=256 * MIB, pids=32, disk=16 * MIB)


@dataclass
class Seen:
    """What a command wrote and how it ended."""

    exit: Exit
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True)
class Subject:
    """The backend that is checked, entered, with what checks need.

    Attributes:
        backend: It.
        isolation: What its sandboxes are asked for.
    """

    backend: Backend
    isolation: str

    def sandbox(self, limits: ResourceLimits = LIMITS) -> AbstractAsyncContextManager[Sandbox]:
        """A new sandbox for Python, closed at the end of the context."""
        return _opened(self.backend, self.isolation, limits)


@asynccontextmanager
async def _opened(
    backend: Backend, isolation: str, limits: ResourceLimits
) -> AsyncIterator[Sandbox]:
    language, version = find_language("python")
    sandbox = await backend.open(SandboxSpec(language, version, limits, isolation))
    try:
        yield sandbox
    finally:
        await sandbox.close()


@dataclass
class _Output:
    pieces: dict[Stream, bytearray] = field(
        default_factory=lambda: {"stdout": bytearray(), "stderr": bytearray()}
    )

    async def take(self, stream: Stream, data: bytes) -> None:
        self.pieces[stream] += data


async def run(
    sandbox: Sandbox,
    code: str,
    *args: str,
    limits: ResourceLimits = LIMITS,
    timeout: float = TIMEOUT,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
) -> Seen:
    """Run a Python program in a sandbox to its end."""
    command = Command(("python3", "-c", code, *args), limits, timeout, env or {})
    output = _Output()
    source = None if stdin is None else _source(stdin)
    end = await sandbox.exec(command, output.take, source)
    return Seen(end, bytes(output.pieces["stdout"]), bytes(output.pieces["stderr"]))


def _source(data: bytes) -> Source:
    rest = [data[:5], data[5:]] if len(data) > 5 else [data]

    async def read() -> bytes:
        return rest.pop(0) if rest else b""

    return read


Check = Callable[[Subject], Awaitable[None]]

BACKEND_CHECKS: dict[str, tuple[str, Check]] = {}
"""Every check by its name, with what it promises in a sentence."""


def backend_check(promise: str) -> Callable[[Check], Check]:
    """Add a function to the checks, under its own name.

    Args:
        promise: What it checks, in a sentence.
    """

    def add(check: Check) -> Check:
        BACKEND_CHECKS[check.__name__.removeprefix("_")] = (promise, check)
        return check

    return add


def expect(holds: object, complaint: str) -> None:
    """Fail the check with a complaint unless something holds.

    Raises:
        AssertionError: It does not.
    """
    if not holds:
        raise AssertionError(complaint)
