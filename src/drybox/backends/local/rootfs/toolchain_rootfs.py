"""What sandboxes of one toolchain have in common."""

from __future__ import annotations

import os
from collections.abc import Mapping

from drybox.backends.local.rootfs import layout
from drybox.backends.local.rootfs.toolchain import FoundToolchain
from drybox.guest.frames import Purpose
from drybox.job import File
from drybox.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class ToolchainRootfs:
    """All that sandboxes of one toolchain have in common."""

    found: FoundToolchain
    toolchain: str
    arguments: Mapping[Purpose, list[str]]
    devices: str
    files: tuple[File, ...]
    env: Mapping[str, str]


def command_lines(bwrap: str, path: str, root: list[str]) -> dict[Purpose, list[str]]:
    """What a sandbox's first process is started with, by what the sandbox is for.

    Args:
        bwrap: Path of bubblewrap.
        path: The PATH on which init finds programs.
        root: Bubblewrap's arguments that make the file system.
    """
    lines = {
        purpose: layout.sandbox_arguments(
            bwrap,
            path,
            root,
            # Root's preforked processes wait in a network of their own, which takes the kernel
            # long to make.
            has_network=os.geteuid() == 0,
            has_users=purpose == Purpose.TEMPLATE,
        )
        for purpose in (Purpose.USUAL, Purpose.TEMPLATE)
    }
    # users.c does bubblewrap's part: these are its words. The root is a folder there.
    return {**lines, Purpose.JOINED: [root[1], f"PATH={path}", layout.INIT]}
