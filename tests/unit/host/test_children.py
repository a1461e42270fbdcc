"""A process that is ended with those that it has started."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from drybox.host.children import kill_with_children

TIMEOUT = 60


def start(*command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)


def ended(process: subprocess.Popen[bytes]) -> int:
    """Wait until nobody has its standard output any more."""
    process.communicate(timeout=TIMEOUT)
    return process.returncode


def test_children_end_with_it() -> None:
    process = start("sh", "-c", "sleep 1000 & sleep 1001 & echo begun; wait")
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    kill_with_children(process)
    assert ended(process) == -9


@pytest.mark.skipif(not shutil.which("bwrap"), reason="there is no bubblewrap")
def test_bubblewrap_ends_whenever_it_is_killed() -> None:
    words = ("--unshare-user", "--unshare-pid", "--die-with-parent", "--ro-bind", "/", "/")
    for milliseconds in range(20):
        process = start("bwrap", *words, "--", "sleep", "1000")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(milliseconds / 1000)
        kill_with_children(process)
        assert ended(process) == -9, milliseconds


def test_what_has_ended_stays_so() -> None:
    for command in ("true", "false"):
        process = start(command)
        returncode = ended(process)
        kill_with_children(process)
        assert process.returncode == returncode
    process = start("true")
    assert process.stdout is not None
    assert process.stdout.read() == b""  # it has ended or is about to, and nobody has waited
    kill_with_children(process)
    assert ended(process) in (0, -9)
