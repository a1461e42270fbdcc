"""One sandbox of the local backend."""

from __future__ import annotations

import contextlib
import errno
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio

from drybox.backends.base import SandboxUse
from drybox.backends.local.cgroups.cgroup import Cgroup, Limits, Used
from drybox.backends.local.cgroups.peak_memory import PeakMemory
from drybox.backends.local.cgroups.socket_watch import SocketWatch
from drybox.backends.local.cgroups.startup_boost import StartupBoost
from drybox.backends.local.launchers.bubblewrap import NO_PROCESSES
from drybox.backends.local.rootfs.toolchain_rootfs import ToolchainRootfs
from drybox.backends.local.supervisor.client import SupervisorClient
from drybox.backends.local.supervisor.sockets import SandboxSocket
from drybox.backends.local.templates import Template
from drybox.errors import SandboxLost, Unavailable, Unsupported
from drybox.guest.connection import Guest, Seal
from drybox.guest.file_transfer import too_large, unplaced, unstarted
from drybox.guest.frames import GuestExecError, GuestFileError, GuestGone
from drybox.job import Command, Exit, File, Sink, Source
from drybox.languages.prestart import PrestartedProcess
from drybox.model import MIB, Artifacts, ResourceLimits

if TYPE_CHECKING:
    from drybox.guest.programs import Programs

OWN_PIDS = 2
"""Processes in the cgroup that are not the program's: what started init, and init."""

CPU_TIME_STEP = 0.01
"""Seconds between looks at the CPU time of a command that has nearly used up its own."""

SIGKILL = 9

SESSION_TIMEOUT = 10.0
"""Seconds until a sandbox must have let go of what waits in it, to begin a session."""

FREEZE_TIMEOUT, FREEZE_STEP = 30.0, 0.002
"""Seconds until all of a sandbox must stand still, and between looks."""

ROOM = 8 * MIB
"""Bytes that the kernel may count beside what waits, in its tables and caches."""

JOIN_TIMEOUT = 5.0
"""Seconds until a template's child must wait in it."""

WARM_TIMEOUT = 60.0
"""Seconds until prestarted processes must wait; a compiler practises first."""


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
    """Made by ``LocalBackend.open``; see ``drybox.backends.base.Sandbox`` for the contract."""

    def __init__(
        self,
        stream: SandboxSocket,
        supervisor: SupervisorClient,
        number: int,
        cgroup: Cgroup,
        rootfs: ToolchainRootfs,
        weakened: tuple[str, ...],
        boost: StartupBoost,
        sockets: SocketWatch,
        template: Template | None = None,
    ) -> None:
        self._template = template
        self._boost = boost
        self._sockets = sockets
        self._guest = Guest(stream)
        self._stream = stream
        self._supervisor = supervisor
        self.number = number
        self._cgroup = cgroup
        self._rootfs = rootfs
        self._closed = False
        self._has_begun = self._has_ended = False
        self.cpu_time: float | None = None
        self._fresh: ResourceLimits | None = None
        self._used_before = NOTHING
        self._disk = 0
        self._waits_in = self._waiting = 0
        self.weakened = weakened
        self.version = rootfs.found.version
        self.toolchain = rootfs.toolchain

    async def seal(self, seal: Seal, files: Sequence[File]) -> None:
        """Have init write the system's files, mount, drop every privilege.

        Raises:
            GuestGone: It could not.
            GuestFileError: It could not write the system's files.
        """
        self._disk = seal.disk or 0
        await self._guest.seal(seal, files)
        self._cgroup.used()  # opens its files, so that whatever waits holds as many
        self._cgroup.socket_memory()

    async def warm(self, prestarts: Sequence[PrestartedProcess], limits: ResourceLimits) -> None:
        """Start prestarted processes and wait until they wait."""
        self._boost.prepare(self._cgroup)
        try:
            apply_limits(self._cgroup, limits)
            await self._start(prestarts, limits)
        except (GuestGone, GuestFileError, GuestExecError, TimeoutError, OSError) as error:
            if self._template is not None:
                self._template.fail()
            raise Unavailable(
                f"no {prestarts[0].argv[0]} could be kept waiting: {str(error) or 'too slow'}.",
                hint="Programs start cold instead.",
            ) from error
        # Nothing more happens in here until the request comes; its meters begin here. The
        # peak of one that did nothing but start is its program's.
        self._fresh = limits if len(prestarts) == 1 else None
        self._used_before = self._cgroup.used()
        self._waiting = self._cgroup.processes()
        self._waits_in = self._cgroup.memory_kept()
        self._boost.expect(self._cgroup)

    async def _start(self, prestarts: Sequence[PrestartedProcess], limits: ResourceLimits) -> None:
        forked = self._template is not None
        with anyio.fail_after(JOIN_TIMEOUT if forked else WARM_TIMEOUT):
            for prestart in reversed(prestarts):
                known = replace(prestart, argv=self._rootfs.argv(prestart.argv))
                if forked:
                    await self._guest.join(known)
                else:
                    known = replace(known, preload=())
                    command = known.start(limits, WARM_TIMEOUT)
                    await self._guest.warm(known, command, {**self._rootfs.env, **prestart.env})

    def fits(self, limits: ResourceLimits) -> bool:
        """Whether it can be given these limits as it is."""
        return limits.disk == self._disk and limits.memory >= self._waits_in + ROOM

    async def claim(self, limits: ResourceLimits) -> None:
        """Give it the limits of the request that has come."""
        try:
            apply_limits(self._cgroup, limits)
        except OSError as error:
            raise Unavailable(
                f"a limit could not be set: {error.strerror}.", hint="Another sandbox is made."
            ) from error

    def is_alive(self) -> bool:
        """Whether an idle sandbox can still be used: init speaks only when it is asked.

        What was killed from outside is missing before init has heard of it.
        """
        is_quiet = not self._closed and self._stream.is_quiet()
        return is_quiet and self._cgroup.processes() >= self._waiting

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
        self._has_begun, self._has_ended = True, False
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
                f"a limit could not be set: {error.strerror}.",
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
        self._boost.begin(self._cgroup)
        self._sockets.begin(self._cgroup, command.limits.memory, self.kill)
        started, cpu = anyio.current_time(), before.cpu_seconds
        last = None if cpu is None or command.cpu_time is None else cpu + command.cpu_time
        try:
            known, env = self._rootfs.command(command)
            run = self._guest.exec(known, env, sink, stdin)
            if last is None:
                end = await run
            else:
                async with self._until(last, command.limits.cpus):
                    end = await run
        except GuestFileError as error:
            raise unplaced(error) from error
        except GuestExecError as error:
            if error.number == errno.EAGAIN and self._cgroup.allows_processes():
                raise Unavailable("no process could be started.", hint=NO_PROCESSES) from error
            raise unstarted(error) from error
        except GuestGone as error:
            used = self._cgroup.used()
            was_over = self._sockets.end(self._cgroup)
            # Otherwise the kernel chose init, or all of the cgroup.
            if was_over or used.oom_kills > before.oom_kills:
                elapsed, most = anyio.current_time() - started, _peak(used, peak)
                return Exit(None, SIGKILL, elapsed, None, most, out_of_memory=True)
            raise SandboxLost(
                "the sandbox ended from outside while the program ran.",
                hint="Nothing is known of the program's outcome; run it again if that is safe.",
            ) from error
        finally:
            self._boost.end(self._cgroup)
            is_over = self._sockets.end(self._cgroup)
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
            out_of_memory=end.out_of_memory or is_over or used.oom_kills > before.oom_kills,
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

    async def get(self, globs: Sequence[str], max_bytes: int) -> Artifacts:
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

    async def begin_session(self, limits: ResourceLimits) -> Programs:
        """End what waits in it; from here on there are several programs at once."""
        self._has_begun = True
        try:
            apply_limits(self._cgroup, limits)
            with anyio.fail_after(SESSION_TIMEOUT):
                programs = await self._guest.begin_session(limits)
        except (OSError, GuestGone) as error:
            raise Unavailable(f"no session could begin: {error}.", hint="Try again.") from error
        self._sockets.begin(self._cgroup, limits.memory, programs.kill_all)
        return programs

    def beside(self) -> Mapping[str, str]:
        """Versions of the other languages' toolchains in it."""
        return {name: found.version for name, found in self._rootfs.beside.items()}

    def in_sandbox(self, command: Command) -> tuple[Command, Mapping[str, str]]:
        """A command with the toolchain's program by its place, and all its variables."""
        self._boost.begin(self._cgroup)
        return self._rootfs.command(command)

    async def used(self) -> SandboxUse:
        """What it has used so far."""
        used = self._cgroup.used()
        return SandboxUse(used.cpu_seconds, used.peak_memory, used.oom_kills)

    async def pause(self) -> None:
        """Have everything in it stand still, and wait until it does."""
        try:
            self._cgroup.freeze(frozen=True)
            with anyio.fail_after(FREEZE_TIMEOUT):
                while not self._cgroup.is_frozen():
                    await anyio.sleep(FREEZE_STEP)
        except (OSError, TimeoutError) as error:
            with contextlib.suppress(OSError):
                self._cgroup.freeze(frozen=False)
            why = str(error) or f"it did not stand still within {FREEZE_TIMEOUT:g} s"
            raise Unsupported(
                f"a session cannot be paused on this host: {why}.",
                hint="It needs the freezer of cgroups, which version 2 always has.",
            ) from error

    async def resume(self) -> None:
        """Let it go on."""
        with contextlib.suppress(OSError):  # it is gone, which its programs tell
            self._cgroup.freeze(frozen=False)

    async def kill(self) -> None:
        """End every process of the running command now."""
        await self._guest.kill()

    async def close(self) -> None:
        """Destroy the sandbox; the supervisor does it while the caller goes on, mostly.

        One whose command has not ended is waited for: it goes on until it is dead, and its CPU
        time counts.
        """
        if self._closed:
            return
        self._closed = True
        self._sockets.end(self._cgroup)
        if self._template is not None:
            self._template.leave()
        self.cpu_time = self._cgroup.cpu_seconds()
        is_cancelled = anyio.current_effective_deadline() == -math.inf
        if self._has_begun and not self._has_ended:
            last = await self._supervisor.destroy_and_measure(self.number, self._release)
            self.cpu_time = self.cpu_time if last is None else last
        elif self._has_ended and not is_cancelled:
            self._supervisor.destroy_soon(self.number, self._release)
        else:
            await self._supervisor.destroy(self.number, self._release)

    async def _release(self) -> None:
        self._cgroup.close()
        await self._stream.aclose()
