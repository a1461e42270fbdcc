"""Output of compilers for sources that ran before, kept by drybox outside every sandbox.

It is filled with what a successful compiler left before any code of the program has run, and
found by a digest of everything that the compiler could see.
"""

from __future__ import annotations

import hashlib
import struct
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeAlias

import anyio

from drybox.backends.base import CompilingSandbox, Sandbox
from drybox.errors import InvalidRequest, SandboxLost
from drybox.execution.output import STREAMS
from drybox.job import Command, Exit, File, Job, Plan, Sink, Source
from drybox.model import ResourceLimits, Stream

LARGEST_SHARE = 4
"""One program takes at most one in so many bytes of the cache, and of its sandbox's memory."""

FILE_BYTES, ENTRY_BYTES = 256, 512
"""What a file and a program take in memory beside their contents, about."""

Fact: TypeAlias = "int | float | str | bytes | Sequence[Fact] | None"
"""Something that the compiler could see."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """What a compiler left: files for :meth:`Sandbox.put`, and what it wrote to its streams."""

    files: tuple[File, ...]
    output: tuple[tuple[Stream, bytes], ...] = ()

    @property
    def size(self) -> int:
        """Bytes that it takes in memory."""
        files = sum(len(file.content) + len(file.path) + FILE_BYTES for file in self.files)
        return ENTRY_BYTES + files + sum(len(data) for _, data in self.output)


class CompileCache:
    """The programs that were wanted last, within a bound on their bytes.

    Args:
        max_bytes: The bound.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.size = 0
        self._known: OrderedDict[bytes, Compiled] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    @property
    def largest(self) -> int:
        """Bytes that one program may take."""
        return self.max_bytes // LARGEST_SHARE

    def find(self, key: bytes) -> Compiled | None:
        """What was kept; it is then the last to go."""
        found = self._known.get(key)
        if found is not None:
            self._known.move_to_end(key)
        return found

    def keep(self, key: bytes, compiled: Compiled) -> None:
        """Keep something, and let go of what was not wanted for longest."""
        if compiled.size > self.largest:
            return
        self._forget(key)
        self._known[key] = compiled
        self.size += compiled.size
        while self.size > self.max_bytes:
            self._forget(next(iter(self._known)))

    def clear(self) -> None:
        """Let go of everything."""
        self._known.clear()
        self.size = 0

    def _forget(self, key: bytes) -> None:
        gone = self._known.pop(key, None)
        if gone is not None:
            self.size -= gone.size


def make_cache(max_bytes: int | None) -> CompileCache | None:
    """A cache of this size; None for none.

    Raises:
        InvalidRequest: It is not a size.
    """
    if max_bytes is not None and (not isinstance(max_bytes, int) or max_bytes < 0):
        raise InvalidRequest(
            "compile_cache",
            f"{max_bytes!r} is not a size",
            hint="Pass a number of bytes, or None to keep nothing.",
        )
    return CompileCache(max_bytes) if max_bytes else None


class CachedCompiler:
    """Stands for a sandbox while its compiler runs, which may not be necessary.

    Args:
        sandbox: The sandbox.
        cache: Where to look and to keep.
        key: What the job's compiler could see, of :func:`compile_key`.
        plan: The job's plan.
        memory: Bytes of memory that the program may have.
    """

    def __init__(
        self, sandbox: Sandbox, cache: CompileCache, key: bytes, plan: Plan, memory: int
    ) -> None:
        self._sandbox = sandbox
        self._cache = cache
        self._key = key
        self._outputs = plan.outputs
        self._memory = memory
        self._written: list[tuple[Stream, bytes]] = []
        self._has_compiled = False

    async def exec(self, command: Command, sink: Sink, stdin: Source | None = None) -> Exit:
        """Place what is known, or run the compiler.

        Raises:
            SandboxLost: The sandbox is gone and the outcome unknown.
            InvalidRequest: What is known cannot be placed.
        """
        known = self._cache.find(self._key)
        # It is placed under the program's limits: what takes much of them is compiled again.
        if known is not None and known.size <= self._memory // LARGEST_SHARE:
            started = anyio.current_time()
            await self._sandbox.put(known.files)
            for stream, data in known.output:
                await sink(stream, data)
            return Exit(0, None, anyio.current_time() - started, cpu_time=0.0)
        self._has_compiled = True

        async def listen(stream: Stream, data: bytes) -> None:
            # The sink ends a compiler that writes more than it may.
            self._written.append((stream, data))
            await sink(stream, data)

        return await self._sandbox.exec(command, listen, stdin)

    async def kill(self) -> None:
        """End the compiler now."""
        await self._sandbox.kill()

    async def keep(self) -> None:
        """Keep what the compiler left. Only if it succeeded, and before anything else runs."""
        if not self._has_compiled or not isinstance(self._sandbox, CompilingSandbox):
            return
        try:
            files = await self._sandbox.get_build(self._outputs, self._cache.largest)
        except (ValueError, SandboxLost):
            return  # it is not worth keeping; of a lost sandbox the next phase tells
        if files:
            output = ((name, self._all_written(name)) for name in STREAMS)
            compiled = Compiled(tuple(files), tuple(item for item in output if item[1]))
            self._cache.keep(self._key, compiled)

    def _all_written(self, wanted: Stream) -> bytes:
        return b"".join(data for stream, data in self._written if stream == wanted)


def cached_compiler(
    cache: CompileCache,
    sandbox: Sandbox,
    isolation: str,
    job: Job,
    plan: Plan,
    command: Command,
) -> CachedCompiler | None:
    """What stands for a sandbox while its compiler runs; None where nothing can be kept.

    Args:
        cache: The cache.
        sandbox: The sandbox.
        isolation: The word of its backend.
        job: What is compiled.
        plan: Its plan.
        command: The compiler.
    """
    # What an installer has left is not known here, so nothing is kept of what it is compiled with.
    if not plan.outputs or plan.install or not isinstance(sandbox, CompilingSandbox):
        return None
    whence = (isolation, sandbox.version, sandbox.toolchain)
    key = compile_key(whence, job, plan.outputs, command)
    return CachedCompiler(sandbox, cache, key, plan, job.limits.memory)


def compile_key(
    whence: tuple[str, str, str], job: Job, outputs: Sequence[str], command: Command
) -> bytes:
    """A digest of everything that a compiler could see, or that says what is taken of it.

    Args:
        whence: Isolation, version and toolchain of the sandbox.
        job: What is compiled.
        outputs: What is kept of it.
        command: The compiler.
    """
    files = sorted((file.path, file.mode, file.content) for file in job.files)
    facts: Fact = (
        "drybox compiles",
        (job.language, *whence, job.environment),
        job.limits.disk,  # shared with the compiler
        [getattr(command.limits, item.name) for item in fields(ResourceLimits)],
        float(command.timeout),
        command.cpu_time,
        command.argv,
        sorted(command.env.items()),
        command.cwd,
        tuple(outputs),
        files,
    )
    return hashlib.sha256(encode(facts)).digest()


def encode(fact: Fact) -> bytes:
    """Bytes that no other fact has: each part says its kind and its length."""
    if fact is None:
        return b"n"
    if isinstance(fact, (int, float)):
        return _part(b"i" if isinstance(fact, int) else b"f", repr(fact).encode())
    if isinstance(fact, str):
        return _part(b"s", fact.encode("utf-8", "surrogatepass"))
    if isinstance(fact, bytes):
        return _part(b"b", fact)
    return _part(b"l", b"".join(encode(item) for item in fact))


def _part(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<Q", len(data)) + data
