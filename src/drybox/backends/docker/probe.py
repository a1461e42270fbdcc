"""Whether a Docker daemon is likely to answer, without loading Docker's library."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

from drybox.host.paths import home

DEFAULT_SOCKET = "/var/run/docker.sock"

TIMEOUT = 1.0
"""Seconds for somebody to answer at a socket of this machine."""


def may_answer(host: str | None) -> bool:
    """Whether it is worth asking: False only where certainly nobody answers.

    Args:
        host: The address from the settings; None for the user's own daemon.
    """
    address = host or os.environ.get("DOCKER_HOST") or ""
    if not address and (_has_context() or _has_properties()):
        return True
    scheme, _, path = (address or f"unix://{DEFAULT_SOCKET}").partition("://")
    if scheme != "unix":
        return True
    with socket.socket(socket.AF_UNIX) as knocker:
        knocker.settimeout(TIMEOUT)
        try:
            knocker.connect(path)
        except OSError:
            return False
    return True


def _has_context() -> bool:
    """Whether the user has chosen another daemon than the default one."""
    if os.environ.get("DOCKER_CONTEXT"):
        return True
    folder = os.environ.get("DOCKER_CONFIG") or str(home() / ".docker")
    try:
        config = json.loads(Path(folder, "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and config.get("currentContext", "default") != "default"


def _has_properties() -> bool:
    """Whether Testcontainers has settings of its own, which may name a daemon."""
    return home().joinpath(".testcontainers.properties").exists()
