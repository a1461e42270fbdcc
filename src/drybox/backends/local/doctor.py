"""What the local backend can promise on this host, and how to mend what it cannot."""

from __future__ import annotations

import os
import sys

from drybox.backends.local import bubblewrap, cgroup, probe
from drybox.backends.local.cgroup_tree import CONTROLLERS
from drybox.errors import DryboxError
from drybox.guest import seccomp
from drybox.guest.binary import init_path
from drybox.protocols import Guarantee, Support

DELEGATE = (
    "Give your user the controllers: 'sudo systemctl edit user@.service', add the lines "
    "'[Service]' and 'Delegate=cpu cpuset io memory pids', log in again"
)


def fix_for(what: str) -> str:
    """The hint for a guarantee that does not hold.

    Args:
        what: Its word as ``allow_weaker`` takes it.
    """
    give_up = f"To run without it: allow_weaker=({what!r},) or '--allow-weaker {what}'."
    if what not in CONTROLLERS:
        return give_up
    if os.path.exists(f"{cgroup.V2_MOUNT}/cgroup.controllers"):
        return f"{DELEGATE}; or run drybox in a systemd service with Delegate=yes. {give_up}"
    return (
        "This host has cgroup version 1, which only root can hand on: run drybox as root, or boot "
        f"with 'systemd.unified_cgroup_hierarchy=1'. {give_up}"
    )


def check() -> Support:
    """Look at every guarantee. Never raises."""
    if sys.platform != "linux":
        return Support("local", (Guarantee("linux", False, "this is no Linux", "Use docker."),))
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
        problem = probe.namespace_problem()
    except DryboxError:  # the tools' own lines say so
        return []
    if not problem:
        return [Guarantee("namespaces", True, "user, pid, net, mount, ipc, uts, cgroup")]
    fix = bubblewrap.namespace_fix() or "see whether this runs in a container that forbids them"
    return [Guarantee("namespaces", False, problem, fix)]


def _limits() -> list[Guarantee]:
    place = cgroup.find_place()
    if place.needs_scope:
        where = "a scope of the systemd user manager"
    else:
        where = f"cgroup v{place.version} in {', '.join(place.folders)}"
    return [
        Guarantee(what, False, place.missing[what], fix_for(what))
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
