"""Where the compiled init is."""

from __future__ import annotations

import os
import platform

from drybox.errors import Unavailable


def template_module_path() -> str | None:
    """Path of the module that forks a template; None if this installation has none."""
    path = os.path.join(os.path.dirname(__file__), "bin", f"template-{platform.machine()}")
    return path if os.access(path, os.R_OK) else None


def init_path(machine: str | None = None) -> str:
    """Path of the init binary.

    Args:
        machine: For which architecture, as the kernel names it; this machine's own if None.

    Raises:
        Unavailable: This installation has none.
    """
    machine = machine or platform.machine()
    path = os.path.join(os.path.dirname(__file__), "bin", f"init-{machine}")
    if not os.access(path, os.X_OK):
        raise Unavailable(
            f"this installation of drybox has no sandbox init for {machine}: {path} is missing.",
            hint="Install drybox from a wheel, or run 'pip install .' in its source tree.",
        )
    return path
