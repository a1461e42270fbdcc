"""What a test of the suite works with: one language with one isolation."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import anyio
from tests.conformance.programs import Programs
from tests.support.attack import marked
from tests.support.isolations import Isolation

from drybox import CodeExecutor, Event, ExecutionRequest, ExecutionResult
from drybox.languages.registry import known_languages

MARKER = "marker-"

LANGUAGES: tuple[Programs, ...] = tuple(
    import_module(f"tests.conformance.programs.{name}").PROGRAMS for name in known_languages()
)
"""The programs of every language that there is; one without any stops the suite."""


@dataclass(frozen=True)
class Bench:
    """One language with one isolation.

    Attributes:
        executor: An executor with default settings, shared by the session.
        isolation: Its name.
        programs: The language's programs.
    """

    executor: CodeExecutor
    isolation: Isolation
    programs: Programs

    def request(self, code: str | None, *args: str, **fields: Any) -> ExecutionRequest:
        """A request for one of the programs; None if ``files`` holds it all."""
        fields = {"isolation": self.isolation.name, "args": args, "timeout": 120.0, **fields}
        request = ExecutionRequest(self.programs.language, code, **fields)
        if self.programs.language == "python" and args and args[-1].startswith(MARKER):
            return marked(replace(request, args=args[:-1]), args[-1])
        return request

    def run(self, code: str | None, *args: str, **fields: Any) -> ExecutionResult:
        """Run one of the programs."""
        return self.executor.execute(self.request(code, *args, **fields))

    def phases(self) -> list[str]:
        """Names of the phases of a program that is run to its end."""
        return ["compile", "run"] if self.programs.compiles else ["run"]


def marker() -> str:
    """A word that no other process of the host has among its arguments."""
    return f"{MARKER}{secrets.token_hex(8)}"


class Feed:
    """Standard input that a test writes piece by piece: a ``Source``."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()

    def send(self, data: bytes) -> None:
        """Let the program read this."""
        os.write(self._write, data)

    def end(self) -> None:
        """Let the program read the end. Idempotent."""
        if self._write >= 0:
            os.close(self._write)
        self._write = -1

    async def __call__(self) -> bytes:
        """What drybox calls."""
        await anyio.wait_readable(self._read)
        return os.read(self._read, 65536)

    def close(self) -> None:
        """Give the pipe back."""
        self.end()
        os.close(self._read)


@contextmanager
def feed() -> Iterator[Feed]:
    """A ``Feed`` that is closed at the end."""
    source = Feed()
    try:
        yield source
    finally:
        source.close()


def until(events: Iterator[Event], text: str) -> list[Event]:
    """The next events, up to the one with which stdout has this text."""
    seen, out = [], b""
    for event in events:
        seen.append(event)
        if event.type == "stdout":
            out += event.data_bytes
        if text.encode() in out:
            return seen
    raise AssertionError(f"{text!r} never came; there was {out!r}, and at last {seen[-1]}")
