"""Peak memory since a given moment."""

from __future__ import annotations

import os
from collections.abc import Sequence


class PeakMemory:
    """The sum of a cgroup's counters of peaks, from now on.

    Version 1 resets its counters on a write; version 2 does so for one open file since
    Linux 6.12. Before that a peak is known only if it rose above the one before.

    Args:
        paths: Their files. The first one is needed; another that is not there counts nothing.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._counters = [_Counter(path) for path in paths]

    def read(self) -> int | None:
        """The peak in bytes, or None if it is not known."""
        known = [counter.read() for counter in self._counters]
        return sum(value or 0 for value in known) if known and known[0] is not None else None

    def close(self) -> None:
        """Measure no more. Idempotent."""
        for counter in self._counters:
            counter.close()


class _Counter:
    def __init__(self, path: str) -> None:
        self._fd = -1
        self._before = -1
        try:
            self._fd = os.open(path, os.O_RDWR)
            os.write(self._fd, b"0\n")
        except OSError:
            try:
                if self._fd < 0:
                    self._fd = os.open(path, os.O_RDONLY)
                self._before = self._value()
            except OSError:
                return

    def _value(self) -> int:
        return int(os.pread(self._fd, 64, 0))

    def read(self) -> int | None:
        if self._fd < 0:
            return None
        try:
            value = self._value()
        except (OSError, ValueError):
            return None
        return value if value > self._before else None

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
