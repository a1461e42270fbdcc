"""A daemon without root, on a host that hands it no cgroups: what it drops is not lost silently."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from tests.support.images import busybox_python
from tests.support.rootless import rootless_daemon

from drybox import CodeExecutor, DockerSettings, ExecutionRequest, Unsupported
from drybox.languages.registry import find_language

pytestmark = pytest.mark.promise("CON-8")

INSIDE = """
import os, socket
socket.create_server(("localhost", 0))
words = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(words["CapBnd"].strip(), words["NoNewPrivs"].strip(), words["Seccomp_filters"].strip())
print(open("/proc/net/dev").read().count(":"), os.access("/etc/hosts", os.W_OK))
"""


@pytest.fixture(scope="module")
def daemon() -> Iterator[str]:
    if os.getuid():
        pytest.skip("it starts a daemon as another user; this run is an ordinary user's")
    with rootless_daemon(busybox_python(), find_language("python")[0].image) as host:
        yield host


def executor(daemon: str, *allow_weaker: str) -> CodeExecutor:
    settings = DockerSettings(host=daemon)
    return CodeExecutor(isolation="docker", docker=settings, pool=None, allow_weaker=allow_weaker)


def test_what_it_does_not_enforce_is_refused(daemon: str) -> None:
    with executor(daemon, "cpus", "pids") as weaker, pytest.raises(Unsupported) as caught:
        weaker.execute(ExecutionRequest("python", "print(1)"))
    assert "memory cannot be enforced" in caught.value.message
    assert "Delegate=" in caught.value.hint


def test_the_other_isolations_hold(daemon: str) -> None:
    with executor(daemon, "memory", "cpus", "pids") as weaker:
        result = weaker.execute(ExecutionRequest("python", INSIDE))
        late = weaker.execute(ExecutionRequest("python", "while True: pass", timeout=0.5))
    assert (result.status, result.stderr) == ("success", ""), result
    assert result.weakened == ("cpus", "memory", "pids")
    assert result.stdout == "0000000000000000 1 3\n1 False\n"
    assert late.status == "timeout"
