"""The walls that a container can have: each is a runtime of the daemon's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KERNEL_PIDS = 192
"""Threads that a kernel of the sandbox's own may have on its host beside the program's."""

KERNEL_MEMORY = 64 * 1024 * 1024
"""Bytes that such a kernel may need for itself."""


@dataclass(frozen=True, slots=True)
class Wall:
    """A wall around a container.

    Attributes:
        name: What ``isolation`` takes.
        runtimes: Names under which a daemon may have its runtime; none for the daemon's own.
        fix: How to give a daemon this runtime.
        own_kernel: Whether programs run on a kernel of the sandbox's own. Its threads count
            with the container's, and its memory belongs to the container's.
        mapped: Bytes of a process's memory, as its own kernel tells it, that may be files which
            it has only mapped. A JVM that does nothing shows 184 MiB under gVisor, of which 16 MiB
            count under Linux; one that has used up its heap shows that much more than its heap.
        adjustable: Whether the runtime can change the limits of a container that runs.
        devices: Folders of devices that its kernel brings along and no program needs.
    """

    name: str
    runtimes: tuple[str, ...] = ()
    fix: str = ""
    own_kernel: bool = False
    mapped: int = 0
    adjustable: bool = True
    devices: tuple[str, ...] = ()


WALLS: Mapping[str, Wall] = {
    wall.name: wall
    for wall in (
        Wall("docker"),
        Wall(
            "gvisor",
            ("runsc",),
            "Install gVisor's runsc (Debian: 'apt install runsc'), run 'sudo runsc install' and "
            "restart the Docker daemon.",
            own_kernel=True,
            mapped=160 * 1024 * 1024,
            adjustable=False,
            devices=("/dev/net",),
        ),
        Wall(
            "kata",
            ("kata", "kata-runtime", "io.containerd.kata.v2"),
            "Install Kata Containers, add its runtime to the daemon's 'runtimes' and restart the "
            "Docker daemon.",
            own_kernel=True,
            adjustable=False,
        ),
        Wall(
            "firecracker",
            ("kata-fc", "io.containerd.kata-fc.v2"),
            "Install Kata Containers with Firecracker, add the runtime 'kata-fc' to the daemon's "
            "'runtimes' and restart the Docker daemon.",
            own_kernel=True,
            adjustable=False,
        ),
    )
}


def find_runtime(wall: Wall, configured: str | None, known: frozenset[str]) -> str | None:
    """Name of the runtime to ask the daemon for; "" for its own one.

    Args:
        wall: The wall asked for.
        configured: Name that the configuration gives this wall's runtime, or None.
        known: Names of the runtimes that the daemon has.

    Returns:
        None if the daemon has none of that wall's.
    """
    if configured is not None:
        # A daemon starts containerd's shims by their full name, and does not list them.
        is_shim = configured.startswith("io.containerd.") and configured.count(".") >= 3
        return configured if configured in known or is_shim else None
    if not wall.runtimes:
        return ""
    return next((name for name in wall.runtimes if name in known), None)


@dataclass(frozen=True, slots=True)
class Site:
    """What all containers behind a wall at one daemon have in common.

    Attributes:
        wall: The wall.
        runtime: The daemon's name for what makes it; "" for its own runtime.
        cpus: CPUs of the daemon's machine, more than which it does not give.
        own_loopback: Whether a container has its loopback though the daemon has not set up a
            network for it.
        filters: Whether the daemon takes a seccomp profile.
    """

    wall: Wall
    runtime: str
    cpus: int
    own_loopback: bool
    filters: bool

    @classmethod
    def of(cls, wall: Wall, runtime: str, info: Mapping[str, Any]) -> Site:
        """What a daemon says of itself, as far as its containers are concerned.

        Args:
            wall: The wall.
            runtime: Name of its runtime.
            info: What the daemon says.
        """
        name = runtime or str(info.get("DefaultRuntime"))
        own_loopback = name in ("runc", "io.containerd.runc.v2")
        if wall.own_kernel:
            options = ((info.get("Runtimes") or {}).get(name) or {}).get("runtimeArgs")
            own_loopback = "network=none" in {word.lstrip("-") for word in options or ()}
        cpus = int(info.get("NCPU") or 1)
        return cls(wall, runtime, cpus, own_loopback, takes_filters(info))


def takes_filters(info: Mapping[str, Any]) -> bool:
    """Whether a daemon, by what it says of itself, puts filters on its containers' calls."""
    return any("name=seccomp" in item for item in info.get("SecurityOptions") or ())
