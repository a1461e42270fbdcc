"""Has the kernel look more often whose turn it is, while programs wait for their first turns.

Where its own tick comes every 4 ms, a program that is interrupted beside one that computes waits
that long, which is more than all of a short run.
"""

from __future__ import annotations

import os
import platform
import subprocess
import time

PERIOD = 0.001
"""Seconds between two ticks of ``ticker.c``. A kernel whose own come as often needs none."""

MONOTONIC_COARSE = 6
"""A clock that advances with the kernel's tick (``CLOCK_MONOTONIC_COARSE`` of linux/time.h)."""


class Ticker:
    """A process that wakes on every CPU (``ticker.c``); it starts when it is first needed.

    It is there for speed alone: where it cannot be had, everything goes on without.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._is_over = False

    def tick(self) -> None:
        """Have it tick for the next 20 ms."""
        if self._is_over:
            return
        try:
            if self._process is None:
                if time.clock_getres(MONOTONIC_COARSE) <= PERIOD:
                    self._is_over = True
                    return
                self._process = _start()
            assert self._process.stdin is not None
            os.write(self._process.stdin.fileno(), b"t")
        except BlockingIOError:
            return  # it has more to read than it takes
        except OSError:
            self._is_over = True

    def close(self) -> None:
        """End it for good. Idempotent."""
        self._is_over = True
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


def _start() -> subprocess.Popen[bytes]:
    path = os.path.join(os.path.dirname(__file__), "bin", f"ticker-{platform.machine()}")
    # A session of its own: the terminal's signals are not for it. It ends with its input.
    process = subprocess.Popen(
        [path],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={},
        start_new_session=True,
    )
    assert process.stdin is not None
    os.set_blocking(process.stdin.fileno(), False)
    return process
