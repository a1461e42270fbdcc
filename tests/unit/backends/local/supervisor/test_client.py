"""What drybox does where its supervisor takes nothing more."""

from __future__ import annotations

import socket
import subprocess

import anyio
import pytest

from drybox.backends.local.supervisor import client as supervisor_client
from drybox.backends.local.supervisor.client import SupervisorClient
from drybox.backends.local.supervisor.sockets import FdSocket
from drybox.errors import Unavailable

pytestmark = pytest.mark.anyio


async def test_who_cannot_even_ask_ends_a_supervisor_that_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervisor_client, "ANSWER_TIMEOUT", 0.2)
    monkeypatch.setattr(supervisor_client, "CLOSE_TIMEOUT", 0.2)
    ours, theirs = socket.socketpair()
    with ours, theirs, subprocess.Popen(["sleep", "60"]) as process:
        try:
            async with anyio.create_task_group() as tasks:
                client = SupervisorClient(process, FdSocket(ours), tasks)
                with pytest.raises(Unavailable, match="did not respond"):
                    await client.spawn(["x" * (16 << 20)], "-", "", (0, 0))
            assert process.wait(20) == -9
        finally:
            process.kill()
