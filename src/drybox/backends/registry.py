"""The list of backends and of the isolations that each provides.

Another package adds its own through the entry point group ``drybox.backends``: a
callable that takes the keyword arguments of :func:`make_backend` and returns a backend.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from drybox.backends.base import Backend
from drybox.backends.docker.probe import may_answer
from drybox.backends.isolation import ISOLATIONS
from drybox.errors import InvalidRequest, Unsupported
from drybox.languages.entry_points import entry_points
from drybox.languages.registry import find_language
from drybox.settings import DockerSettings

if TYPE_CHECKING:
    from drybox.backends.images import ImageStore

CONTAINER_ISOLATIONS = tuple(
    name for name, isolation in ISOLATIONS.items() if isolation.provider == "docker"
)
"""Isolations of the docker backend."""

BUILT_IN_ISOLATIONS = tuple(ISOLATIONS)
"""The isolations that drybox brings."""

WEAKENABLE = ("memory", "cpus", "pids", "seccomp", "inodes")
"""What ``allow_weaker`` may name; each isolation says in the result which of it was given up."""

AUTO = ("docker", "local")
"""Isolations that ``auto`` stands for: the first that can serve a request."""


def backend_of(isolation: str) -> str:
    """The word of the backend that makes an isolation's sandboxes: ``local``, ``docker``."""
    return ISOLATIONS[isolation].provider if isolation in ISOLATIONS else isolation


def is_registered(isolation: str) -> bool:
    """Whether another package brings a backend of this name.

    Every request that names no isolation of drybox's own asks this, and to look costs milliseconds.
    """
    return isolation in _advertised(tuple(sys.path))


@lru_cache(maxsize=4)
def _advertised(path: tuple[str, ...]) -> frozenset[str]:
    """Names of the backends that installed packages bring."""
    return frozenset(point.name for point in entry_points("drybox.backends"))


def check_weaker(words: Iterable[str], field: str = "allow_weaker") -> frozenset[str]:
    """Guarantees that may be missing, each one that some backend can do without.

    Args:
        words: Their names, several in one with commas.
        field: What to call them where one is wrong.

    Raises:
        InvalidRequest: One of them cannot be given up.
    """
    given = (word.strip() for item in words for word in item.split(","))
    given_up = frozenset(filter(None, given))
    unknown = sorted(given_up.difference(WEAKENABLE))
    if unknown and not entry_points("drybox.backends"):  # another package's has its own words
        raise _cannot_be_given_up(unknown[0], field)
    return given_up


def make_backend(
    isolation: str,
    *,
    allow_weaker: Iterable[str],
    progress: Callable[[str], None],
    docker: DockerSettings | None = None,
) -> Backend:
    """The backend for an isolation; the module behind it is loaded only now.

    Args:
        isolation: The isolation's name.
        allow_weaker: Guarantees that may be missing on this host.
        progress: Told before something is prepared that takes seconds.
        docker: Settings of the container isolations.

    Raises:
        Unsupported: This installation has no such isolation.
        InvalidRequest: ``allow_weaker`` names something that cannot be given up.
    """
    given_up = frozenset(allow_weaker)
    if isolation in ISOLATIONS:
        unknown = sorted(given_up.difference(WEAKENABLE))
        if unknown:
            raise _cannot_be_given_up(unknown[0])
        make = PROVIDERS[ISOLATIONS[isolation].provider].make
        return make(isolation, docker or DockerSettings(), given_up, progress)
    for point in entry_points("drybox.backends"):
        if point.name == isolation:
            backend: Backend = point.load()(allow_weaker=given_up, progress=progress)
            return backend
    raise Unsupported(
        f"isolation {isolation!r} is not in this version of drybox.",
        hint="Use isolation='local'; nothing weaker was used in its place.",
    )


def may_serve(isolation: str, docker: DockerSettings | None) -> bool:
    """Whether asking an isolation's backend is worth loading it, found out in no time.

    Args:
        isolation: The isolation's name.
        docker: Settings of the container isolations.
    """
    return isolation not in ISOLATIONS or PROVIDERS[ISOLATIONS[isolation].provider].may_serve(
        docker
    )


def open_image_store(docker: DockerSettings) -> ImageStore:
    """The images of the daemon that container isolations use.

    Raises:
        Unsupported: Docker's library is not installed.
        Unavailable: The daemon does not answer.
    """
    try:
        from drybox.backends.docker.images.image_store import DockerImageStore
    except ModuleNotFoundError as error:
        raise _not_installed("images", error) from error
    return DockerImageStore(docker)


def _cannot_be_given_up(word: str, field: str = "allow_weaker") -> InvalidRequest:
    return InvalidRequest(
        field, f"{word!r} cannot be given up", hint=f"Use {', '.join(WEAKENABLE)}."
    )


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
    from drybox.backends.local.rootfs.toolchain import find_toolchain

    language, _ = find_language(name)
    return find_toolchain(language.name, language.toolchain, version).executable


def _make_local(
    isolation: str,
    settings: DockerSettings,
    given_up: frozenset[str],
    progress: Callable[[str], None],
) -> Backend:
    if sys.platform != "linux":
        raise Unsupported(
            "local sandboxes are made of Linux namespaces; this is not Linux.",
            hint="Run drybox on Linux.",
        )
    from drybox.backends.local.backend import LocalBackend

    return LocalBackend(allow_weaker=given_up, progress=progress)


def _make_docker(
    isolation: str,
    settings: DockerSettings,
    given_up: frozenset[str],
    progress: Callable[[str], None],
) -> Backend:
    try:
        from drybox.backends.docker.backend import DockerBackend
    except ModuleNotFoundError as error:
        raise _not_installed(f"isolation {isolation!r}", error) from error
    return DockerBackend(isolation, settings, allow_weaker=given_up, progress=progress)


@dataclass(frozen=True, slots=True)
class Provider:
    """A backend that drybox brings.

    Attributes:
        make: Makes it, for the isolation of a name; what it needs is loaded only then.
        may_serve: Whether it is worth loading with these settings, found out in no time.
    """

    make: Callable[[str, DockerSettings, frozenset[str], Callable[[str], None]], Backend]
    may_serve: Callable[[DockerSettings | None], bool] = lambda _: True


PROVIDERS: Mapping[str, Provider] = {
    "local": Provider(_make_local),
    "docker": Provider(_make_docker, lambda docker: may_answer(docker.host if docker else None)),
}
"""The backends by the words that :data:`drybox.backends.isolation.ISOLATIONS` names them by."""
