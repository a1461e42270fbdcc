"""The walls that a container can have: each is a runtime of the daemon's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wall:
    """A wall around a container.

    Attributes:
        name: What ``isolation`` takes.
        runtimes: Names under which a daemon may have its runtime; none for the daemon's own.
        fix: How to give a daemon this runtime.
        own_kernel: Whether programs run on a kernel of the sandbox's own. Its threads count
            with the container's, and its memory belongs to the container's.
        adjustable: Whether the runtime can change the limits of a container that runs.
    """

    name: str
    runtimes: tuple[str, ...] = ()
    fix: str = ""
    own_kernel: bool = False
    adjustable: bool = True


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
            adjustable=False,
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
