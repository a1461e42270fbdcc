"""The process that watches while containers are paused."""

from __future__ import annotations

import os
import signal

import pytest
from tests.support import host

from drybox.backends.docker.paused_watch import PausedWatch

pytestmark = pytest.mark.anyio


def watching() -> list[int]:
    return [
        each.pid for each in host.descendants(os.getpid()) if "paused" in " ".join(each.cmdline)
    ]


def the_one() -> int:
    """The only one that watches; it has no command line while it is being loaded."""
    assert host.eventually(watching)
    (found,) = watching()
    return found


async def test_there_is_one_once_it_is_needed_and_none_afterwards() -> None:
    watch = PausedWatch(None)
    watch.discard("never paused")
    await watch.close()
    assert not watching()
    for container in ("one", "two"):
        await watch.add(container)
        assert the_one()
        watch.discard(container)
    await watch.close()
    await watch.close()
    assert not watching()


async def test_one_that_somebody_has_ended_is_replaced() -> None:
    watch = PausedWatch(None)
    await watch.add("one")
    first = the_one()
    os.kill(first, signal.SIGKILL)
    assert host.eventually(lambda: not watching())
    watch.discard("one")
    await watch.add("two")
    second = the_one()
    assert second != first
    watch.discard("two")
    await watch.close()
    assert not watching()
