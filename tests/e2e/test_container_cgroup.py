"""Why a container ended, by its cgroup: here cgroups as a daemon makes them, without one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.support.host import eventually

from drybox.backends.docker.container_cgroup import MOUNT, ContainerCgroup

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user makes no cgroup")

LIMIT = 32 << 20
TAKE = f"import sys; sys.stdin.read(1); kept = bytearray({4 * LIMIT}); sys.stdin.read()"
VERSION_1 = Path(MOUNT, "memory/memory.limit_in_bytes").exists()


class Box:
    """A process in a cgroup named like a container."""

    def __init__(self) -> None:
        self.name = uuid.uuid4().hex * 2
        self.folder = Path(MOUNT, "memory" if VERSION_1 else "", self.name)
        self.folder.mkdir()
        limit = "memory.limit_in_bytes" if VERSION_1 else "memory.max"
        (self.folder / limit).write_text(str(LIMIT))
        self.process = subprocess.Popen([sys.executable, "-c", TAKE], stdin=subprocess.PIPE)
        (self.folder / "cgroup.procs").write_text(str(self.process.pid))

    def end(self, how: str) -> None:
        """End it as the kernel does for want of memory, or as somebody does."""
        if how == "memory":
            assert self.process.stdin is not None
            self.process.stdin.write(b"x")
            self.process.stdin.flush()
        else:
            self.process.kill()
        assert self.process.wait(20) == -signal.SIGKILL

    def remove(self) -> None:
        """Remove the cgroup, as a daemon does as soon as it hears of the end."""

        def is_gone() -> bool:
            with suppress(OSError):
                self.folder.rmdir()
            return not self.folder.exists()

        assert eventually(is_gone)


@pytest.fixture
def box() -> Iterator[Box]:
    made = Box()
    with made.process:
        yield made
        made.process.kill()
    if made.folder.exists():
        made.remove()


@pytest.mark.parametrize("how", ["memory", "somebody"])
@pytest.mark.parametrize("when", ["before the cgroup is gone", "after that"])
def test_the_kernel_says_why(box: Box, how: str, when: str) -> None:
    if when == "after that" and not VERSION_1:
        pytest.skip("version 2 tells nothing of a cgroup that is gone")
    watch = ContainerCgroup(box.name, box.process.pid)
    box.end(how)
    if when == "after that":
        box.remove()
    assert watch.ran_out() is (how == "memory")
    watch.close()


def test_of_a_container_elsewhere_nothing_is_known(box: Box) -> None:
    """A process id of another host is somebody else's here, or nobody's."""
    for pid in (0, os.getpid(), box.process.pid):
        watch = ContainerCgroup("f" * 64, pid)
        assert watch.ran_out() is None
        watch.close()
