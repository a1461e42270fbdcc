"""The end of a process that drybox has started, with those that it has started itself."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess


def kill_with_children(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its children.

    Of bubblewrap the first process alone is not enough: the second one, which all of the sandbox
    hangs on, takes some milliseconds until it ends with the first, and would go on for good.

    Args:
        process: The process. Whoever waits for it goes on doing so.
    """
    with contextlib.suppress(OSError):
        # What is stopped has no more children than are found.
        process.send_signal(signal.SIGSTOP)
        if process.returncode is None:
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    for child in _children(process.pid):
        with contextlib.suppress(OSError):
            os.kill(child, signal.SIGKILL)
    with contextlib.suppress(OSError):
        process.kill()


def _children(pid: int) -> list[int]:
    """Those of its first thread; none where the kernel does not tell."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", "rb") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []
