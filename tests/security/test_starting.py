"""What is ended while it begins leaves nothing, also where no cgroup holds it together."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import anyio
import pytest
from tests.support import host

from drybox.backends.local.supervisor.client import SupervisorClient

pytestmark = pytest.mark.anyio


async def _release() -> None:
    """Nothing of this process belongs to it."""


async def test_a_child_that_waits_for_its_parent_goes_with_it(tmp_path: Path) -> None:
    told = tmp_path / "child"
    # As bubblewrap is between making its child and having it go on.
    argv = ["/bin/sh", "-c", f"sleep 600 & echo $! > {told}; wait"]
    ours, theirs = socket.socketpair()
    with ours, theirs:
        async with anyio.create_task_group() as tasks:
            client = await SupervisorClient.start(tasks, [], own_scope=False)
            number, _ = await client.spawn(
                [*argv, "--unshare-net"], "-", "", (theirs.fileno(), theirs.fileno())
            )
            with anyio.fail_after(20):
                while not told.exists() or not told.read_text().strip():
                    await anyio.sleep(0.01)
            child = int(told.read_text())
            assert os.path.exists(f"/proc/{child}")
            await client.destroy(number, _release)
            assert await anyio.to_thread.run_sync(
                host.eventually, lambda: not host.status(child), 5.0
            )
            await client.close()
            tasks.cancel_scope.cancel()
