"""One sandbox of the docker backend."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Protocol

import anyio
import anyio.to_thread

from drybox.backends.base import SandboxUse
from drybox.backends.docker.container import Container
from drybox.backends.docker.container_cgroup import ContainerCgroup
from drybox.backends.docker.daemon import Daemon
from drybox.backends.docker.images.image import SandboxImage
from drybox.backends.docker.paused_watch import PausedWatch
from drybox.backends.docker.runtime import Runtime
from drybox.backends.docker.session_use import SessionUse
from drybox.backends.docker.stream import AttachedStream
from drybox.errors import DryboxError, SandboxLost, Unavailable, Unsupported
from drybox.guest.carried_files import MOVE_TIMEOUT, carry
from drybox.guest.connection import Guest, Seal
from drybox.guest.file_transfer import too_large, unplaced, unstarted
from drybox.guest.frames import GuestExecError, GuestFileError, GuestForged, GuestGone
from drybox.guest.programs import Programs
from drybox.job import BUILD_DIR, WORK_DIR, Command, Exit, File, Sink, Source
from drybox.languages.prestart import PrestartedProcess
from drybox.model import MIB, Artifacts, ResourceLimits

SIGKILL = 9

END_TIMEOUT = 5.0
"""Seconds to wait until the daemon knows that a container has ended whose stream has ended."""

REASON_TIMEOUT = 1.0
"""Seconds after which it must know that the kernel killed it, which it may hear later than that
it has ended. Whatever the container's exit code: the kernel chooses a process, and a runtime that
loses one of its own ends as it likes."""

LOOK_DELAY = 0.05
"""Seconds between two looks at a container that ends."""

LEASE = 30
"""Seconds after which a container ends that hears of no drybox any more. Its streams end with
drybox, but not with a daemon that has crashed."""

WARM_TIMEOUT = 60.0
"""Seconds until a prestarted process must wait; slow isolations take long to start one."""

SESSION_TIMEOUT = 30.0
"""Seconds until a sandbox must have let go of what waits in it, to begin a session."""

ROOM = 16 * MIB
"""Bytes that a container takes beside what waits in it."""


class Place(Protocol):
    """What a sandbox needs of the backend: its containers."""

    daemon: Daemon
    isolation: Runtime
    weakened: tuple[str, ...]
    paused: PausedWatch

    def containers(self, image: SandboxImage, limits: ResourceLimits, uid: int) -> Awaitable[Box]:
        """A new container with init waiting in it, sealed."""

    def discard(self, box: Box) -> None:
        """Have a container removed while the caller goes on."""

    def limit(self, box: Box, limits: ResourceLimits) -> None:
        """Give a container other limits. Blocks."""


class Box:
    """A container that runs, and the conversation with its init.

    Args:
        container: The container.
        stream: Its standard streams.
        limits: What it may have at the moment.
        cgroup: Its cgroup, as far as this host knows it.
    """

    def __init__(
        self,
        container: Container,
        stream: AttachedStream,
        limits: ResourceLimits,
        cgroup: ContainerCgroup,
    ) -> None:
        self.container = container
        self.cgroup = cgroup
        self.stream = stream
        self.limits = limits
        self.guest = Guest(stream)
        self._held = anyio.CancelScope()

    @property
    def id(self) -> str:
        """The daemon's word for it."""
        return self.container.get_container_id()

    async def seal(self, seccomp: bytes) -> None:
        """Have init load the filter; everything else the daemon has done.

        Raises:
            GuestGone: It could not.
        """
        await self.guest.seal(Seal(seccomp=seccomp, disk=None, inodes=0), ())

    async def hold(self) -> None:
        """Keep it alive while this process is; returns when it is to end."""
        with self._held:
            await self.guest.hold(LEASE)

    def hang_up(self) -> None:
        """End it here and now: init sees the end of its input, and ends everything."""
        self._held.cancel()
        self.stream.hang_up()
        self.cgroup.close()


class DockerSandbox:
    """Made by ``DockerBackend.open``; see ``drybox.backends.base.Sandbox`` for the contract.

    Args:
        place: Where containers come from and go to.
        box: The container.
        image: What it is made of.
        uid: Who the program is.
    """

    def __init__(self, place: Place, box: Box, image: SandboxImage, uid: int) -> None:
        self._place = place
        self._box: Box | None = box
        self._image = image
        self._uid = uid
        self._waits_in = 0
        self._used = self._used_elsewhere = 0.0
        self._runs = False
        self._programs: Programs | None = None
        self._is_paused = False
        self._use: SessionUse | None = None
        self.cpu_time: float | None = None
        self.version = image.version
        self.toolchain = image.name  # another one whenever anything in it differs
        self.weakened = place.weakened

    async def warm(self, prestarts: Sequence[PrestartedProcess], limits: ResourceLimits) -> None:
        """Start prestarted processes and wait until they wait."""
        if len(prestarts) > 1 and not self._place.isolation.traits.adjustable:
            return  # phases with limits of their own are other containers, which none can enter
        await self._limit(limits)
        guest = self._open_box().guest
        try:
            with anyio.fail_after(WARM_TIMEOUT):
                for prestart in reversed(prestarts):
                    command = prestart.start(limits, WARM_TIMEOUT)
                    await guest.warm(prestart, command, {**self._image.env, **prestart.env})
                    self._waits_in += prestart.size
        except (GuestGone, GuestFileError, GuestExecError, TimeoutError) as error:
            raise Unavailable(
                f"no {prestarts[0].argv[0]} could be kept waiting: {str(error) or 'too slow'}.",
                hint="Programs start cold instead.",
            ) from error

    def fits(self, limits: ResourceLimits) -> bool:
        """Whether it can be given these limits as it is."""
        if self._box is None or limits.disk != self._box.limits.disk:
            return False
        if self._place.isolation.traits.adjustable:
            return limits.memory >= self._waits_in + ROOM
        return _kernels(limits) == _kernels(self._box.limits)

    async def claim(self, limits: ResourceLimits) -> None:
        """Give it the limits of the request that has come."""
        if not await self._limit(limits):
            raise Unavailable("its memory could not be reclaimed.", hint="Another one is made.")

    def is_alive(self) -> bool:
        """Whether an idle sandbox can still be used: init speaks only when it is asked."""
        return self._box is not None and self._box.stream.is_quiet()

    async def put(self, files: Sequence[File]) -> None:
        """Place files in the working directory."""
        try:
            await self._open_box().guest.put(files, hold=True)
        except GuestFileError as error:
            raise unplaced(error) from error
        except GuestGone as error:
            if await self._ran_out_of_memory():
                raise too_large() from error
            raise _lost(error) from error

    async def exec(self, command: Command, sink: Sink, stdin: Source | None = None) -> Exit:
        """Run one command to its end and leave no process of it."""
        if not await self._limit(command.limits):
            # What earlier phases left behind alone is more than this one may have.
            return Exit(None, SIGKILL, 0.0, out_of_memory=True)
        started = anyio.current_time()
        env = {**self._image.env, **command.env}
        self._runs = True
        try:
            end = await self._open_box().guest.exec(command, env, sink, stdin)
        except GuestFileError as error:
            self._runs = False
            raise unplaced(error) from error
        except GuestExecError as error:
            self._runs = False
            raise unstarted(error) from error
        except GuestGone as error:
            elapsed = anyio.current_time() - started
            if not isinstance(error, GuestForged) and await self._ran_out_of_memory():
                return Exit(None, SIGKILL, elapsed, out_of_memory=True)
            raise _lost(error) from error
        self._runs = False
        self._used += end.cpu_time
        return Exit(
            end.code,
            end.signal,
            end.wall_time,
            end.cpu_time,
            end.memory_peak,
            end.timed_out,
            end.out_of_memory,
            self._place.isolation.mapped,
        )

    async def get(self, globs: Sequence[str], max_bytes: int) -> Artifacts:
        """Bring back regular files of the working directory, never through a link."""
        try:
            return await self._open_box().guest.get(globs, max_bytes)
        except GuestGone as error:
            raise _lost(error) from error

    async def get_build(self, globs: Sequence[str], max_bytes: int) -> Sequence[File]:
        """Bring back regular files of the compilers' folder, never through a link."""
        try:
            return await self._open_box().guest.get_build(globs, max_bytes)
        except GuestGone as error:
            raise _lost(error) from error

    async def begin_session(self, limits: ResourceLimits) -> Programs:
        """End what waits in it; from here on there are several programs at once."""
        await self.claim(limits)
        try:
            with anyio.fail_after(SESSION_TIMEOUT):
                programs = await self._open_box().guest.begin_session(limits)
        except (GuestGone, TimeoutError) as error:
            why = str(error) or "it took too long"
            raise Unavailable(f"no session could begin: {why}.", hint="Try again.") from error
        self._runs = True
        self._programs, self._use = programs, SessionUse(programs, self._ran_out_of_memory)
        return programs

    def beside(self) -> None:
        """What else is in the image, nobody knows."""

    def in_sandbox(self, command: Command) -> tuple[Command, Mapping[str, str]]:
        """A command, and all its variables: the image's PATH finds its program."""
        return command, {**self._image.env, **command.env}

    async def used(self) -> SandboxUse:
        """What it has used so far; of one that is gone what is known of it."""
        assert self._use is not None, "a session has begun"
        return await self._use.ask()

    async def pause(self) -> None:
        """Have everything in it stand still, and wait until it does."""
        box, place = self._open_box(), self._place
        try:
            await place.paused.pause(place.daemon, box.id)
        except Unavailable as error:
            raise Unsupported(
                f"a session cannot be paused with isolation {place.isolation.name!r} at this "
                f"daemon: {error.message}",
                hint="It needs the freezer of cgroups, and a runtime that knows how to pause.",
            ) from error
        self._is_paused = True

    async def resume(self) -> None:
        """Let it go on."""
        await self._place.paused.resume(self._place.daemon, self._open_box().id)
        self._is_paused = False

    async def kill(self) -> None:
        """End every process of the running command now."""
        if self._box is not None:
            await self._box.guest.kill()

    async def close(self) -> None:
        """Destroy the sandbox; the daemon does it while the caller goes on.

        Of one whose command has not ended the daemon is asked first what that has used.
        """
        if self._use is not None and self._programs is not None and self._programs.is_lost:
            # Whoever waits for a program in it is to be told why it has ended.
            with anyio.move_on_after(END_TIMEOUT, shield=True):
                await self._use.ask()
        box, self._box = self._box, None
        if box is None:
            return
        self.cpu_time = None if self._runs else self._used
        if self._runs:
            with anyio.move_on_after(END_TIMEOUT, shield=True), suppress(DryboxError):
                if self._programs is None:
                    await box.guest.kill()
                elif not self._is_paused:
                    await self._programs.kill_all()
                look = partial(self._place.daemon.cpu_seconds, box.id)
                here = await anyio.to_thread.run_sync(look, abandon_on_cancel=True)
                if here is not None:
                    self.cpu_time = max(self._used_elsewhere + here, self._used)
        self._place.discard(box)

    def _open_box(self) -> Box:
        if self._box is None:
            raise _lost()
        return self._box

    async def _ran_out_of_memory(self) -> bool:
        """Whether the whole container, init too, was ended for want of memory."""
        box, is_asked = self._box, False
        if box is None:
            return False
        with anyio.move_on_after(END_TIMEOUT) as deadline:
            while True:
                try:
                    state = await anyio.to_thread.run_sync(self._place.daemon.state, box.id)
                except DryboxError:
                    return False
                if state.get("OOMKilled"):
                    return True
                if not state.get("Running") and not is_asked:
                    is_asked = True
                    known = await anyio.to_thread.run_sync(box.cgroup.ran_out)
                    if known is not None:
                        return known
                    soon = anyio.current_time() + REASON_TIMEOUT
                    deadline.deadline = min(deadline.deadline, soon)
                await anyio.sleep(LOOK_DELAY)
        return False

    # --- limits of a phase ---------------------------------------------------------

    async def _limit(self, limits: ResourceLimits) -> bool:
        """Whether the container could be given a phase's limits."""
        box = self._open_box()
        if _kernels(limits) == _kernels(box.limits):
            return True
        if not self._place.isolation.traits.adjustable:
            await self._move(limits)
            return True
        try:
            await anyio.to_thread.run_sync(self._place.limit, box, limits)
        except Unavailable as error:
            if "busy" in error.message:  # the kernel could not get the memory back
                return False
            raise SandboxLost("the daemon could not set a limit.", hint=error.hint) from error
        return True

    async def _move(self, limits: ResourceLimits) -> None:
        """Go on in another container with other limits, and the same files."""
        old = self._open_box()
        new = await self._place.containers(self._image, limits, self._uid)
        try:
            with anyio.fail_after(MOVE_TIMEOUT):
                await carry(old.guest, new.guest, old.limits, [WORK_DIR, BUILD_DIR])
        except (GuestGone, TimeoutError) as error:
            self._place.discard(new)
            raise SandboxLost(
                "the files of the sandbox could not be taken to its next phase.",
                hint="Ask for a larger limits.disk or limits.memory, or write less.",
            ) from error
        except BaseException:
            self._place.discard(new)
            raise
        self._box = new
        self._used_elsewhere = self._used
        self._place.discard(old)


def _kernels(limits: ResourceLimits) -> tuple[int, float, int]:
    """What the daemon has the kernel hold a container to, beside its disk."""
    return limits.memory, limits.cpus, limits.pids


def _lost(why: Exception | None = None) -> SandboxLost:
    if isinstance(why, GuestForged):
        return SandboxLost(
            "the program wrote into the stream that tells its result.",
            hint="Nothing that came over it since can be believed; do not run it again.",
        )
    return SandboxLost(
        "the sandbox's container ended from outside.",
        hint="Nothing is known of the program's outcome; run it again if that is safe.",
    )
