"""An image with an environment in it, or with what sessions' kernels consist of.

It is made once for each content, and taken to the daemon.
"""

from __future__ import annotations

from dataclasses import replace

import anyio
import anyio.to_thread

from drybox.backends.docker.daemon import Daemon
from drybox.backends.docker.images import image, package_image
from drybox.backends.docker.images.image import SandboxImage
from drybox.backends.docker.images.image_build import build_image_with_packages
from drybox.backends.preparations import Preparations
from drybox.environments.environment import BuiltEnvironment
from drybox.errors import Unavailable
from drybox.job import ENVIRONMENT_DIR, KERNEL_DIR
from drybox.languages.base import EnvironmentLanguage, Language


class EnvironmentImages:
    """The images of a backend that have environments or kernels in them.

    Args:
        ryuk: Whether Testcontainers' Ryuk is to watch over containers.
        preparations: Hears of one that is made.
    """

    def __init__(self, ryuk: bool, preparations: Preparations) -> None:
        self._ryuk = ryuk
        self._preparations = preparations
        self._names: dict[tuple[str, str], str] = {}
        self._lock = anyio.Lock()

    async def add(
        self,
        daemon: Daemon,
        language: Language,
        base: SandboxImage,
        environment: BuiltEnvironment,
    ) -> SandboxImage:
        """The image with an environment in it.

        Args:
            daemon: Where.
            language: The environment's language.
            base: The image of that language.
            environment: The environment, whose content never changes.

        Raises:
            Unsupported: The environment cannot be read.
            Unavailable: It could not be made.
        """
        found = await self._add(
            *(daemon, language, base, environment.digest, environment.folder, ENVIRONMENT_DIR),
            label="Taking the environment to the daemon (once)",
        )
        assert isinstance(language, EnvironmentLanguage), "none is built of others"
        words = (f"{ENVIRONMENT_DIR}/{word}" for word in language.environments.path)
        return replace(found, path=":".join((*words, found.path)))

    async def add_kernel(
        self, daemon: Daemon, language: Language, base: SandboxImage, folder: str
    ) -> SandboxImage:
        """The image with what sessions' kernels consist of.

        Args:
            daemon: Where.
            language: The session's language.
            base: The image of that language, with its environment if it has one.
            folder: The folder on this machine, whose content never changes.

        Raises:
            Unsupported: The folder cannot be read.
            Unavailable: It could not be made.
        """
        found = await self._add(
            *(daemon, language, base, folder, folder, KERNEL_DIR),
            label="Taking the kernels of sessions to the daemon (once)",
        )
        return replace(found, path=base.path)

    async def _add(
        self,
        daemon: Daemon,
        language: Language,
        base: SandboxImage,
        content: str,
        folder: str,
        place: str,
        label: str,
    ) -> SandboxImage:
        """The image with a folder in it, which a word for its content names."""
        run, known = anyio.to_thread.run_sync, (base.name, content)
        async with self._lock:
            name = self._names.get(known, "")
            found = await run(image.known_image, daemon, name) if name else None
            if found is None:
                key = await run(package_image.fingerprint, folder)
                name = image.package_image_name(base.name, key)
                found = await run(image.known_image, daemon, name)
            if found is None:
                with self._preparations.begin(language.name, label):
                    await build_image_with_packages(
                        daemon, self._ryuk, base.name, name, folder, place
                    )
                found = await run(image.known_image, daemon, name)
            if found is None:
                raise Unavailable(f"image {name!r} vanished while it was used.", hint="Try again.")
            self._names[known] = name
            return found
