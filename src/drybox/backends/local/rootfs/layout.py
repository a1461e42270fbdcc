"""What a sandbox sees of the host: read-only mounts, as pure data, and bubblewrap's arguments."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from drybox.job import ENVIRONMENT_DIR, WORK_DIR, File
from drybox.languages.base import EnvironmentForm

UNSHARE_NET = "--unshare-net"
"""With it bubblewrap makes the network namespace; without, whoever starts it must have, or the
spawner refuses to."""

INIT = "/drybox-init"
"""Where init is inside; it is PID 1, so the program sees its name in /proc/1/comm."""

INIT_CAPABILITIES = ("CAP_SYS_ADMIN", "CAP_SYS_RESOURCE", "CAP_SETFCAP")

TEMPLATE_CAPABILITIES = ("CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SETPCAP")
"""What init has beside those in a template: to join namespaces, and to give up the others."""

SYSTEM_FOLDERS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
"""Top folders that hold programs and libraries; links into /usr on most systems."""

SHARED = (
    "/usr/bin",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/share/zoneinfo",
    "/etc/alternatives",
    "/nix/store",
)
"""What every sandbox sees of the host where it exists: programs, libraries, time zones.
Not /usr/local, /opt or the rest of /usr, which hold what the host's owner put there."""

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")

_SERVICES = (
    "echo 7; discard 9 sink null; daytime 13; ftp-data 20; ftp 21; ssh 22; telnet 23; "
    "smtp 25 mail; time 37 timserver; domain 53; bootps 67; bootpc 68; tftp 69; gopher 70; "
    "finger 79; http 80 www; kerberos 88 kerberos5 krb5; pop3 110 pop-3; "
    "sunrpc 111 portmapper; nntp 119; ntp 123; imap2 143 imap; snmp 161; "
    "snmp-trap 162 snmptrap; irc 194; ldap 389; https 443; microsoft-ds 445; "
    "submissions 465 smtps; syslog 514; printer 515 spooler; submission 587; ldaps 636; "
    "domain-s 853; rsync 873; imaps 993; pop3s 995; socks 1080; openvpn 1194; ms-sql-s 1433; "
    "mqtt 1883; nfs 2049; mysql 3306; ms-wbt-server 3389; svn 3690; sip 5060; sip-tls 5061; "
    "xmpp-client 5222; mdns 5353; postgresql 5432 postgres; amqps 5671; amqp 5672; x11 6000; "
    "redis 6379; http-alt 8080 webcache; git 9418; memcached 11211; "
)
"""IANA's names and ports of what is used today, with aliases that most systems have."""

_PROTOCOLS = (
    "ip 0 IP; icmp 1 ICMP; igmp 2 IGMP; ipencap 4 IP-ENCAP; tcp 6 TCP; udp 17 UDP; "
    "ipv6 41 IPv6; gre 47 GRE; esp 50 IPSEC-ESP; ah 51 IPSEC-AH; ipv6-icmp 58 IPv6-ICMP; "
    "ospf 89 OSPFIGP; sctp 132 SCTP; udplite 136 UDPLite; "
)


def _services() -> bytes:
    """What a program looks names of services up in."""
    lines = []
    for words in map(str.split, _SERVICES.split(";")[:-1]):
        name, port, *aliases = words
        lines += [" ".join((name, f"{port}/{kind}", *aliases)) for kind in ("tcp", "udp")]
    return "".join(f"{line}\n" for line in lines).encode()


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
    File(
        "/etc/nsswitch.conf",
        b"passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n",
    ),
    File("/etc/resolv.conf", b""),
    # There are no fonts but programs' own; without this they would be told of an error.
    File(
        "/etc/fonts/fonts.conf",
        b'<?xml version="1.0"?>\n<fontconfig>\n  <dir>/usr/share/fonts</dir>\n'
        b"  <cachedir>/tmp/fontconfig</cachedir>\n</fontconfig>\n",
    ),
    File("/etc/services", _services()),
    File("/etc/protocols", _PROTOCOLS.replace("; ", "\n").encode()),
)
"""The sandbox's own files; init writes them before it seals the root."""

LINKS: Mapping[str, str] = {
    "/dev/fd": "/proc/self/fd",
    "/dev/stdin": "/proc/self/fd/0",
    "/dev/stdout": "/proc/self/fd/1",
    "/dev/stderr": "/proc/self/fd/2",
    "/var/tmp": "/tmp",
    "/etc/mtab": "/proc/self/mounts",
    "/etc/localtime": "/usr/share/zoneinfo/UTC",
}

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
        libraries: Folder of shared libraries that the program finds nowhere else, or "".
    """

    mounts: tuple[Mount, ...] = ()
    masks: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    libraries: str = ""

    def adding(self, mounts: tuple[Mount, ...]) -> Layout:
        """The same with more mounts."""
        return replace(self, mounts=(*self.mounts, *mounts))

    def beside(self, other: Layout) -> Layout:
        """The same with another toolchain's, which gives way wherever both have something."""
        taken = {mount.target for mount in self.mounts} | {*self.masks, *self.links}
        return replace(
            self,
            mounts=(*self.mounts, *(item for item in other.mounts if item.target not in taken)),
            masks=(*self.masks, *(mask for mask in other.masks if mask not in taken)),
            links={**other.links, **self.links},
            path=tuple(dict.fromkeys((*self.path, *other.path))),
        )

    def showing(self, form: EnvironmentForm, folder: str) -> Layout:
        """The same with an environment.

        Args:
            form: How programs find what is in it.
            folder: Where it is on the host.
        """
        return replace(
            self,
            mounts=(*self.mounts, Mount(folder, ENVIRONMENT_DIR)),
            links={**self.links, **form.links},
            path=(*(f"{ENVIRONMENT_DIR}/{name}" for name in form.path), *self.path),
        )

    @property
    def env(self) -> dict[str, str]:
        """The environment that every program starts from."""
        return {"PATH": ":".join((*self.path, "/usr/bin", "/bin")), **BASE_ENV, **self.own_env}

    @property
    def own_env(self) -> dict[str, str]:
        """What the toolchain's program needs of it, whatever program it is started from."""
        return {"LD_LIBRARY_PATH": self.libraries} if self.libraries else {}


@dataclass(frozen=True, slots=True)
class Tree:
    """The whole file system of a kind of sandbox, as data for whoever makes it.

    Attributes:
        mounts: Read-only mounts.
        devices: Device nodes, at their own places.
        masks: Folders shown empty.
        links: Symbolic links by path.
        files: Files of the sandbox's own.
        start: Where the program is that a sandbox begins with; "" in a tree without one.
        may_share: Whether its files may be the host's own where a sandbox can have none of its
            own.
    """

    mounts: tuple[Mount, ...]
    devices: tuple[str, ...]
    masks: tuple[str, ...]
    links: Mapping[str, str]
    files: tuple[File, ...]
    start: str
    may_share: bool = False

    def to_json(self) -> dict[str, Any]:
        """All of it, for ``MountNamespace.build``."""
        return {
            "mounts": [[mount.source, mount.target] for mount in self.mounts],
            "devices": self.devices,
            "masks": self.masks,
            "start": self.start,
            "links": dict(self.links),
            "files": {file.path: file.content.decode("latin-1") for file in self.files},
            "may_share": self.may_share,
        }

    def arguments(self) -> list[str]:
        """Bubblewrap's arguments that make it, but for the files, which init writes."""
        arguments = []
        for mount in self.mounts:
            arguments += ["--ro-bind", mount.source, mount.target]
        for device in self.devices:
            arguments += ["--dev-bind", device, device]
        for mask in self.masks:
            arguments += ["--tmpfs", mask, "--remount-ro", mask]
        for path, target in self.links.items():
            arguments += ["--symlink", target, path]
        return arguments


def make_tree(layout: Layout, init: str | None) -> Tree:
    """What a sandbox with this layout consists of on this host. Looks at the host.

    Args:
        layout: What a toolchain adds to the system's own.
        init: Path of the init binary on the host; None for a tree without.
    """
    mounts = [Mount(path, path) for path in SHARED if os.path.exists(path)]
    links = {**LINKS, **layout.links}
    for name in SYSTEM_FOLDERS:
        path = f"/{name}"
        if os.path.islink(path):
            links[path] = os.readlink(path).removeprefix("/")
        elif os.path.isdir(path):
            mounts.append(Mount(path, path))
    mounts += layout.mounts
    if init is not None:
        mounts.append(Mount(init, INIT))
    devices = tuple(f"/dev/{name}" for name in DEVICES)
    files = (*SYSTEM_FILES, *_linker_cache())
    return Tree(tuple(mounts), devices, layout.masks, links, files, INIT if init else "")


def _linker_cache() -> tuple[File, ...]:
    """Copied, not mounted: it is small, and each mount takes a fifth of a millisecond."""
    try:
        with open("/etc/ld.so.cache", "rb") as file:
            return (File("/etc/ld.so.cache", file.read()),)
    except OSError:
        return ()


def is_open(path: str) -> bool:
    """Whether somebody without privileges can reach and read this path."""
    for at in (os.path.realpath(path), os.path.abspath(path)):
        wanted = 0o005 if os.path.isdir(at) else 0o004
        while at != "/":
            if os.stat(at).st_mode & wanted != wanted:
                return False
            at, wanted = os.path.dirname(at), 0o001
    return True


def namespace_arguments(*, has_network: bool = False, has_users: bool = False) -> list[str]:
    """Arguments that give a sandbox namespaces and a life bound to its starter's.

    Its first process is root in a user namespace where nobody else is; init gives that up.

    Args:
        has_network: Whoever starts it has a network namespace for it alone already.
        has_users: And a user namespace, the root of which it is.
    """
    arguments = [f"--unshare-{kind}" for kind in ("pid", "ipc", "uts", "cgroup")]
    if not has_users:
        arguments += ["--unshare-user", "--uid", "0", "--gid", "0"]
    if not has_network:
        arguments.append(UNSHARE_NET)
    return [*arguments, "--hostname", "sandbox", "--die-with-parent", "--new-session"]


def sandbox_arguments(
    bwrap: str,
    path: str,
    root: list[str],
    *,
    has_network: bool = False,
    has_users: bool = False,
) -> list[str]:
    """The whole command line of a sandbox.

    bubblewrap leaves init three capabilities within the sandbox's own user namespace: to
    mount the writable places, to lower the namespace's quotas, and to map its root to a user.
    Init drops everything before any user data comes in: ``settle`` and ``seal`` in ``guest/init/``.

    Args:
        bwrap: Path of bubblewrap.
        path: The PATH on which init finds programs.
        root: Arguments that make the file system.
        has_network: See :func:`namespace_arguments`.
        has_users: See there; init keeps what a template needs to have children elsewhere.
    """
    capabilities = (*INIT_CAPABILITIES, *TEMPLATE_CAPABILITIES) if has_users else INIT_CAPABILITIES
    return [
        bwrap,
        *namespace_arguments(has_network=has_network, has_users=has_users),
        "--as-pid-1",
        *("--cap-drop", "ALL"),
        *(word for name in capabilities for word in ("--cap-add", name)),
        *("--setenv", "PATH", path),
        *root,
        *("--proc", "/proc", "--chdir", "/", INIT),
    ]
