"""How tools and packages get into a sandbox: a tool and the operator's folder, both mounted."""

from __future__ import annotations

import os

from drybox.backends.local.rootfs.layout import Mount
from drybox.environments.tools import tool_choices
from drybox.errors import Unsupported
from drybox.job import PACKAGES_DIR
from drybox.languages.base import Tool, Toolchain


def identity(folder: str) -> tuple[str, ...]:
    """What tells a folder from another, or from one that has taken its place.

    Raises:
        Unsupported: It is gone.
    """
    try:
        state = os.stat(folder)
    except OSError as error:
        raise _unreadable(folder, error.strerror or "it is gone") from error
    return folder, str(state.st_dev), str(state.st_ino)


def mounts(folder: str, toolchain: Toolchain, home: str) -> list[Mount | None]:
    """What a sandbox mounts to install packages.

    Args:
        folder: The language's packages on the host.
        toolchain: The language's toolchain.
        home: Its home on the host.

    Raises:
        Unsupported: The installer is missing, or the sandbox's user could not read the folder.
    """
    if os.geteuid() == 0 and os.stat(folder).st_mode & 0o005 != 0o005:
        # Root's sandboxes have a user of their own; what is above the folder does not matter.
        raise _unreadable(folder, "only its owner may read it")
    found: list[Mount | None] = [Mount(folder, PACKAGES_DIR)]
    if toolchain.installer is not None:
        found += tool_mounts(toolchain.installer, home)
    return found


def tool_mounts(tool: Tool, home: str) -> list[Mount]:
    """What a sandbox mounts to use a tool.

    Args:
        tool: The tool.
        home: The toolchain's home on the host.

    Raises:
        Unsupported: It is missing.
    """
    for found in tool_choices(tool, home):
        return [Mount(path, f"{tool.mount}/{name}") for name, path in found]
    raise Unsupported(
        f"{tool.name}, which {tool.purpose}, was not found on this machine.",
        hint=tool.install_hint,
    )


def _unreadable(folder: str, why: str) -> Unsupported:
    return Unsupported(
        f"packages cannot be installed from {folder}: {why}.",
        hint=f"Let everybody read it: chmod -R a+rX '{folder}'.",
    )
