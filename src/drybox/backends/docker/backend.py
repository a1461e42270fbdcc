"""The docker backend: opens sandboxes that are containers."""

from __future__ import annotations

import itertools
import logging
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from drybox.backends.base import SandboxSpec, Support
from drybox.backends.docker import doctor
from drybox.backends.docker.container import START_PIDS, Container, limits_of, options_of, places_of
from drybox.backends.docker.container_cgroup import ContainerCgroup
from drybox.backends.docker.daemon import Daemon
from drybox.backends.docker.images import image, image_build, package_image
from drybox.backends.docker.images.environment_image import EnvironmentImages
from drybox.backends.docker.images.image import SandboxImage
from drybox.backends.docker.paused_watch import PausedWatch
from drybox.backends.docker.runtime import RUNTIMES, DaemonFeatures, find_runtime
from drybox.backends.docker.sandbox import Box, DockerSandbox
from drybox.backends.docker.stream import AttachedStream
from drybox.backends.openings import Openings
from drybox.backends.preparations import Preparations
from drybox.errors import DryboxError, Unavailable, Unsupported
from drybox.guest.frames import GuestGone
from drybox.guest.seccomp import filter as seccomp
from drybox.languages.base import Language, Tool
from drybox.model import ResourceLimits
from drybox.settings import DockerSettings

OPEN_TIMEOUT = 30.0
"""Seconds until the init of a container that was started must have answered."""

ANSWER_TTL = 10.0
"""Seconds for which what a daemon said of an image is believed."""

_log = logging.getLogger("drybox.docker")


class DockerBackend:
    """Sandboxes with one isolation of containers.

    Args:
        isolation: The isolation's name: ``docker``, ``gvisor``, ``kata``, ``firecracker``.
        settings: Which daemon, images and runtimes.
        allow_weaker: Guarantees that may be missing there: of
            ``drybox.backends.registry.WEAKENABLE``.
        progress: Told what is being prepared when that takes seconds.
    """

    def __init__(
        self,
        isolation: str,
        settings: DockerSettings,
        *,
        allow_weaker: Iterable[str] = (),
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.name = isolation
        self.isolation = RUNTIMES[isolation]
        self.daemon: Daemon
        self.weakened: tuple[str, ...] = ()
        self._settings = settings
        self._allow_weaker = frozenset(allow_weaker)
        self.preparations = Preparations(progress)
        self._image_locks: dict[tuple[str, str], anyio.Lock] = {}
        self._is_connected = False
        self._features: DaemonFeatures
        self._filter = b""
        self._uid_base = image.UID_BASE
        self._images: dict[tuple[str, str], tuple[float, SandboxImage]] = {}
        self._environments = EnvironmentImages(settings.ryuk, self.preparations)
        self._uids = itertools.count(secrets.randbelow(image.UIDS))
        self._boxes: set[Box] = set()
        self._openings = Openings()
        self.paused = PausedWatch(settings.host)
        self._start_lock = anyio.Lock()
        self._build_image_with_packages_lock = anyio.Lock()
        self._tasks: TaskGroup

    async def check(self) -> Support:
        """Say what is guaranteed here and how to mend what is not. Never raises."""
        return await anyio.to_thread.run_sync(doctor.check, self.isolation, self._settings)

    async def version(self, language: Language, version: str) -> str:
        """Full version of the toolchain that would run.

        Raises:
            Unsupported: The image has another one than was asked for.
            Unavailable: The daemon does not answer, or does not have the image.
        """
        await self._connect()
        return (await self._image(language, version)).version

    async def versions(self, language: Language) -> list[str]:
        """The versions that images are configured for."""
        return image.configured_versions(language, self._settings.images)

    async def toolchain(self, language: Language, version: str) -> str:
        """A word for the toolchain that would run; another one whenever that may be another."""
        await self._connect()
        return (await self._image(language, version)).name.rpartition("-")[2]

    async def forget_packages(self, folder: str) -> None:
        """Remove the images of a folder of packages that is gone."""
        label = package_image.label(folder)
        await anyio.to_thread.run_sync(image_build.forget_images, self.daemon, label, "")

    async def serves(self, language: Language, version: str, *, installs: bool = False) -> bool:
        """Whether the daemon answers and has the image. Never raises."""
        try:
            await self._connect()
            for name in image.source_names(language, version, self._settings.images):
                if await anyio.to_thread.run_sync(self.daemon.image, name) is not None:
                    return True
        except DryboxError:
            pass
        return False

    async def prepare(self, language: Language) -> None:
        """Make the image that programs of a language run in, unless it is there.

        Raises:
            DryboxError: What :meth:`open` would raise for want of it.
        """
        await self._connect()
        await self._image(language, "")

    async def open(self, spec: SandboxSpec) -> DockerSandbox:
        """Make a sealed, idle sandbox.

        Raises:
            Unsupported: The daemon does not have this isolation's runtime, or no such version; or
                packages cannot be had from their folder.
            Unavailable: It does not answer, does not have the image, or refused.
        """
        await self._connect()
        daemon, language = self.daemon, spec.language
        found = await self._image(language, spec.version)
        if spec.package_dir:
            found = await self._with_packages(language, found, spec.package_dir)
        if spec.environment is not None:
            found = await self._environments.add(daemon, language, found, spec.environment)
        if spec.kernel_dir:
            found = await self._environments.add_kernel(daemon, language, found, spec.kernel_dir)
        uid = self._uid_base + next(self._uids) % image.UIDS
        return DockerSandbox(self, await self.containers(found, spec.limits, uid), found, uid)

    async def __aenter__(self) -> DockerBackend:
        """Get ready; the daemon is spoken to for the first sandbox."""
        self._tasks = await anyio.create_task_group().__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Remove every container."""
        await self._openings.none()
        for box in tuple(self._boxes):
            self.discard(box)
        try:
            await self._tasks.__aexit__(None, None, None)  # removals shield themselves
        finally:
            await self.paused.close()
            if self._is_connected:
                self._is_connected = False
                self.daemon.close()

    # --- once per backend ----------------------------------------------------------

    async def _connect(self) -> None:
        """See that the daemon answers; the first time also that it has the runtime."""
        async with self._start_lock:
            if self._is_connected:
                await anyio.to_thread.run_sync(self.daemon.require)
                return
            self.daemon = await anyio.to_thread.run_sync(Daemon, self._settings.host)
            runtime = find_runtime(
                self.isolation, self._settings.runtimes.get(self.name), self.daemon.runtimes
            )
            if runtime is None:
                await anyio.to_thread.run_sync(self.daemon.close)
                raise Unsupported(
                    f"the Docker daemon at {self.daemon.address} has no runtime for "
                    f"isolation {self.name!r}; it has {', '.join(sorted(self.daemon.runtimes))}.",
                    hint=self.isolation.fix,
                )
            self._features = DaemonFeatures.of(self.isolation, runtime, self.daemon.info)
            if self.daemon.is_remapped:
                self._uid_base = image.REMAPPED_UID_BASE
            try:
                await anyio.to_thread.run_sync(self._require_guarantees)
            except BaseException:
                self.daemon.close()
                raise
            self._is_connected = True
            self._tasks.start_soon(self._sweep)

    def _require_guarantees(self) -> None:
        """See that everything can be enforced but what may be missing. Blocks.

        The filter goes into the sandbox, where init loads it. A daemon's profile, which is
        coarser, alone will not do: gVisor and virtual machines do not even apply it.

        Raises:
            Unsupported: Something else cannot.
        """
        info = self.daemon.info
        missing = [item for item in doctor.weakenable(info) if not item.holds]
        for item in missing:
            if item.name not in self._allow_weaker:
                raise Unsupported(
                    f"{item.name} cannot be enforced with the Docker daemon at "
                    f"{self.daemon.address}: {item.detail}.",
                    hint=f"{item.fix} To run without it: allow_weaker=({item.name!r},) or "
                    f"'--allow-weaker {item.name}'.",
                    what=item.name,
                )
        self.weakened = tuple(sorted(item.name for item in missing))
        if "seccomp" not in self.weakened:
            self._filter = seccomp.filter_program_for(doctor.machine_of(info))

    async def _sweep(self) -> None:
        """Remove what a drybox of this machine left that is no more."""
        try:
            problems = await anyio.to_thread.run_sync(self.daemon.remove_orphans)
        except DryboxError as error:
            problems = [error.message]
        for problem in problems:
            _log.warning("containers of an earlier drybox could not be removed: %s", problem)

    # --- once per image ------------------------------------------------------------

    async def _image(self, language: Language, version: str) -> SandboxImage:
        key = (language.name, version)
        try:
            # Who wants another language need not wait.
            async with self._image_locks.setdefault(key, anyio.Lock()):
                asked, found = self._images.get(key, (0.0, None))
                if found is None or anyio.current_time() > asked + ANSWER_TTL:
                    found = await self._find_image(language, version)
                    self._images[key] = (anyio.current_time(), found)
                return found
        finally:
            self._image_locks.pop(key, None)  # of versions that clients make up none stays

    async def _find_image(self, language: Language, version: str) -> SandboxImage:
        names = image.source_names(language, version, self._settings.images)
        seen = []
        for name in names:
            source = await anyio.to_thread.run_sync(self.daemon.image, name)
            if source is not None:
                found = await self._derived(language, name, source)
                if image.is_version(found.version, version):
                    for tool in language.toolchain.tools:
                        found = await self._with_tool(found, tool)
                    return found
                seen.append(f"{found.version} in {name}")
        raise image.not_found(language, version, names, seen, self.daemon.address)

    async def _derived(
        self, language: Language, name: str, source: Mapping[str, Any]
    ) -> SandboxImage:
        init = await anyio.to_thread.run_sync(image.read_init, source.get("Architecture"))
        derived = image.built_image_name(source, language, init, self._uid_base)
        found = await anyio.to_thread.run_sync(image.known_image, self.daemon, derived)
        if found is None:
            archive = image.system_archive(
                init, self._uid_base, (item.mount for item in language.toolchain.preparations)
            )
            with self.preparations.begin(language.name, f"Preparing image {name} (once)"):
                await image_build.build_image(
                    self.daemon, self._settings.ryuk, language, name, derived, archive
                )
            found = await anyio.to_thread.run_sync(image.known_image, self.daemon, derived)
        if found is None:
            raise Unavailable(f"image {derived!r} vanished while it was used.", hint="Try again.")
        return found

    async def _with_packages(
        self, language: Language, base: SandboxImage, folder: str
    ) -> SandboxImage:
        """The image with the packages of a folder in it, as they are at this moment."""
        run = anyio.to_thread.run_sync
        async with self._build_image_with_packages_lock:
            key = await run(package_image.fingerprint, folder)
            name = image.package_image_name(base.name, key)
            found = await run(image.known_image, self.daemon, name)
            if found is None:
                installer = language.toolchain.installer
                label = f"Taking packages of {folder} to the daemon (once)"
                with self.preparations.begin(language.name, label):
                    ready = base if installer is None else await self._with_tool(base, installer)
                    words = (self._settings.ryuk, ready.name, name, folder)
                    await image_build.build_image_with_packages(self.daemon, *words)
                await run(image_build.forget_images, self.daemon, package_image.label(folder), key)
                found = await run(image.known_image, self.daemon, name)
        if found is None:
            raise Unavailable(f"image {name!r} vanished while it was used.", hint="Try again.")
        return found

    async def _with_tool(self, base: SandboxImage, tool: Tool) -> SandboxImage:
        """The image with a tool in it."""
        name = image.tool_image_name(base.name, tool)
        if await anyio.to_thread.run_sync(self.daemon.image, name) is None:
            await image_build.build_image_with_tool(
                self.daemon, self._settings.ryuk, tool, base, name
            )
        return replace(base, name=name)

    # --- once per container --------------------------------------------------------

    async def containers(self, found: SandboxImage, limits: ResourceLimits, uid: int) -> Box:
        """A new container with init waiting in it, sealed.

        Raises:
            Unavailable: There is none to be had.
        """
        at_first = limits
        if self.isolation.traits.adjustable:  # every command has its own limits set before it runs
            at_first = replace(limits, pids=max(limits.pids, START_PIDS))
        options = options_of(at_first, self._features, uid, found.etc)
        places = places_of(limits, uid, self.isolation)
        container = Container(self.daemon, found.name, self._settings.ryuk, places, options)
        # A thread that creates a container must be waited for: nobody else knows of it.
        with self._openings.one(), anyio.CancelScope(shield=True):
            try:
                await anyio.to_thread.run_sync(container.start)
                attached, cgroup = await anyio.to_thread.run_sync(
                    self._attach, container.get_container_id(), limits
                )
                stream = await AttachedStream.of(attached)
                box = Box(container, stream, at_first, cgroup)
            except BaseException:
                await self._remove(container)
                raise
            self._boxes.add(box)
        try:
            with anyio.fail_after(OPEN_TIMEOUT):
                await box.seal(self._filter)
        except (GuestGone, TimeoutError) as error:
            self.discard(box)
            raise Unavailable(
                f"the sandbox's container did not start: {box.stream.words or error}",
                hint="Run 'drybox doctor' to see what is missing at the daemon.",
            ) from error
        except BaseException:
            self.discard(box)
            raise
        self._tasks.start_soon(box.hold)
        return box

    def _attach(self, container: str, limits: ResourceLimits) -> tuple[Any, ContainerCgroup]:
        """The streams of a container that runs, and its cgroup. Blocks."""
        cgroup = ContainerCgroup(container, self.daemon.state(container).get("Pid") or 0)
        cgroup.limit_sockets(limits.memory)
        return self.daemon.attach(container), cgroup

    def limit(self, box: Box, limits: ResourceLimits) -> None:
        """Give a container other limits. Blocks.

        Raises:
            Unavailable: The daemon could not.
        """
        words = limits_of(limits, self._features)
        self.daemon.update(
            box.id,
            Memory=words["mem_limit"],
            MemorySwap=words["memswap_limit"],
            NanoCpus=words["nano_cpus"],
            PidsLimit=words["pids_limit"],
        )
        box.cgroup.limit_sockets(limits.memory)
        box.limits = limits

    def discard(self, box: Box) -> None:
        """Have a container removed while the caller goes on."""
        if box in self._boxes:
            self._boxes.discard(box)
            box.hang_up()
            self._tasks.start_soon(self._destroy, box)

    async def _destroy(self, box: Box) -> None:
        with anyio.CancelScope(shield=True):
            await box.stream.aclose()
            await self._remove(box.container)
            self.paused.discard(box.id)

    async def _remove(self, container: Container) -> None:
        try:
            await anyio.to_thread.run_sync(container.discard)
        except DryboxError as error:
            # It has ended, for its streams have; whoever starts next removes what is left.
            _log.warning("a container could not be removed: %s", error.message)
