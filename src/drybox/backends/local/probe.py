"""A bubblewrap whose sandbox ends at once, started as a sandbox's is: whether this host lets it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from drybox.backends.local import bubblewrap, layout
from drybox.guest.binary import init_path

PATIENCE = 10.0
"""Seconds that it may take."""

NOBODY = 65534
"""User and group that it has for root, whose sandboxes have no privileges outside either."""

_CODE = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from drybox.backends.local.probe import main; main()"
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
            source = str(Path(__file__).parents[3])
            command = [sys.executable, "-I", "-S", "-c", _CODE, source, bwrap, init]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,  # init ends with its input
            capture_output=True,
            timeout=PATIENCE,
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
    """Go on as bubblewrap, which only root can reach, without being root: ``main BWRAP INIT``."""
    from drybox.backends.local.stage import Stage  # ctypes: only where it is needed

    bwrap, init = sys.argv[1:]
    home = bubblewrap.home(bwrap)
    try:
        stage = Stage([home, init])
        bwrap, init = stage.expose(home) + bwrap[len(home) :], stage.expose(init)
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        os.execv(bwrap, _command(bwrap, init))
    except OSError as error:
        sys.exit(f"bubblewrap could not be started: {error}")
