"""Which guarantees containers have with this daemon, and how to get the missing ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from drybox.backends.base import Guarantee, Support
from drybox.backends.docker.daemon import GONE_FIX, Daemon
from drybox.backends.docker.runtime import Runtime, find_runtime, takes_filters
from drybox.errors import DryboxError
from drybox.guest.init_binary import init_path
from drybox.guest.seccomp import filter as seccomp
from drybox.settings import DockerSettings

OLDEST_RUNC = (1, 1, 12)
"""The first that closes CVE-2024-21626, a way out through a leaked descriptor."""

RUNC_FIX = (
    "Upgrade it and restart the Docker daemon: 'sudo apt install --only-upgrade runc', or "
    f"'containerd.io' where Docker's own packages are used ({'.'.join(map(str, OLDEST_RUNC))} or "
    "newer, or a distribution's package that has the fix)."
)
CONTROLLER_FIX = (
    "Boot the daemon's machine with this cgroup controller enabled, and restart the daemon."
)
ROOTLESS_FIX = (
    "Delegate the controllers to the user of the rootless daemon: 'sudo systemctl edit "
    "user@.service', add the lines '[Service]' and 'Delegate=cpu cpuset io memory pids', log in "
    "again."
)

KERNEL_FIX = "Give the daemon a kernel with CONFIG_SECCOMP_FILTER, as all distributions' have."
LIBSECCOMP_FIX = "Run drybox on Linux, with libseccomp2 installed."


def check(isolation: Runtime, settings: DockerSettings) -> Support:
    """Look at every guarantee. Never raises."""
    try:
        daemon = Daemon(settings.host)
    except DryboxError as error:
        missing = Guarantee("daemon", False, error.message, GONE_FIX)
        return Support(isolation.name, (missing,), present=False)
    try:
        if find_runtime(isolation, settings.runtimes.get(isolation.name), daemon.runtimes) is None:
            return Support(
                isolation.name, (runtime(daemon.info, {}, isolation, settings),), present=False
            )
        about = f"Docker {daemon.info.get('ServerVersion')} at {daemon.address}"
        found = Guarantee("daemon", True, about + (", users mapped" * daemon.is_remapped))
        found_runtime = runtime(daemon.info, daemon.version(), isolation, settings)
        guarantees = (found, *weakenable(daemon.info), _init(), found_runtime)
        return Support(isolation.name, guarantees)
    except DryboxError as error:
        return Support(isolation.name, (Guarantee("daemon", False, error.message, error.hint),))
    finally:
        daemon.close()


def limits(info: Mapping[str, Any]) -> list[Guarantee]:
    """Which limits the daemon enforces.

    Args:
        info: What it says of itself.
    """
    rootless = "name=rootless" in str(info.get("SecurityOptions"))
    fix = ROOTLESS_FIX if rootless else CONTROLLER_FIX
    where = f"cgroup v{info.get('CgroupVersion', '1')}"
    return [
        Guarantee(name, True, where)
        if info.get(word)
        else Guarantee(name, False, "the daemon does not enforce it", fix)
        for word, name in (
            ("MemoryLimit", "memory"),
            ("CpuCfsQuota", "cpus"),
            ("PidsLimit", "pids"),
        )
    ]


def runtime(
    info: Mapping[str, Any],
    versions: Mapping[str, Any],
    isolation: Runtime,
    settings: DockerSettings,
) -> Guarantee:
    """Whether the daemon has the isolation's runtime, and it is no runc with known ways out.

    Args:
        info: What the daemon says of itself.
        versions: What it says of its parts.
        isolation: Its name.
        settings: The runtime's name, if that is configured.
    """
    known = frozenset(info.get("Runtimes") or ())
    configured = settings.runtimes.get(isolation.name)
    name = find_runtime(isolation, configured, known)
    if name is None:
        wanted = configured or (isolation.runtimes[0] if isolation.runtimes else isolation.name)
        detail = f"the daemon has no runtime {wanted!r}; it has {', '.join(sorted(known))}"
        fix = isolation.fix or "Correct its name in the configuration: [runtimes]."
        return Guarantee("runtime", False, detail, fix)
    name = name or str(info.get("DefaultRuntime") or "runc")
    part = _runc(versions) if name == "runc" and not isolation.traits.own_kernel else {}
    version = _version_of(part)
    if version is None:
        return Guarantee("runtime", True, name)
    text = str(part.get("Version"))
    if version < OLDEST_RUNC and not _is_patched(part):
        return Guarantee(
            "runtime", False, f"runc {text} has known ways out (CVE-2024-21626)", RUNC_FIX
        )
    return Guarantee("runtime", True, f"runc {text}")


def _runc(versions: Mapping[str, Any]) -> Mapping[str, Any]:
    parts = versions.get("Components") or ()
    return next((part for part in parts if part.get("Name") == "runc"), {})


def _version_of(part: Mapping[str, Any]) -> tuple[int, ...] | None:
    match = re.match(r"(\d+)\.(\d+)\.(\d+)", str(part.get("Version") or ""))
    return tuple(map(int, match.groups())) if match else None


def _is_patched(part: Mapping[str, Any]) -> bool:
    """Whether runc is a distribution's, which mends without raising the version."""
    return bool(re.search(r"\+(ds|deb|dfsg)|ubuntu", str(part)))


def _init() -> Guarantee:
    try:
        return Guarantee("init", True, init_path())
    except DryboxError as error:
        return Guarantee("init", False, error.message, error.hint)


def weakenable(info: Mapping[str, Any]) -> tuple[Guarantee, ...]:
    """The promises that a caller may give up, by the words of ``allow_weaker``.

    Args:
        info: What the daemon says of itself.
    """
    return (*limits(info), _seccomp(info))


def _seccomp(info: Mapping[str, Any]) -> Guarantee:
    if not takes_filters(info):
        return Guarantee("seccomp", False, "the daemon's kernel takes no filters", KERNEL_FIX)
    try:
        size = len(seccomp.filter_program_for(machine_of(info))) // 8
    except seccomp.SeccompUnavailable as error:
        return Guarantee("seccomp", False, error.message.rstrip("."), error.hint)
    except (OSError, AttributeError) as error:  # of systems that are no Linux
        detail = f"the filter on system calls cannot be made here: {error}"
        return Guarantee("seccomp", False, detail, LIBSECCOMP_FIX)
    return Guarantee("seccomp", True, f"a profile, and a filter of {size} instructions")


def machine_of(info: Mapping[str, Any]) -> str:
    """The architecture of a daemon's machine, as ``uname -m`` names it."""
    return str(info.get("Architecture"))
