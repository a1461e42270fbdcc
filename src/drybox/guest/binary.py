"""Where the compiled init is."""

from __future__ import annotations

import os
import platform

from drybox.errors import Unavailable


def init_path() -> str:
    """Path of the init binary for this machine's architecture.

    Raises:
        Unavailable: This installation has none.
    """
    path = os.path.join(os.path.dirname(__file__), "bin", f"init-{platform.machine()}")
    if not os.access(path, os.X_OK):
        raise Unavailable(
            f"this installation of drybox has no sandbox init for {platform.machine()}: "
            f"{path} is missing.",
            hint="Install drybox from a wheel, or run 'pip install .' in its source tree.",
        )
    return path
