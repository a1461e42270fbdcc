"""The isolations of containers: each is a runtime of the daemon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drybox.backends.isolation import ISOLATIONS, Isolation

KERNEL_PIDS = 192
"""Threads that a kernel of the sandbox's own may have on its host beside the program's."""

KERNEL_MEMORY = 64 * 1024 * 1024
"""Bytes that such a kernel may need for itself."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """One isolation of containers, by the runtime that makes it.

    Attributes:
        traits: What the isolation is and can do. The threads of a kernel of its own count with the
            container's, and its memory belongs to the container's.
        runtimes: Names under which a daemon may have its runtime; none for the daemon's own.
        fix: How to give a daemon this runtime.
        mapped: Bytes of a process's memory, as its own kernel tells it, that may be files which
            it has only mapped. A JVM that does nothing shows 184 MiB under gVisor, of which 16 MiB
            count under Linux; one that has used up its heap shows that much more than its heap.
        devices: Folders of devices that its kernel brings along and no program needs.
    """

    traits: Isolation
    runtimes: tuple[str, ...] = ()
    fix: str = ""
    mapped: int = 0
    devices: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What ``isolation`` takes."""
        return self.traits.name


RUNTIMES: Mapping[str, Runtime] = {
    isolation.name: isolation
    for isolation in (
        Runtime(ISOLATIONS["docker"]),
        Runtime(
            ISOLATIONS["gvisor"],
            ("runsc",),
            "Install gVisor's runsc (Debian: 'apt install runsc'), run 'sudo runsc install' and "
            "restart the Docker daemon.",
            mapped=160 * 1024 * 1024,
            devices=("/dev/net",),
        ),
        Runtime(
            ISOLATIONS["kata"],
            ("kata", "kata-runtime", "io.containerd.kata.v2"),
            "Install Kata Containers, add its runtime to the daemon's 'runtimes' and restart the "
            "Docker daemon.",
        ),
        Runtime(
            ISOLATIONS["firecracker"],
            ("kata-fc", "io.containerd.kata-fc.v2"),
            "Install Kata Containers with Firecracker, add the runtime 'kata-fc' to the daemon's "
            "'runtimes' and restart the Docker daemon.",
        ),
    )
}


def find_runtime(isolation: Runtime, configured: str | None, known: frozenset[str]) -> str | None:
    """Name of the runtime to ask the daemon for; "" for its own one.

    Args:
        isolation: The isolation asked for.
        configured: Name that the configuration gives this isolation's runtime, or None.
        known: Names of the runtimes that the daemon has.

    Returns:
        None if the daemon has none of that isolation's.
    """
    if configured is not None:
        # A daemon starts containerd's shims by their full name, and does not list them.
        is_shim = configured.startswith("io.containerd.") and configured.count(".") >= 3
        return configured if configured in known or is_shim else None
    if not isolation.runtimes:
        return ""
    return next((name for name in isolation.runtimes if name in known), None)


@dataclass(frozen=True, slots=True)
class DaemonFeatures:
    """What all containers with an isolation at one daemon have in common.

    Attributes:
        isolation: Its name.
        runtime: The daemon's name for what makes it; "" for its own runtime.
        cpus: CPUs of the daemon's machine, more than which it does not give.
        own_loopback: Whether a container has its loopback though the daemon has not set up a
            network for it.
        filters: Whether the daemon takes a seccomp profile.
    """

    isolation: Runtime
    runtime: str
    cpus: int
    own_loopback: bool
    filters: bool

    @classmethod
    def of(cls, isolation: Runtime, runtime: str, info: Mapping[str, Any]) -> DaemonFeatures:
        """What a daemon says of itself, as far as its containers are concerned.

        Args:
            isolation: Its name.
            runtime: Name of its runtime.
            info: What the daemon says.
        """
        name = runtime or str(info.get("DefaultRuntime"))
        own_loopback = name in ("runc", "io.containerd.runc.v2")
        if isolation.traits.own_kernel:
            options = ((info.get("Runtimes") or {}).get(name) or {}).get("runtimeArgs")
            own_loopback = "network=none" in {word.lstrip("-") for word in options or ()}
        cpus = int(info.get("NCPU") or 1)
        return cls(isolation, runtime, cpus, own_loopback, takes_filters(info))


def takes_filters(info: Mapping[str, Any]) -> bool:
    """Whether a daemon, by what it says of itself, puts filters on its containers' calls."""
    return any("name=seccomp" in item for item in info.get("SecurityOptions") or ())
