"""How packages get into a sandbox: the operator's folder and the installer, both mounted."""

from __future__ import annotations

import os
from collections.abc import Iterator

from drybox.backends.local.layout import Mount
from drybox.errors import Unsupported
from drybox.packages import installer_choices
from drybox.protocols import PACKAGES_DIR, Installer, Toolchain


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
        found += _installer(toolchain.installer, home)
    return found


def _unreadable(folder: str, why: str) -> Unsupported:
    return Unsupported(
        f"packages cannot be installed from {folder}: {why}.",
        hint=f"Let everybody read it: chmod -R a+rX '{folder}'.",
    )


def _installer(installer: Installer, home: str) -> Iterator[Mount]:
    for found in installer_choices(installer, home):
        return (Mount(path, f"{installer.mount}/{name}") for name, path in found)
    raise Unsupported(
        f"{installer.name}, which installs packages, was not found on this machine.",
        hint=installer.install_hint,
    )
