"""One sandbox of the local backend."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio

from drybox.backends.local.cgroup import Cgroup, Limits, PeakMemory, Used
from drybox.backends.local.channel import Line
from drybox.backends.local.newcomers import Newcomers
from drybox.backends.local.toolchain import FoundToolchain
from drybox.backends.local.warden_client import WardenClient
from drybox.errors import SandboxLost, Unavailable
from drybox.guest.frames import GuestExecError
from drybox.guest.placement import too_large, unplaced
from drybox.guest.protocol import Guest, GuestFileError, GuestGone, Seal
from drybox.model import Command, Exit, File, ResourceLimits
from drybox.protocols import Sink, Source
from drybox.warm import Runner

OWN_PIDS = 2
"""Processes in the cgroup that are not the program's: bubblewrap and init."""

CPU_TIME_STEP = 0.01
"""Seconds between looks at the CPU time of a command that has nearly used up its own."""

SIGKILL = 9

WARM_PATIENCE = 60.0
"""Seconds until runners must wait; a compiler practises first."""


NOTHING = Used(0.0, 0, 0)


def _peak(used: Used, meter: PeakMemory | None) -> int | None:
    return used.peak_memory if meter is None else meter.read()


def apply_limits(cgroup: Cgroup, limits: ResourceLimits) -> None:
    """Put a phase's limits to a sandbox's cgroup.

    Raises:
        OSError: The kernel refused one.
    """
    cgroup.apply(Limits(limits.memory, limits.cpus, limits.pids + OWN_PIDS))


class LocalSandbox:
    """Made by ``LocalBackend.open``; see ``drybox.protocols.Sandbox`` for the contract."""

    def __init__(
        self,
        stream: Line,
        warden: WardenClient,
        number: int,
        cgroup: Cgroup,
        found: FoundToolchain,
        env: Mapping[str, str],
        weakened: tuple[str, ...],
        toolchain: str,
        newcomers: Newcomers,
    ) -> None:
        self._newcomers = newcomers
        self._guest = Guest(stream)
        self._stream = stream
        self._warden = warden
        self._number = number
        self._cgroup = cgroup
        self._found = found
        self._env = env
        self._closed = False
        self._has_ended = False
        self._fresh: ResourceLimits | None = None
        self._used_before = NOTHING
        self.weakened = weakened
        self.version = found.version
        self.toolchain = toolchain

    async def seal(self, seal: Seal, files: Sequence[File]) -> None:
        """Have init write the system's files, mount, drop every privilege.

        Raises:
            GuestGone: It could not.
            GuestFileError: It could not write the system's files.
        """
        await self._guest.seal(seal, files)
        self._cgroup.used()  # opens its files, so that whatever waits holds as many

    async def warm(self, runners: Sequence[Runner], limits: ResourceLimits) -> None:
        """Start runners and wait until they wait."""
        try:
            apply_limits(self._cgroup, limits)
            with anyio.fail_after(WARM_PATIENCE):
                for runner in reversed(runners):
                    known = replace(runner, argv=self._in_sandbox(runner.argv))
                    command = Command(known.argv, runner.limits_in(limits), WARM_PATIENCE)
                    await self._guest.warm(known, command, {**self._env, **runner.env})
        except (GuestGone, GuestFileError, GuestExecError, TimeoutError, OSError) as error:
            raise Unavailable(
                f"no {runners[0].argv[0]} could be kept waiting: {error}.",
                hint="Programs start cold instead.",
            ) from error
        # Nothing more happens in here until the request comes; its meters begin here. The
        # peak of one that did nothing but start is its program's.
        self._fresh = limits if len(runners) == 1 else None
        self._used_before = self._cgroup.used()
        self._newcomers.expect(self._cgroup)

    def is_alive(self) -> bool:
        """Whether an idle sandbox can still be used: init speaks only when it is asked."""
        return not self._closed and self._stream.is_quiet()

    async def put(self, files: Sequence[File]) -> None:
        """Place files in the working directory."""
        try:
            await self._guest.put(files, hold=True)
        except GuestFileError as error:
            raise unplaced(error) from error
        except GuestGone as error:
            if self._cgroup.oom_kills():
                raise too_large() from error
            raise SandboxLost(
                "the sandbox ended while files were placed.", hint="Try again."
            ) from error

    async def exec(self, command: Command, sink: Sink, stdin: Source | None = None) -> Exit:
        """Run one command to its end and leave no process of it."""
        self._has_ended = False
        cgroup = self._cgroup
        limit = command.limits.memory
        fresh, self._fresh = self._fresh, None
        if fresh == command.limits:
            return await self._exec(command, sink, stdin, self._used_before, None)
        if cgroup.memory_used() > limit and cgroup.memory_kept() > limit:
            # What earlier phases left on the disk alone is more than this one may have.
            return Exit(None, SIGKILL, 0.0, memory_peak=cgroup.memory_kept(), out_of_memory=True)
        try:
            apply_limits(cgroup, command.limits)
        except OSError as error:
            raise SandboxLost(
                f"a limit could not be set: {error.strerror}: {error.filename}.",
                hint="Run 'drybox doctor' to see what this host is missing.",
            ) from error
        peak = cgroup.open_peak()
        try:
            return await self._exec(command, sink, stdin, cgroup.used(), peak)
        finally:
            peak.close()

    async def _exec(
        self,
        command: Command,
        sink: Sink,
        stdin: Source | None,
        before: Used,
        peak: PeakMemory | None,
    ) -> Exit:
        """Run a command; what it uses is counted from there, its peak by a meter of its own."""
        self._newcomers.begin(self._cgroup)
        started, cpu = anyio.current_time(), before.cpu_seconds
        last = None if cpu is None or command.cpu_time is None else cpu + command.cpu_time
        try:
            known = replace(command, argv=self._in_sandbox(command.argv))
            run = self._guest.exec(known, {**self._env, **command.env}, sink, stdin)
            if last is None:
                end = await run
            else:
                async with self._until(last, command.limits.cpus):
                    end = await run
        except GuestFileError as error:
            raise unplaced(error) from error
        except GuestExecError as error:
            raise Unavailable(
                f"{error}.", hint="Nothing ran. Check limits.pids and the toolchain."
            ) from error
        except GuestGone as error:
            used = self._cgroup.used()
            if used.oom_kills > before.oom_kills:  # the kernel chose init, or all of the cgroup
                wall, most = anyio.current_time() - started, _peak(used, peak)
                return Exit(None, SIGKILL, wall, None, most, out_of_memory=True)
            raise SandboxLost(
                "the sandbox ended from outside while the program ran.",
                hint="Nothing is known of the program's outcome; run it again if that is safe.",
            ) from error
        finally:
            self._newcomers.end(self._cgroup)
        self._has_ended = True
        used = self._cgroup.used()
        all_cpu = used.cpu_seconds
        return Exit(
            end.code,
            end.signal,
            end.wall_time,
            all_cpu - cpu if all_cpu is not None and cpu is not None else end.cpu_time,
            _peak(used, peak),
            end.timed_out,
            out_of_memory=used.oom_kills > before.oom_kills,
        )

    @asynccontextmanager
    async def _until(self, last: float, cpus: float) -> AsyncIterator[None]:
        """Have the command killed once the cgroup has used CPU time up to a last second."""
        failed: list[Exception] = []

        async def watch() -> None:
            while True:
                used = self._cgroup.cpu_seconds()
                if used is None:
                    return
                if used >= last:
                    await self.kill()
                # It cannot be used up before then.
                await anyio.sleep(max(CPU_TIME_STEP, (last - used) / cpus))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch)
            try:
                yield
            except Exception as error:  # raised below: a task group would wrap it
                failed.append(error)
            tasks.cancel_scope.cancel()
        if failed:
            raise failed[0]

    def _in_sandbox(self, argv: tuple[str, ...]) -> tuple[str, ...]:
        """A command line with the toolchain's program by its place."""
        if argv[0] != self._found.name:
            return argv
        return (self._found.program, *argv[1:])

    async def get(self, globs: Sequence[str], max_bytes: int) -> Mapping[str, bytes]:
        """Bring back regular files of the working directory, never through a link."""
        try:
            return await self._guest.get(globs, max_bytes)
        except GuestGone as error:
            raise SandboxLost(
                "the sandbox ended while artifacts were fetched.", hint="Run it again."
            ) from error

    async def get_build(self, globs: Sequence[str], max_bytes: int) -> Sequence[File]:
        """Bring back regular files of the compilers' folder, never through a link."""
        try:
            return await self._guest.get_build(globs, max_bytes)
        except GuestGone as error:
            raise SandboxLost(
                "the sandbox ended after its program was compiled.", hint="Run it again."
            ) from error

    async def kill(self) -> None:
        """End every process of the running command now."""
        await self._guest.kill()

    async def close(self) -> None:
        """Destroy the sandbox; the warden does it while the caller goes on.

        At once, unless its command has ended and its answer is on the way.
        """
        if self._closed:
            return
        self._closed = True
        is_cancelled = anyio.current_effective_deadline() == -math.inf
        if self._has_ended and not is_cancelled:
            self._warden.destroy_soon(self._number, self._release)
        else:
            await self._warden.destroy(self._number, self._release)

    async def _release(self) -> None:
        self._cgroup.close()
        await self._stream.aclose()
