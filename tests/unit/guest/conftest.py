"""A real init for each test that takes one."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.init import Init, init_in

from drybox.backends.local.launchers.bubblewrap import require
from drybox.backends.local.rootfs.layout import Layout, make_tree
from drybox.errors import DryboxError
from drybox.guest.init_binary import init_path

ALONE = ("--unshare-user", "--unshare-pid", "--unshare-net", "--die-with-parent")


@pytest.fixture(scope="module")
def command() -> list[str]:
    """What starts init as PID 1 of a namespace of its own."""
    try:
        start = [require(), *ALONE, *make_tree(Layout(), init_path()).arguments()]
    except DryboxError as error:
        pytest.skip(str(error))
    probe = subprocess.run([*start, "/usr/bin/true"], capture_output=True, text=True)
    if probe.returncode:
        pytest.skip(f"bubblewrap makes no namespaces here: {probe.stderr.strip()}")
    return [*start, "--proc", "/proc", "--as-pid-1"]


@pytest.fixture
async def init(command: list[str], tmp_path: Path) -> AsyncIterator[Init]:
    async with init_in(tmp_path, command) as init:
        yield init
