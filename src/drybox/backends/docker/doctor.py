"""What the docker backend can promise with the daemon at hand, and how to mend what it cannot."""

from __future__ import annotations

import re

from drybox.backends.docker.daemon import GONE_FIX, Daemon
from drybox.backends.docker.wall import Wall, find_runtime
from drybox.errors import DryboxError
from drybox.guest import seccomp
from drybox.guest.binary import init_path
from drybox.protocols import Guarantee, Support
from drybox.settings import DockerSettings

OLDEST_RUNC = (1, 1, 12)
"""The first that closes CVE-2024-21626, a way out through a leaked descriptor."""


def check(wall: Wall, settings: DockerSettings) -> Support:
    """Look at every guarantee. Never raises."""
    try:
        daemon = Daemon(settings.host)
    except DryboxError as error:
        return Support(wall.name, (Guarantee("daemon", False, error.message, GONE_FIX),))
    try:
        return Support(wall.name, (*_daemon(daemon), _runtime(daemon, wall, settings), _seccomp()))
    except DryboxError as error:
        return Support(wall.name, (Guarantee("daemon", False, error.message, error.hint),))
    finally:
        daemon.close()


def _daemon(daemon: Daemon) -> list[Guarantee]:
    info = daemon.info
    about = f"Docker {info.get('ServerVersion')} at {daemon.address}"
    if daemon.is_remapped:
        about += ", users mapped"
    found = [Guarantee("daemon", True, about)]
    for word, name in (("MemoryLimit", "memory"), ("CpuCfsQuota", "cpus"), ("PidsLimit", "pids")):
        fix = "Boot the daemon's machine with this cgroup controller enabled, and restart it."
        if daemon.is_remapped and "rootless" in str(info.get("SecurityOptions")):
            fix = (
                "Delegate the controllers to the user of the rootless daemon: 'sudo systemctl edit "
                "user@.service', add '[Service]' and 'Delegate=cpu cpuset io memory pids'."
            )
        holds = bool(info.get(word))
        detail = f"cgroup v{info.get('CgroupVersion', '1')}" if holds else "not enforced there"
        found.append(Guarantee(name, holds, detail, "" if holds else fix))
    try:
        found.append(Guarantee("init", True, init_path()))
    except DryboxError as error:
        found.append(Guarantee("init", False, error.message, error.hint))
    return found


def _runtime(daemon: Daemon, wall: Wall, settings: DockerSettings) -> Guarantee:
    name = find_runtime(wall, settings.runtimes.get(wall.name), daemon.runtimes)
    if name is None:
        known = ", ".join(sorted(daemon.runtimes))
        return Guarantee("runtime", False, f"the daemon has only {known}", wall.fix)
    if wall.own_kernel:
        return Guarantee("runtime", True, name)
    name = name or str(daemon.info.get("DefaultRuntime") or "runc")
    version = runc_version(daemon) if name == "runc" else None
    if version is None:
        return Guarantee("runtime", True, name)
    text = ".".join(map(str, version))
    if version < OLDEST_RUNC and not _is_patched(daemon):
        return Guarantee(
            "runtime",
            False,
            f"runc {text} has known ways out (CVE-2024-21626)",
            f"Upgrade runc to {'.'.join(map(str, OLDEST_RUNC))} or newer, or use a distribution's "
            "package that has the fix.",
        )
    return Guarantee("runtime", True, f"runc {text}")


def runc_version(daemon: Daemon) -> tuple[int, ...] | None:
    """Version of the daemon's runc, as far as it tells it."""
    for item in daemon.version().get("Components") or ():
        if item.get("Name") == "runc":
            match = re.match(r"(\d+)\.(\d+)\.(\d+)", item.get("Version") or "")
            return tuple(map(int, match.groups())) if match else None
    return None


def _is_patched(daemon: Daemon) -> bool:
    """Whether runc is a distribution's, which mends without raising the version."""
    for item in daemon.version().get("Components") or ():
        if item.get("Name") == "runc" and re.search(r"\+(ds|deb|dfsg)|ubuntu", str(item)):
            return True
    return False


def _seccomp() -> Guarantee:
    try:
        size = len(seccomp.filter_program()) // 8
    except (seccomp.SeccompUnavailable, OSError, AttributeError) as error:
        detail = f"the daemon's profile alone; a finer filter cannot be made here: {error}"
        return Guarantee("seccomp", True, detail)
    return Guarantee("seccomp", True, f"a profile, and a filter of {size} instructions")
