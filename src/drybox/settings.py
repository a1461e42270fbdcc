"""Settings of the parts that not everybody has: frozen values, without any import of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DockerSettings:
    """Which daemon, images and runtimes the walls made of containers use.

    Attributes:
        host: Address of the daemon, such as ``ssh://user@host``; None for what ``DOCKER_HOST``,
            the current context or the system's default say.
        images: Images by language, or by language and version: ``python``, ``python@3.13``.
            They may be pinned by digest.
        runtimes: The daemon's names for the runtimes of ``gvisor``, ``kata``, ``firecracker``,
            or of ``docker`` itself.
        ryuk: Whether Testcontainers' Ryuk is to watch over the containers. It needs the daemon's
            socket in a container of its own; drybox does without it.
    """

    host: str | None = None
    images: Mapping[str, str] = field(default_factory=dict)
    runtimes: Mapping[str, str] = field(default_factory=dict)
    ryuk: bool = False
