"""Whether bubblewrap works on this host: it starts one whose sandbox ends at once."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drybox.backends.local.launchers import bubblewrap
from drybox.backends.local.rootfs import layout
from drybox.guest.frames import Purpose, frame
from drybox.guest.init_binary import init_path

TIMEOUT = 10.0
"""Seconds that it may take."""

NOBODY = 65534
"""User and group that it has for root, whose sandboxes have no privileges outside either."""

DISK, INODES = 1 << 20, 1024
"""Bytes and files of the writable places of a sandbox that is tried."""

_CODE = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from drybox.backends.local.launchers.bubblewrap_probe import main; main()"
)


def namespace_problem() -> str:
    """What is in the way of making namespaces; "" if nothing is.

    Raises:
        Unsupported: There is no bubblewrap.
        Unavailable: There is no init, which is what it starts.
    """
    bwrap, init = bubblewrap.require(), init_path()
    command, user = _command(bwrap, init), dict[str, Any]()
    if os.geteuid() == 0:
        if layout.is_open(bwrap) and layout.is_open(init):
            user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        else:
            command = [*_in_mount_namespace(), "shown", bwrap, init]
    return _problem_of(command, b"", user)


def inodes_problem() -> str:
    """What keeps a sandbox from inodes of its own; "" if nothing does.

    Raises:
        Unsupported: There is no bubblewrap.
        Unavailable: There is no init.
    """
    command = [*_in_mount_namespace(), "whole", bubblewrap.require(), init_path()]
    return _problem_of(
        command, frame(b"M", struct.pack("<QIBB", DISK, INODES, Purpose.USUAL, 0)), {}
    )


def _in_mount_namespace() -> list[str]:
    return [sys.executable, "-I", "-S", "-c", _CODE, str(Path(__file__).parents[4])]


def _problem_of(command: list[str], said_to_init: bytes, user: Mapping[str, Any]) -> str:
    try:
        done = subprocess.run(
            command,
            input=said_to_init,  # init ends with it
            capture_output=True,
            timeout=TIMEOUT,
            cwd="/",
            **user,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if not done.returncode:
        return ""
    said = done.stderr.decode("utf-8", "replace").strip()
    return said or f"bubblewrap ended with {done.returncode} and said nothing"


def _command(bwrap: str, init: str) -> list[str]:
    tree = layout.make_tree(layout.Layout(), init).arguments()
    return [bwrap, *layout.namespace_arguments(), *tree, "--proc", "/proc", layout.INIT]


def main() -> None:
    """Go on as bubblewrap, without being root: ``main HOW BWRAP INIT``.

    HOW is ``shown`` where only root can reach the two, or ``whole`` for a sandbox's own tree.
    """
    from drybox.backends.local.rootfs.mount_namespace import (
        MountNamespace,  # ctypes: only where it is needed
    )

    how, bwrap, init = sys.argv[1:]
    home = bubblewrap.home(bwrap)
    tree = layout.make_tree(layout.Layout(), init)
    try:
        mount = MountNamespace([home, init, *(item.source for item in tree.mounts)])
        root = mount.build(tree.to_json()) if how == "whole" else ""
        if os.geteuid() == 0:
            bwrap, init = mount.expose(home) + bwrap[len(home) :], mount.expose(init)
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
        command = _command(bwrap, init)
        if root:
            command = layout.sandbox_arguments(bwrap, "/usr/bin", ["--dev-bind", root, "/"])
        os.execv(bwrap, command)
    except OSError as error:
        sys.exit(f"bubblewrap could not be started: {error}")
