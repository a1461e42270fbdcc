"""Which guarantees the local backend has on this host, and how to get the missing ones."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from drybox.backends.base import Guarantee, Support
from drybox.backends.local.cgroups import cgroup
from drybox.backends.local.cgroups.tree import CONTROLLERS
from drybox.backends.local.launchers import bubblewrap, bubblewrap_probe
from drybox.errors import DryboxError
from drybox.guest.init_binary import init_path
from drybox.guest.seccomp import filter as seccomp

DELEGATE = (
    "Give your user the controllers: 'sudo systemctl edit user@.service', add the lines "
    "'[Service]' and 'Delegate=cpu cpuset io memory pids', log in again"
)


def fix_for(*missing: str) -> str:
    """The hint for guarantees that do not hold.

    Args:
        missing: Their words as ``allow_weaker`` takes them.
    """
    words = ",".join(missing)
    it = "them" if len(missing) > 1 else "it"
    give_up = f"To run without {it}: allow_weaker={missing!r} or '--allow-weaker {words}'."
    if not set(missing) & set(CONTROLLERS):
        return give_up
    if os.path.exists(f"{cgroup.V2_MOUNT}/cgroup.controllers"):
        return f"{DELEGATE}; or run drybox in a systemd service with Delegate=yes. {give_up}"
    return (
        "This host has cgroup version 1, which only root can hand on: run drybox as root, or boot "
        f"with 'systemd.unified_cgroup_hierarchy=1'. {give_up}"
    )


def in_words(missing: Sequence[str]) -> str:
    """Guarantees in a sentence: ``seccomp, the cpus limit and the pids limit``."""
    others = [what for what in missing if what not in CONTROLLERS]
    *first, last = [*others, *(f"the {what} limit" for what in missing if what in CONTROLLERS)]
    return f"{', '.join(first)} and {last}" if first else last


def check() -> Support:
    """Look at every guarantee. Never raises."""
    if sys.platform != "linux":
        return Support("local", (Guarantee("linux", False, "this is not Linux", "Use docker."),))
    return Support("local", (*_tools(), *_namespaces(), *_limits(), _seccomp()))


def _tools() -> list[Guarantee]:
    found = []
    for name, find in (("bubblewrap", bubblewrap.require), ("init", init_path)):
        try:
            found.append(Guarantee(name, True, find()))
        except DryboxError as error:
            found.append(Guarantee(name, False, error.message, error.hint))
    return found


def _namespaces() -> list[Guarantee]:
    """Tries them all for real, as a sandbox would have them."""
    try:
        problem = bubblewrap_probe.namespace_problem()
    except DryboxError:  # the tools' own lines say so
        return []
    if not problem:
        return [Guarantee("namespaces", True, "user, pid, net, mount, ipc, uts, cgroup"), _inodes()]
    if bubblewrap.is_chroot():
        return [Guarantee("namespaces", False, f"in this chroot: {problem}", bubblewrap.CHROOT)]
    fix = bubblewrap.namespace_fix() or "see whether this runs in a container that forbids them"
    return [Guarantee("namespaces", False, problem, fix)]


def _inodes() -> Guarantee:
    """Has a sandbox put its root together, as all do."""
    problem = bubblewrap_probe.inodes_problem()
    if problem:
        return Guarantee("inodes", False, problem, bubblewrap.INODES)
    return Guarantee("inodes", True, "an overlay for each sandbox and folder")


def _limits() -> list[Guarantee]:
    place = cgroup.find_location()
    if place.needs_scope:
        where = "a scope of the systemd user manager"
    else:
        where = f"cgroup v{place.version} in {', '.join(place.folders)}"
    return [
        Guarantee(what, False, place.missing[what], fix_for(*sorted(place.missing)))
        if what in place.missing
        else Guarantee(what, True, where)
        for what in CONTROLLERS
    ]


def _seccomp() -> Guarantee:
    try:
        size = len(seccomp.filter_program()) // 8
    except seccomp.SeccompUnavailable as error:
        return Guarantee("seccomp", False, str(error), fix_for("seccomp"))
    return Guarantee("seccomp", True, f"a filter of {size} instructions")
