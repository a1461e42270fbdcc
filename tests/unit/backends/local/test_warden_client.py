"""What drybox does where its warden takes nothing more."""

from __future__ import annotations

import socket
import subprocess

import anyio
import pytest

from drybox.backends.local import warden_client
from drybox.backends.local.channel import Channel
from drybox.backends.local.warden_client import WardenClient
from drybox.errors import Unavailable

pytestmark = pytest.mark.anyio


async def test_who_cannot_even_ask_ends_a_warden_that_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(warden_client, "ANSWER_PATIENCE", 0.2)
    ours, theirs = socket.socketpair()
    with theirs, subprocess.Popen(["sleep", "60"]) as process:
        async with anyio.create_task_group() as tasks:
            client = WardenClient(process, Channel(ours), tasks)
            with anyio.fail_after(20), pytest.raises(Unavailable, match="hung"):
                await client.spawn(["x" * (16 << 20)], None, (0, 0))
            assert await anyio.to_thread.run_sync(process.wait) == -9
        ours.close()
