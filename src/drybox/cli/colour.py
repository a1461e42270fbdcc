"""Whether to write in colour: one rule for every command."""

from __future__ import annotations

import os


def wants_colour() -> bool | None:
    """What the environment says; None leaves it to whether a stream is a terminal.

    ``NO_COLOR`` turns colour off and wins over ``FORCE_COLOR``, which turns it on; each counts
    with any text but none at all, ``FORCE_COLOR=0`` means off.
    """
    if os.environ.get("NO_COLOR"):
        return False
    forced = os.environ.get("FORCE_COLOR")
    return None if not forced else forced.lower() not in ("0", "false")
