"""A backend without sandboxes: a script says what each command writes and how it ends."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel

from drybox.backends.base import Guarantee, Sandbox, SandboxSpec, Support
from drybox.job import Command, Exit, File, Sink, Source
from drybox.languages.base import Language
from drybox.model import Artifacts, Stream

if TYPE_CHECKING:
    import pytest
    from typing_extensions import Self

SIGKILL = 9
KILLED = Exit(None, SIGKILL, 0.0)


@dataclass(frozen=True)
class Script:
    """What one command does.

    Attributes:
        output: What it writes, in this order.
        end: How it ends if nobody kills it, or what the sandbox raises.
        reads: It reads its standard input to the end before it writes.
        hangs: It ends only when it is killed.
        deaf: Nor then.
        buffered: What it writes was under way already when it was killed.
        seconds: How long it takes before it writes.
    """

    output: Sequence[tuple[Stream, bytes]] = ()
    end: Exit | Exception = field(default_factory=lambda: Exit(0, None, 0.25))
    reads: bool = False
    hangs: bool = False
    deaf: bool = False
    buffered: bool = False
    seconds: float = 0.0


class FakeSandbox:
    """Plays one script a command and remembers everything that was asked of it."""

    def __init__(
        self,
        scripts: Iterable[Script] = (),
        *,
        version: str = "9.8.7",
        weakened: tuple[str, ...] = (),
        artifacts: Artifacts | Mapping[str, bytes] | Exception | None = None,
        put_error: Exception | None = None,
        cpu_time: float | None = None,
    ) -> None:
        self.version = version
        self.cpu_time = cpu_time
        self.weakened = weakened
        self.files: list[File] = []
        self.commands: list[Command] = []
        self.stdin: list[bytes | None] = []
        self.asked: list[tuple[tuple[str, ...], int]] = []
        self.calls: list[str] = []
        self._scripts = list(scripts)
        self._artifacts = {} if artifacts is None else artifacts
        self._put_error = put_error
        self._killed = anyio.Event()

    async def put(self, files: Sequence[File]) -> None:
        """Remember the files."""
        self.calls.append("put")
        if self._put_error is not None:
            raise self._put_error
        self.files += files

    async def exec(self, command: Command, sink: Sink, stdin: Source | None = None) -> Exit:
        """Play the next script."""
        self.calls.append("exec")
        self.commands.append(command)
        script = self._scripts.pop(0)
        self.stdin.append(await _read_all(stdin) if script.reads and stdin else None)
        await anyio.sleep(script.seconds)
        for stream, data in script.output:
            await sink(stream, data)
            await anyio.lowlevel.checkpoint()
            if self._killed.is_set() and not script.buffered:
                return KILLED
        if script.deaf:
            await anyio.sleep_forever()
        if script.hangs or self._killed.is_set():
            await self._killed.wait()
            return KILLED
        if isinstance(script.end, Exception):
            raise script.end
        return script.end

    async def get(self, globs: Sequence[str], max_bytes: int) -> Artifacts:
        """Give what it was made with."""
        self.calls.append("get")
        self.asked.append((tuple(globs), max_bytes))
        if isinstance(self._artifacts, Exception):
            raise self._artifacts
        if isinstance(self._artifacts, Artifacts):
            return self._artifacts
        return Artifacts(self._artifacts)

    async def kill(self) -> None:
        """End the script that hangs."""
        self.calls.append("kill")
        self._killed.set()

    async def close(self) -> None:
        """Remember that it was closed."""
        self.calls.append("close")
        with anyio.CancelScope(shield=True):
            await anyio.lowlevel.checkpoint()

    @property
    def closed(self) -> bool:
        """Whether it was destroyed, and nothing was asked of it afterwards."""
        return bool(self.calls) and "close" not in self.calls[:-1] and self.calls[-1] == "close"


class FakeBackend:
    """Hands out the sandboxes it was given, in order; raises those that are errors."""

    name = "fake"

    def __init__(self, *sandboxes: FakeSandbox | Exception) -> None:
        self.is_able = True
        self.specs: list[SandboxSpec] = []
        self.opened: list[FakeSandbox] = []
        self.entered = self.left = 0
        self.allow_weaker: Iterable[str] = ()
        self.installs = True
        self._sandboxes = list(sandboxes)

    async def check(self) -> Support:
        """One guarantee, which holds."""
        return Support(self.name, (Guarantee("fakeness", True, "it is a fake"),))

    async def version(self, language: Language, version: str) -> str:
        """The version asked for, or one of its own."""
        return version or "9.8.7"

    async def serves(self, language: Language, version: str, *, installs: bool = False) -> bool:
        """Whether it was told that it can."""
        return self.is_able and (self.installs or not installs)

    async def open(self, spec: SandboxSpec) -> Sandbox:
        """The next sandbox; raises what is an error."""
        self.specs.append(spec)
        sandbox = self._sandboxes.pop(0)
        if isinstance(sandbox, Exception):
            raise sandbox
        self.opened.append(sandbox)
        return sandbox

    async def __aenter__(self) -> Self:
        self.entered += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        self.left += 1


Install = Callable[..., FakeBackend]
"""Makes a fake, which hands out these sandboxes, the backend of an isolation."""


def advertise(
    monkeypatch: pytest.MonkeyPatch, folder: Path, group: str, name: str, value: object
) -> None:
    """Install a package in ``folder`` whose entry point ``name`` of ``group`` is this value."""
    module = ModuleType(f"advertised_{name}")
    module.value = value  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    info = folder / f"advertised_{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: advertised-{name}\nVersion: 1.0\n"
    )
    (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {module.__name__}:value\n")
    monkeypatch.syspath_prepend(str(folder))


def maker(backend: FakeBackend) -> Callable[..., FakeBackend]:
    """What an entry point of the group ``drybox.backends`` is."""

    def make(*, allow_weaker: Iterable[str], progress: Callable[[str], None]) -> FakeBackend:
        backend.allow_weaker = allow_weaker
        return backend

    return make


async def _read_all(source: Source) -> bytes:
    data = b""
    while piece := await source():
        data += piece
    return data
