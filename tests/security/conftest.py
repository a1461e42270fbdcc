"""What holds after every attack: nothing of it is left on the host."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import host
from tests.support.attack import new_marker
from tests.support.identity import FORK_SERVER, Runner


@pytest.fixture(autouse=True)
def nothing_is_left(runner: Runner) -> Iterator[None]:
    """No sandbox of the runner outlives the attack: no cgroup of one, so no process, nor more.

    What another test has left fails that one alone. Behind the fork server others wait meanwhile:
    test_templates.py sees to what they leave.
    """
    if FORK_SERVER in os.environ:
        yield
        return
    before = runner.isolation.sandboxes(runner.pid)
    yield
    isolation = runner.isolation
    assert host.eventually(lambda: isolation.sandboxes(runner.pid) <= before, isolation.gone_within)


@pytest.fixture
def counted_alone() -> Iterator[None]:
    """Of the tests that look at figures of the whole host one runs at a time, whoever runs it."""
    with open("/tmp/drybox-tests-counted-alone.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def canary() -> Iterator[Path]:
    """A file of the host that everybody on the host may read and write, and its secret."""
    secret = new_marker()
    path = Path(f"/tmp/{secret}")
    path.write_text(secret)
    path.chmod(0o666)
    yield path
    assert path.read_text() == secret
    path.unlink()


@pytest.fixture
def listener() -> Iterator[host.Listener]:
    """Sockets of the host; a test fails if anybody has reached one."""
    listener = host.Listener(f"drybox-test-{os.getpid()}")
    yield listener
    assert not listener.visitors()
    listener.close()
