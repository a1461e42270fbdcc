"""What sandboxes of one toolchain have in common."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from drybox.backends.local.rootfs import layout
from drybox.backends.local.rootfs.toolchain import FoundToolchain
from drybox.guest.frames import Purpose
from drybox.job import Command, File


@dataclass(frozen=True, slots=True)
class ToolchainRootfs:
    """All that sandboxes of one toolchain have in common.

    Attributes:
        found: The toolchain.
        toolchain: A word for it.
        arguments: What a sandbox's first process is started with, by what the sandbox is for.
        devices: Folder for device nodes of each sandbox's own.
        files: Files that init writes.
        env: Variables that every program starts from.
        beside: Other languages' toolchains, by the language's name.
    """

    found: FoundToolchain
    toolchain: str
    arguments: Mapping[Purpose, list[str]]
    devices: str
    files: tuple[File, ...]
    env: Mapping[str, str]
    beside: Mapping[str, FoundToolchain] = field(default_factory=dict)

    def argv(self, argv: tuple[str, ...]) -> tuple[str, ...]:
        """A command line with a toolchain's program by its place."""
        found = self._toolchain_of(argv[0])
        return argv if found is None else (found.program, *argv[1:])

    def command(self, command: Command) -> tuple[Command, Mapping[str, str]]:
        """A command with a toolchain's program by its place, and all its variables."""
        found = self._toolchain_of(command.argv[0])
        if found is None:
            return command, {**self.env, **command.env}
        known = replace(command, argv=(found.program, *command.argv[1:]))
        return known, {**self.env, **found.layout.own_env, **command.env}

    def _toolchain_of(self, program: str) -> FoundToolchain | None:
        for found in (self.found, *self.beside.values()):
            if program == found.name:
                return found
        return None


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
