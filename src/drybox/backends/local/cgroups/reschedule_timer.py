"""Makes the kernel reschedule more often while programs wait for their first time slices.

Where the kernel's tick is 4 ms, a program that is interrupted beside one that computes waits that
long, which is more than a whole short run.
"""

from __future__ import annotations

import os
import platform
import subprocess
import time

PERIOD = 0.001
"""Seconds between two ticks of it. A kernel whose own come as often needs none."""

CLOCK_MONOTONIC_COARSE = 6
"""Of linux/time.h: a clock that advances with the kernel's tick."""


class RescheduleTimer:
    """A process that wakes on every CPU (``reschedule_timer.c``).

    It is there for speed alone: where it cannot be had, everything goes on without.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Of its process, if there is one."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it, if it is of use here."""
        if self._process is not None or time.clock_getres(CLOCK_MONOTONIC_COARSE) <= PERIOD:
            return
        folder = os.path.join(os.path.dirname(__file__), "bin")
        try:
            # A session of its own: the terminal's signals are not for it.
            process = self._process = subprocess.Popen(
                [f"{folder}/reschedule_timer-{platform.machine()}", str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                cwd="/",
                env={},
                start_new_session=True,
            )
        except OSError:
            return
        assert process.stdin is not None
        os.set_blocking(process.stdin.fileno(), False)

    def wake(self) -> None:
        """Have it tick for the next 20 ms."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        try:
            os.write(self._process.stdin.fileno(), b"t")
        except BlockingIOError:
            return  # it has more to read than it takes
        except OSError:
            self.close()  # it was killed

    def close(self) -> None:
        """End it. Idempotent."""
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            process.stdin.close()
            process.kill()
            process.wait()
