"""The channel between a Python kernel and its host; runs in a session's sandbox alone."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import select
import struct
import termios
import threading
import time
from typing import Any

HIGHEST_FD = 1000
"""Descriptors are looked for from here down: cells may close what they believe to be theirs."""

PIECE = 65536

TAKEN_TIMEOUT = 2.0
"""Seconds that a cell may wait in all for its answers to be taken."""

LOOK_STEP = 1e-4
"""Seconds between looks at whether they are."""

# A cell may replace what modules have.
dumps = json.JSONEncoder().encode
_loads = json.JSONDecoder().decode
_getpid, _read, _write, _exit = os.getpid, os.read, os.write, os._exit
_ioctl, _sleep, _now, _error = fcntl.ioctl, time.sleep, time.monotonic, OSError
_FIONREAD, _unpack = termios.FIONREAD, struct.unpack


class Closed(Exception):
    """The host has closed its end."""


class Channel:
    """Requests come from one descriptor, answers go to another.

    Both move to where no cell finds them by chance, and no process that a cell starts has them.

    Attributes:
        source: The descriptor of requests.
        is_busy: Whether an interrupt would tear something apart now.
        interrupted: Whether one came meanwhile.
        is_at_hand: Whether a request has been taken that nobody has begun yet.
        wait_left: Seconds that the cell may still wait for its answers to be taken.
    """

    def __init__(self) -> None:
        base = max(min(resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 24, HIGHEST_FD), 5)
        self.source, self._sink = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, base) for fd in (3, 4))
        os.close(3)
        os.close(4)
        self._pid = _getpid()
        self._lock = threading.Lock()
        self._buffer = b""
        self._waiting: list[dict[str, Any]] = []
        self._poll = select.poll()
        self._poll.register(self.source, select.POLLIN)
        self._look = select.poll()  # for whoever interrupts the other
        self._look.register(self.source, select.POLLIN)
        self.is_busy = False
        self.interrupted = False
        self.is_at_hand = False
        self.wait_left = 0.0
        os.register_at_fork(after_in_child=self._leave)

    @property
    def is_ours(self) -> bool:
        """Whether this process is the kernel, and not one that a cell has forked."""
        return _getpid() == self._pid

    def send(self, document: dict[str, Any]) -> None:
        """Write one answer whole, whatever interrupts it."""
        if not self.is_ours:
            return
        data = dumps(document).encode("ascii") + b"\n"
        is_main = threading.current_thread() is threading.main_thread()
        if is_main:
            self.is_busy = True
        try:
            with self._lock:
                while data:
                    data = data[_write(self._sink, data) :]
        except OSError:
            _exit(1)
        if is_main:
            self._relax()

    def wait_until_taken(self) -> None:
        """Wait until answers have left: what is printed from here on comes behind them.

        PID 1 passes on what it finds in the pipes of output before what it finds in this one.
        """
        began = _now()
        try:
            while self.wait_left > _now() - began and _unread(self._sink):
                _sleep(LOOK_STEP)
        except _error:
            return
        finally:
            self.wait_left -= _now() - began

    def take(self, *, wait: bool = True, fresh: bool = False) -> dict[str, Any] | None:
        """The next request.

        Args:
            wait: Wait until there is one; else None says that there is none yet.
            fresh: Leave those that were put back.

        Raises:
            Closed: There will be none.
        """
        if self._waiting and not fresh:
            return self._waiting.pop(0)
        while b"\n" not in self._buffer:
            if not self._poll.poll(None if wait else 0):
                if wait:
                    continue
                return None
            self.is_busy = True
            data = _read(self.source, PIECE)
            self._buffer += data
            self._relax()
            if not data:
                raise Closed
        self.is_at_hand = True
        line, self._buffer = self._buffer.split(b"\n", 1)
        request: dict[str, Any] = _loads(line.decode("utf-8", "replace"))
        return request

    def has_more(self) -> bool:
        """Whether there is a request, or a part of one, that nobody has taken."""
        return bool(self._waiting or self._buffer or self._look.poll(0))

    def put_back(self, request: dict[str, Any]) -> None:
        """Keep a request for later."""
        self._waiting.append(request)

    def _relax(self) -> None:
        self.is_busy = False
        if self.interrupted:
            self.interrupted = False
            raise KeyboardInterrupt

    def _leave(self) -> None:
        """A child that a cell forks has no channel."""
        for fd in (self.source, self._sink):
            try:
                os.close(fd)
            except OSError:
                pass


def _unread(pipe: int) -> int:
    """Bytes in a pipe."""
    found: tuple[int] = _unpack("i", _ioctl(pipe, _FIONREAD, b"\0\0\0\0"))
    return found[0]
