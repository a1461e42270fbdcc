"""The CPU time that keys used on a day, kept in a file over restarts."""

from __future__ import annotations

import fcntl
import json
import logging
import math
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import anyio
import anyio.to_thread

from drybox.errors import InvalidRequest

FILE, LOCK = "cpu-time.json", "lock"
"""Names in the folder."""

MAX_FILE = 4 << 20
"""Bytes; the names of as many keys as a configuration can hold take less."""

WRITE_DELAY = 1.0
"""Seconds from one writing to the next: what a server that is killed forgets at most."""

_EPOCH = date(1970, 1, 1).toordinal()
_FIELD = "server.state_dir"
_NOT_OURS = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)

_log = logging.getLogger("drybox.http")


@dataclass(frozen=True, slots=True)
class DayUse:
    """What was used on one day.

    Attributes:
        day: Days since 1970, in UTC.
        seconds: CPU seconds by name of a key.
    """

    day: int
    seconds: Mapping[str, float]


NOTHING = DayUse(0, {})


class QuotaStore:
    """The file and the right to write it, which one server at a time has.

    It observes an admission, so as to know when there is something to write.

    Args:
        folder: Where the file is.
        delay: Seconds from one writing to the next.

    Raises:
        InvalidRequest: The folder cannot be used, or another server uses it.
    """

    def __init__(self, folder: str, delay: float = WRITE_DELAY) -> None:
        self._path = os.path.join(folder, FILE)
        try:
            self._lock = os.open(
                os.path.join(folder, LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
        except (OSError, ValueError) as error:
            hint = "Make the folder, and let the server's user write in it."
            raise _unusable(folder, error, hint) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            hint = "End that one, or name another folder."
            raise InvalidRequest(_FIELD, f"another server uses {folder!r}", hint=hint) from error
        self._delay = delay
        self._charged = anyio.Event()
        self._fails = False

    def close(self) -> None:
        """Let another server have it."""
        os.close(self._lock)

    def admitted(self, key: str, waited: float) -> None:
        """Costs nothing yet."""

    def refused(self, key: str, reason: str) -> None:
        """Costs nothing."""

    def charged(self, key: str, cpu_time: float) -> None:
        """There is something to write."""
        self._charged.set()

    def read(self) -> DayUse:
        """What was written last; nothing if nothing ever was.

        Raises:
            InvalidRequest: The file cannot be read, or is not what drybox wrote.
        """
        hint = "Fix it, or remove it: the counts of today then begin anew."
        try:
            with open(self._path, "rb") as file:
                content = file.read(MAX_FILE + 1)
        except FileNotFoundError:
            return NOTHING
        except OSError as error:
            raise _unusable(self._path, error, hint) from error
        try:
            return _parse(content)
        except _NOT_OURS as error:
            problem = f"{self._path!r} is not what drybox wrote"
            raise InvalidRequest(_FIELD, problem, hint=hint) from error

    def write(self, use: DayUse) -> None:
        """Put the file in the place of the last one; there is a whole one at any time.

        Raises:
            OSError: It cannot be written.
        """
        day = date.fromordinal(_EPOCH + use.day).isoformat()
        content = json.dumps({"day": day, "cpu_seconds": dict(use.seconds)}).encode()
        new = f"{self._path}.new"
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self._path)

    @asynccontextmanager
    async def keep(self, use: Callable[[], DayUse]) -> AsyncIterator[None]:
        """Write whenever something was charged, now and then and at the end; then let go.

        Args:
            use: Tells what is to be written.
        """
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._write_on, use)
                yield
                tasks.cancel_scope.cancel()
        finally:
            self._try(use())
            self.close()

    async def _write_on(self, use: Callable[[], DayUse]) -> None:
        while True:
            await self._charged.wait()
            self._charged = anyio.Event()
            await anyio.to_thread.run_sync(self._try, use())
            await anyio.sleep(self._delay)

    def _try(self, use: DayUse) -> None:
        """A full disk is no reason to serve nobody: what was used still counts in memory."""
        try:
            self.write(use)
            self._fails = False
        except OSError as error:
            if not self._fails:
                _log.error("the CPU time of keys cannot be kept: %s", error.strerror)
            self._fails = True


def _parse(content: bytes) -> DayUse:
    if len(content) > MAX_FILE:
        raise ValueError("it is too long")
    document: Any = json.loads(content)
    seconds = {str(name): float(value) for name, value in document["cpu_seconds"].items()}
    if not all(math.isfinite(value) and value >= 0 for value in seconds.values()):
        raise ValueError("these are not times")
    return DayUse(date.fromisoformat(document["day"]).toordinal() - _EPOCH, seconds)


def _unusable(path: str, error: Exception, hint: str) -> InvalidRequest:
    reason = getattr(error, "strerror", None) or str(error)
    return InvalidRequest(_FIELD, f"{path!r} cannot be used: {reason}", hint=hint)
