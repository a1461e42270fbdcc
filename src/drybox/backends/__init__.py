"""What makes sandboxes: one folder a backend, behind ``drybox.protocols.Backend``.

Another package adds its own through the entry point group ``drybox.backends``: a
callable that takes the keyword arguments of :func:`make_backend` and returns a backend.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from importlib.metadata import entry_points

from drybox.backends.docker.probe import may_answer
from drybox.errors import InvalidRequest, Unsupported
from drybox.images import ImageStore
from drybox.languages import find_language
from drybox.protocols import Backend
from drybox.settings import DockerSettings

CONTAINER_WALLS = ("docker", "gvisor", "kata", "firecracker")
"""Walls of the docker backend."""

EVERY_WALL = ("local", *CONTAINER_WALLS)
"""The walls that drybox brings."""

WEAKENABLE = ("memory", "cpus", "pids", "seccomp")
"""What ``allow_weaker`` may name; each wall says in the result which of it was given up."""

AUTO = ("docker", "local")
"""Walls that ``auto`` stands for: the first that can serve a request."""


def is_registered(wall: str) -> bool:
    """Whether another package brings a backend of this name."""
    return bool(entry_points(group="drybox.backends", name=wall))


def make_backend(
    isolation: str,
    *,
    allow_weaker: Iterable[str],
    progress: Callable[[str], None],
    docker: DockerSettings | None = None,
) -> Backend:
    """The backend for a wall; the module behind it is loaded only now.

    Args:
        isolation: The wall's word.
        allow_weaker: Guarantees that may be missing on this host.
        progress: Told before something is prepared that takes seconds.
        docker: Settings of the walls made of containers.

    Raises:
        Unsupported: This installation has no such wall.
        InvalidRequest: ``allow_weaker`` names something that cannot be given up.
    """
    given_up = frozenset(allow_weaker)
    if isolation in EVERY_WALL:
        _check_weakenable(given_up)
    if isolation == "local":
        if sys.platform != "linux":
            raise Unsupported(
                "local sandboxes are made of Linux namespaces; this is no Linux.",
                hint="Run drybox on Linux.",
            )
        from drybox.backends.local.backend import LocalBackend

        return LocalBackend(allow_weaker=given_up, progress=progress)
    if isolation in CONTAINER_WALLS:
        return _container_backend(isolation, docker or DockerSettings(), given_up, progress)
    for point in entry_points(group="drybox.backends", name=isolation):
        backend: Backend = point.load()(allow_weaker=given_up, progress=progress)
        return backend
    raise Unsupported(
        f"isolation {isolation!r} is not in this version of drybox.",
        hint="Use isolation='local'; nothing weaker was used in its place.",
    )


def may_serve(wall: str, docker: DockerSettings | None) -> bool:
    """Whether asking a wall's backend is worth loading it, found out in no time.

    Args:
        wall: The wall's word.
        docker: Settings of the walls made of containers.
    """
    return wall not in CONTAINER_WALLS or may_answer(docker.host if docker else None)


def open_image_store(docker: DockerSettings) -> ImageStore:
    """The images of the daemon that walls of containers use.

    Raises:
        Unsupported: Docker's library is not installed.
        Unavailable: The daemon does not answer.
    """
    try:
        from drybox.backends.docker.store import DockerImageStore
    except ModuleNotFoundError as error:
        raise _not_installed("images", error) from error
    return DockerImageStore(docker)


def _check_weakenable(given_up: frozenset[str]) -> None:
    unknown = sorted(given_up.difference(WEAKENABLE))
    if unknown:
        raise InvalidRequest(
            "allow_weaker",
            f"{unknown[0]!r} cannot be given up",
            hint=f"Use {', '.join(WEAKENABLE)}.",
        )


def _container_backend(
    wall: str,
    settings: DockerSettings,
    given_up: frozenset[str],
    progress: Callable[[str], None],
) -> Backend:
    try:
        from drybox.backends.docker.backend import DockerBackend
    except ModuleNotFoundError as error:
        raise _not_installed(f"isolation {wall!r}", error) from error
    return DockerBackend(wall, settings, allow_weaker=given_up, progress=progress)


def _not_installed(what: str, error: ModuleNotFoundError) -> Unsupported:
    return Unsupported(
        f"{what} needs Testcontainers, which is not installed ({error.name}).",
        hint="Install it: pip install 'drybox[docker]'",
    )


def host_program(name: str, version: str = "") -> str:
    """The program of this host that runs a language's programs in local sandboxes.

    Raises:
        Unsupported: There is none.
        InvalidRequest: There is no such language.
    """
    from drybox.backends.local.toolchain import find_toolchain

    language, _ = find_language(name)
    return find_toolchain(language.name, language.toolchain, version).executable
