"""A backend for fleets without sandboxes: each program sleeps, and a file outside tells of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from drybox.backends.base import Sandbox, SandboxSpec
from drybox.job import Command, Exit, Sink, Source
from drybox.testing.fake_backend import FakeBackend, FakeSandbox, Script

RECORD = "SLEEPER_RECORD"
"""Variable with the path of the file; a line for each program that has begun: its last argument."""

SLEEP = "SLEEPER_SECONDS"
"""Variable with how long a program takes."""

SECONDS = 0.05
"""How long it takes where that says nothing."""


class SleepingSandbox(FakeSandbox):
    """Writes to the record what it begins."""

    async def exec(self, command: Command, sink: Sink, stdin: Source | None = None) -> Exit:
        line = f"{command.argv[-1]} {os.getpid()}\n".encode()
        record = os.open(os.environ[RECORD], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(record, line)
        finally:
            os.close(record)
        return await super().exec(command, sink, stdin)


class SleepingBackend(FakeBackend):
    """As many sandboxes as are asked for."""

    name = "sleeper"

    async def open(self, spec: SandboxSpec) -> Sandbox:
        return SleepingSandbox([Script(seconds=float(os.environ.get(SLEEP, SECONDS)))])


def make(*, allow_weaker: Iterable[str], progress: Callable[[str], None]) -> SleepingBackend:
    """What the entry point names."""
    return SleepingBackend()


def advertise_sleeper(folder: Path) -> None:
    """Make an installed package of it, for whoever has this folder on its path."""
    info = folder / "sleeper-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sleeper\nVersion: 1.0\n")
    entry = f"[drybox.backends]\nsleeper = {__name__}:make\n"
    (info / "entry_points.txt").write_text(entry)
