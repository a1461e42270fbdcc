"""The docker backend: opens sandboxes that are containers."""

from __future__ import annotations

import itertools
import logging
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from drybox.backends.docker import doctor, image, owner, packages
from drybox.backends.docker.container import START_PIDS, Container, limits_of, options_of, places_of
from drybox.backends.docker.daemon import Daemon
from drybox.backends.docker.derivation import derive, equip, stock
from drybox.backends.docker.image import SandboxImage
from drybox.backends.docker.owner import is_orphan
from drybox.backends.docker.sandbox import Box, DockerSandbox
from drybox.backends.docker.stream import AttachedStream
from drybox.backends.docker.wall import WALLS, Site, find_runtime
from drybox.errors import DryboxError, Unavailable, Unsupported
from drybox.guest import seccomp
from drybox.guest.protocol import GuestGone
from drybox.model import ResourceLimits
from drybox.protocols import Language, SandboxSpec, Support
from drybox.settings import DockerSettings

OPEN_PATIENCE = 30.0
"""Seconds until the init of a container that was started must have answered."""

ANSWER_AGE = 10.0
"""Seconds for which what a daemon said of an image is believed."""

_log = logging.getLogger("drybox.docker")


class DockerBackend:
    """Sandboxes behind one wall of containers.

    Args:
        wall: The wall's word: ``docker``, ``gvisor``, ``kata``, ``firecracker``.
        settings: Which daemon, images and runtimes.
        allow_weaker: Guarantees that may be missing there: of ``drybox.backends.WEAKENABLE``.
        progress: Told what is being prepared when that takes seconds.
    """

    def __init__(
        self,
        wall: str,
        settings: DockerSettings,
        *,
        allow_weaker: Iterable[str] = (),
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.name = wall
        self.wall = WALLS[wall]
        self.daemon: Daemon
        self.weakened: tuple[str, ...] = ()
        self._settings = settings
        self._allow_weaker = frozenset(allow_weaker)
        self._progress = progress
        self._is_connected = False
        self._site: Site
        self._filter = b""
        self._uid_base = image.UID_BASE
        self._images: dict[tuple[str, str], tuple[float, SandboxImage]] = {}
        self._uids = itertools.count(secrets.randbelow(image.UIDS))
        self._boxes: set[Box] = set()
        self._start_lock = anyio.Lock()
        self._stock_lock = anyio.Lock()
        self._tasks: TaskGroup

    async def check(self) -> Support:
        """Say what is guaranteed here and how to mend what is not. Never raises."""
        look = partial(doctor.check, self.wall, self._settings)
        return await anyio.to_thread.run_sync(look)

    async def version(self, language: Language, version: str) -> str:
        """Full version of the toolchain that would run.

        Raises:
            Unsupported: The image has another one than was asked for.
            Unavailable: The daemon does not answer, or does not have the image.
        """
        await self._connect()
        return (await self._image(language, version)).version

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

    async def open(self, spec: SandboxSpec) -> DockerSandbox:
        """Make a sealed, idle sandbox.

        Raises:
            Unsupported: The daemon does not have this wall's runtime, or no such version; or
                packages cannot be had from their folder.
            Unavailable: It does not answer, does not have the image, or refused.
        """
        await self._connect()
        found = await self._image(spec.language, spec.version)
        if spec.package_dir:
            found = await self._stocked(spec.language, found, spec.package_dir)
        uid = self._uid_base + next(self._uids) % image.UIDS
        return DockerSandbox(self, await self.containers(found, spec.limits, uid), found, uid)

    async def __aenter__(self) -> DockerBackend:
        """Get ready; the daemon is spoken to for the first sandbox."""
        self._tasks = await anyio.create_task_group().__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Remove every container."""
        for box in tuple(self._boxes):
            self.discard(box)
        try:
            await self._tasks.__aexit__(None, None, None)  # removals shield themselves
        finally:
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
                self.wall, self._settings.runtimes.get(self.name), self.daemon.runtimes
            )
            if runtime is None:
                await anyio.to_thread.run_sync(self.daemon.close)
                raise Unsupported(
                    f"the Docker daemon at {self.daemon.address} has no runtime for "
                    f"isolation {self.name!r}; it has {', '.join(sorted(self.daemon.runtimes))}.",
                    hint=self.wall.fix,
                )
            self._site = Site.of(self.wall, runtime, self.daemon.info)
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
            for item in await anyio.to_thread.run_sync(self.daemon.sandboxes):
                if is_orphan(item.get("Labels") or {}):
                    await anyio.to_thread.run_sync(self.daemon.remove, item["Id"])
        except DryboxError as error:
            _log.warning("containers of an earlier drybox could not be removed: %s", error.message)

    # --- once per image ------------------------------------------------------------

    async def _image(self, language: Language, version: str) -> SandboxImage:
        key = (language.name, version)
        async with self._start_lock:
            asked, found = self._images.get(key, (0.0, None))
            if found is None or anyio.current_time() > asked + ANSWER_AGE:
                found = await self._find_image(language, version)
                self._images[key] = (anyio.current_time(), found)
            return found

    async def _find_image(self, language: Language, version: str) -> SandboxImage:
        names = image.source_names(language, version, self._settings.images)
        seen = []
        for name in names:
            source = await anyio.to_thread.run_sync(self.daemon.image, name)
            if source is not None:
                found = await self._derived(language, name, source)
                if image.is_version(found.version, version):
                    return found
                seen.append(f"{found.version} in {name}")
        raise image.not_found(language, version, names, seen, self.daemon.address)

    async def _derived(
        self, language: Language, name: str, source: Mapping[str, Any]
    ) -> SandboxImage:
        init = await anyio.to_thread.run_sync(image.read_init, source.get("Architecture"))
        derived = image.derived_name(source, language, init, self._uid_base)
        found = await anyio.to_thread.run_sync(image.known_image, self.daemon, derived)
        if found is None:
            self._progress(f"Preparing image {name} (once)")
            archive = image.system_archive(
                init, self._uid_base, (item.mount for item in language.toolchain.preparations)
            )
            await derive(self.daemon, self._settings.ryuk, language, name, derived, archive)
            found = await anyio.to_thread.run_sync(image.known_image, self.daemon, derived)
        if found is None:
            raise Unavailable(f"image {derived!r} vanished while it was used.", hint="Try again.")
        return found

    async def _stocked(self, language: Language, base: SandboxImage, folder: str) -> SandboxImage:
        """The image with the packages of a folder in it, as they are at this moment."""
        run = anyio.to_thread.run_sync
        async with self._stock_lock:
            key = await run(packages.fingerprint, folder)
            name = image.stocked_name(base.name, key)
            found = await run(image.known_image, self.daemon, name)
            if found is None:
                self._progress(f"Taking packages of {folder} to the daemon (once)")
                ready = await self._equipped(language, base)
                await stock(self.daemon, self._settings.ryuk, ready, name, folder)
                await run(self._forget_packages, packages.label(folder), key)
                found = await run(image.known_image, self.daemon, name)
        if found is None:
            raise Unavailable(f"image {name!r} vanished while it was used.", hint="Try again.")
        return found

    async def _equipped(self, language: Language, base: SandboxImage) -> str:
        """Name of the image in which packages can be installed."""
        installer = language.toolchain.installer
        if installer is None:
            return base.name
        name = image.equipped_name(base.name, installer)
        if await anyio.to_thread.run_sync(self.daemon.image, name) is None:
            await equip(self.daemon, self._settings.ryuk, installer, base, name)
        return name

    def _forget_packages(self, label: str, key: str) -> None:
        """Remove images of what a folder held before; those that are in use stay. Blocks."""
        try:
            for item in self.daemon.images():
                if (item.get("Labels") or {}).get(owner.PACKAGES) == label:
                    for tag in item.get("RepoTags") or ():
                        if not tag.endswith(f"-{key}"):
                            self.daemon.remove_image(tag)
        except DryboxError as error:
            _log.warning("images of older packages could not be removed: %s", error.message)

    # --- once per container --------------------------------------------------------

    async def containers(self, found: SandboxImage, limits: ResourceLimits, uid: int) -> Box:
        """A new container with init waiting in it, sealed.

        Raises:
            Unavailable: There is none to be had.
        """
        at_first = limits
        if self.wall.adjustable:  # every command has its own limits set before it runs
            at_first = replace(limits, pids=max(limits.pids, START_PIDS))
        options = options_of(at_first, self._site, uid, found.etc)
        places = places_of(limits, uid, self.wall)
        container = Container(self.daemon, found.name, self._settings.ryuk, places, options)
        # A thread that creates a container must be waited for: nobody else knows of it.
        with anyio.CancelScope(shield=True):
            try:
                await anyio.to_thread.run_sync(container.start)
                attached = await anyio.to_thread.run_sync(
                    self.daemon.attach, container.get_container_id()
                )
                box = Box(container, await AttachedStream.of(attached), at_first)
            except BaseException:
                await self._remove(container)
                raise
            self._boxes.add(box)
        try:
            with anyio.fail_after(OPEN_PATIENCE):
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

    def limit(self, box: Box, limits: ResourceLimits) -> None:
        """Give a container other limits. Blocks.

        Raises:
            Unavailable: The daemon could not.
        """
        words = limits_of(limits, self._site)
        self.daemon.update(
            box.id,
            Memory=words["mem_limit"],
            MemorySwap=words["memswap_limit"],
            NanoCpus=words["nano_cpus"],
            PidsLimit=words["pids_limit"],
        )
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

    async def _remove(self, container: Container) -> None:
        try:
            await anyio.to_thread.run_sync(container.discard)
        except DryboxError as error:
            # It has ended, for its streams have; whoever starts next removes what is left.
            _log.warning("a container could not be removed: %s", error.message)
