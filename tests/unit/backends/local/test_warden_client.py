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
    monkeypatch.setattr(warden_client, "CLOSE_PATIENCE", 0.2)
    ours, theirs = socket.socketpair()
    with ours, theirs, subprocess.Popen(["sleep", "60"]) as process:
        try:
            async with anyio.create_task_group() as tasks:
                client = WardenClient(process, Channel(ours), tasks)
                with pytest.raises(Unavailable, match="hung"):
                    await client.spawn(["x" * (16 << 20)], None, (0, 0))
            assert process.wait(20) == -9
        finally:
            process.kill()
