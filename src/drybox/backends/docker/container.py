"""The container of one sandbox: its settings as data, and its life cycle by Testcontainers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from docker.types import Ulimit
from testcontainers.core.container import DockerContainer, Reaper
from testcontainers.core.labels import create_labels

from drybox.backends.docker import labels as docker_labels
from drybox.backends.docker.daemon import Daemon, spoken_to
from drybox.backends.docker.runtime import KERNEL_MEMORY, KERNEL_PIDS, DaemonFeatures, Runtime
from drybox.backends.docker.seccomp_profile import profile
from drybox.backends.docker.tunnels.connections import direct
from drybox.job import BUILD_DIR, WORK_DIR
from drybox.model import ResourceLimits

INIT = "/drybox-init"
"""Where a derived image has init."""

PLACES = {WORK_DIR: 0o755, BUILD_DIR: 0o755, "/tmp": 0o1777, "/dev/shm": 0o1777}
"""The writable places and their modes; each has the whole of ``limits.disk``, and all of them
count as memory, which bounds them together."""

CLOSED = (
    *("/dev/mqueue", "/sys/block", "/sys/bus", "/sys/class", "/sys/dev", "/sys/devices"),
    *("/sys/kernel", "/sys/module"),
)
"""What a daemon gives and no program needs: room for messages, and what the kernel tells of the
host's devices. An empty folder that nobody may write stands in for each. Init needs the rest of
``/sys``: the sandbox's own cgroup."""

INODE_BYTES = 4096
"""One file, folder or link may exist for so many bytes of disk, but 1024 always."""

OWN_PIDS = 1
"""Processes in the container that are not the program's: init."""

START_PIDS = 16
"""Processes that a container has room for until init is in it: the daemon's runtime, whose threads
count until then, ends now and then where it has less (runc is a program in Go)."""

MIN_MEMORY = 6 * 1024 * 1024
"""The least that a daemon accepts."""


def limits_of(limits: ResourceLimits, features: DaemonFeatures) -> dict[str, Any]:
    """The daemon's words for limits.

    Args:
        limits: What the program may have.
        features: Where it runs.
    """
    own_kernel = features.isolation.traits.own_kernel
    memory = max(limits.memory + (KERNEL_MEMORY if own_kernel else 0), MIN_MEMORY)
    return {
        "mem_limit": memory,
        "memswap_limit": memory,
        "nano_cpus": math.ceil(min(limits.cpus, features.cpus) * 1e9),
        "pids_limit": limits.pids + OWN_PIDS + (KERNEL_PIDS if own_kernel else 0),
    }


def options_of(
    limits: ResourceLimits, features: DaemonFeatures, uid: int, etc: str
) -> dict[str, Any]:
    """Everything a sandbox's container is made with.

    Args:
        limits: What holds from the start.
        features: Where it runs.
        uid: User and group of everything in it.
        etc: The volume that is its ``/etc``.
    """
    security = ["no-new-privileges:true"]
    if features.filters:
        security.append(f"seccomp={profile()}")
    return {
        **limits_of(limits, features),
        "entrypoint": [INIT],
        "stdin_open": True,
        "stop_signal": "SIGKILL",  # init hears nothing else; a daemon that stops would wait for it
        "user": f"{uid}:{uid}",
        "network": "none",
        # A namespace with a loopback and nothing else is the runtime's own work. A daemon that is
        # to do it starts itself once more for each container, a third of the whole start.
        "network_disabled": features.own_loopback,
        "dns": ["127.0.0.1"],  # else a container is told the host's
        "hostname": "sandbox",
        "cgroupns": "private",
        "ipc_mode": "none",  # its own, and /dev/shm is among the places
        "read_only": True,
        "volumes": {etc: {"bind": "/etc", "mode": "ro"}},
        "cap_drop": ["ALL"],
        "security_opt": security,
        "log_config": {"type": "none"},  # else the program could fill the host's disk
        "working_dir": "/",
        "oom_kill_disable": False,
        # The one limit that also stops a core_pattern that is a pipe: see seal.c in guest/init.
        "ulimits": [Ulimit(name="core", soft=1, hard=1)],
        **({"runtime": features.runtime} if features.runtime else {}),
    }


def places_of(limits: ResourceLimits, uid: int, isolation: Runtime) -> dict[str, str]:
    """Options of the mounts of the writable places, and of what is closed with an isolation."""
    inodes = max(1024, limits.disk // INODE_BYTES)
    return dict.fromkeys((*CLOSED, *isolation.devices), "ro,size=4k,mode=0555") | {
        path: f"rw,exec,nosuid,nodev,size={limits.disk},nr_inodes={inodes},"
        f"mode={mode:o},uid={uid},gid={uid}"
        for path, mode in PLACES.items()
    }


class Container(DockerContainer):
    """A container that Testcontainers starts and removes.

    Args:
        daemon: Where.
        image: Name of a derived image.
        ryuk: Whether Testcontainers' Ryuk is to watch over it.
        places: Options of its tmpfs mounts, by path.
        options: See :func:`options_of`.
    """

    def __init__(
        self,
        daemon: Daemon,
        image: str,
        ryuk: bool,
        places: Mapping[str, str],
        options: Mapping[str, Any],
    ) -> None:
        super().__init__(image, docker_client_kw=daemon.client_options)
        direct(self.get_docker_client().client)
        self.image = image  # Testcontainers' prefix is for images of registries
        self.tmpfs = dict(places)
        self.with_kwargs(**options)
        self._daemon = daemon
        self._ryuk = ryuk
        self._name_label = docker_labels.new_name()
        self._kwargs["labels"] = create_labels(image, docker_labels.labels(self._name_label))

    def create(self) -> None:
        """Create it, without starting it.

        Raises:
            Unavailable: The daemon does not answer, or refused.
        """
        with spoken_to(self._daemon.address):
            # Testcontainers' own start() starts Ryuk too, unless its process-wide settings,
            # which are not ours to change, say otherwise.
            if self._ryuk:
                Reaper.get_instance()
            # Its create() would have the daemon fetch an image of that name, if this one is gone.
            containers = self.get_docker_client().client.containers
            self._container = containers.create(self.image, tmpfs=self.tmpfs, **self._kwargs)

    def start(self) -> Container:
        """Start it; create it first where that has not been done.

        Raises:
            Unavailable: The daemon does not answer, or refused.
        """
        if self._container is None:
            self.create()
        with spoken_to(self._daemon.address):
            self.get_docker_client().start(self._container)
        return self

    def discard(self) -> None:
        """Remove it, running or not.

        Raises:
            Unavailable: The daemon does not answer.
        """
        docker_labels.forget(self._name_label)
        if self._container is not None:
            self._daemon.remove(self.get_container_id())
        self.get_docker_client().client.close()
