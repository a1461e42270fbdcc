"""What a sandbox sees of the host: read-only mounts, as pure data, and bubblewrap's arguments."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from drybox.model import File
from drybox.protocols import WORK_DIR

INIT = "/drybox-init"
"""Where init is inside; it is PID 1, so the program sees its name in /proc/1/comm."""

UID = 1000
SYSTEM_FOLDERS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
"""Top folders that hold programs and libraries; links into /usr on most systems."""

SHARED = (
    "/usr/bin",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/share/zoneinfo",
    "/etc/ld.so.cache",
    "/etc/alternatives",
    "/nix/store",
)
"""What every sandbox sees of the host where it exists: programs, libraries, time zones.
Not /usr/local, /opt or the rest of /usr, which hold what the host's owner put there."""

DEVICES = ("null", "zero", "full", "random", "urandom")

SYSTEM_FILES = (
    File(
        "/etc/passwd",
        b"root:x:0:0:root:/:/usr/sbin/nologin\n"
        b"sandbox:x:1000:1000:sandbox:/sandbox:/bin/sh\n"
        b"nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
    ),
    File("/etc/group", b"root:x:0:\nsandbox:x:1000:\nnogroup:x:65534:\n"),
    File("/etc/hosts", b"127.0.0.1\tlocalhost sandbox\n::1\tlocalhost sandbox\n"),
    File("/etc/hostname", b"sandbox\n"),
    File("/etc/nsswitch.conf", b"passwd: files\ngroup: files\nhosts: files\n"),
    File("/etc/resolv.conf", b""),
)
"""The sandbox's own files; init writes them before it seals the root."""

BASE_ENV: Mapping[str, str] = {"HOME": WORK_DIR, "LANG": "C.UTF-8"}


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or folder of the host and where a sandbox sees it, read-only."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Layout:
    """What one kind of sandbox sees.

    Attributes:
        mounts: Beside the system's own folders.
        masks: Folders shown empty.
        links: Symbolic links by path.
        path: Folders of programs, first to last.
    """

    mounts: tuple[Mount, ...] = ()
    masks: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    path: tuple[str, ...] = ()

    @property
    def env(self) -> dict[str, str]:
        """The environment that every program starts from."""
        return {"PATH": ":".join((*self.path, "/usr/bin", "/bin")), **BASE_ENV}


def system_arguments() -> list[str]:
    """Arguments that show the system's programs and libraries. Looks at the host."""
    arguments = []
    for path in SHARED:
        if os.path.exists(path):
            arguments += ["--ro-bind", path, path]
    for name in SYSTEM_FOLDERS:
        path = f"/{name}"
        if os.path.islink(path):
            arguments += ["--symlink", os.readlink(path).removeprefix("/"), path]
        elif os.path.isdir(path):
            arguments += ["--ro-bind", path, path]
    for name in DEVICES:
        arguments += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    for name, target in (
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ):
        arguments += ["--symlink", target, f"/dev/{name}"]
    arguments += ["--symlink", "/tmp", "/var/tmp", "--symlink", "/proc/self/mounts", "/etc/mtab"]
    return [*arguments, "--symlink", "/usr/share/zoneinfo/UTC", "/etc/localtime"]


def layout_arguments(layout: Layout) -> list[str]:
    """Arguments that show what a layout adds."""
    arguments = []
    for mount in layout.mounts:
        arguments += ["--ro-bind", mount.source, mount.target]
    for mask in layout.masks:
        arguments += ["--tmpfs", mask, "--remount-ro", mask]
    for path, target in layout.links.items():
        arguments += ["--symlink", target, path]
    return arguments


def namespace_arguments() -> list[str]:
    """Arguments that give a sandbox namespaces, a user and a life bound to its starter's."""
    arguments = [f"--unshare-{kind}" for kind in ("user", "pid", "net", "ipc", "uts", "cgroup")]
    arguments += ["--uid", str(UID), "--gid", str(UID), "--hostname", "sandbox"]
    return [*arguments, "--die-with-parent", "--new-session", "--proc", "/proc"]


def sandbox_arguments(bwrap: str, init: str, system: list[str], layout: Layout) -> list[str]:
    """The whole command line of a sandbox.

    bubblewrap leaves init two capabilities within the sandbox's own user namespace: to
    mount the writable places and to drop everything, itself included, before any user
    data comes in. See ``seal`` in ``guest/init.c``.

    Args:
        bwrap: Path of bubblewrap.
        init: Path of the init binary on the host.
        system: Result of :func:`system_arguments`.
        layout: What else it sees.
    """
    return [
        bwrap,
        *namespace_arguments(),
        "--as-pid-1",
        *("--cap-drop", "ALL", "--cap-add", "CAP_SYS_ADMIN", "--cap-add", "CAP_SETPCAP"),
        *("--setenv", "PATH", layout.env["PATH"]),
        *system,
        *layout_arguments(layout),
        *("--ro-bind", init, INIT, "--chdir", "/", INIT),
    ]
