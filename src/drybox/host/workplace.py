"""Folders that something is made in, before it is moved to its place as a whole.

Whoever makes something holds a lock on its folder. The kernel lets go of that when a process ends,
however that happens, in whatever namespace it was; so a folder without one is left over.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "making-"

_SWEEP = """
import fcntl, os, shutil, sys, time
sys.stdin.buffer.read()
folder, until = sys.argv[1], time.monotonic() + 60
while os.path.lexists(folder) and time.monotonic() < until:
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        pass  # it is gone, or who was killed has not ended yet
    time.sleep(0.01)
"""
"""Removes a folder once nobody has the other end of its standard input, unless it is gone."""


@contextmanager
def workplace(parent: Path, *, swept: bool = False) -> Iterator[Path]:
    """A folder to fill, which is gone at the end; what processes that were killed left goes before.

    Args:
        parent: Where it is, on the file system of what is made.
        swept: Whether it goes at once if this process is killed. That takes a process more.

    Raises:
        OSError: It could not be made.
    """
    parent.mkdir(parents=True, exist_ok=True)
    clear(parent)
    folder, lock = _make(parent)
    try:
        with _sweeper(folder) if swept else contextlib.nullcontext():
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


@contextmanager
def _sweeper(folder: Path) -> Iterator[None]:
    """While a process beside this one would remove a folder if this one were killed."""
    # In a session of its own it outlives what a terminal ends. Its pipe is closed by the kernel.
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _SWEEP, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    ):
        yield


def clear(parent: Path) -> dict[str, int]:
    """Remove the folders that nobody works on any more.

    Returns:
        Names of those that are gone, and how many bytes their files had.
    """
    gone = {}
    for path in parent.glob(f"{PREFIX}*"):
        try:
            lock = _lock(path)
        except OSError:  # somebody works on it, or it is no folder, or not ours to remove
            continue
        try:
            size = _size(path)
            shutil.rmtree(path, ignore_errors=True)
            if not path.exists():
                gone[path.name] = size
        finally:
            os.close(lock)
    return gone


def _make(parent: Path) -> tuple[Path, int]:
    while True:
        folder = parent / f"{PREFIX}{os.urandom(8).hex()}"
        folder.mkdir(mode=0o700)
        with contextlib.suppress(FileNotFoundError, BlockingIOError):  # removed before it was ours
            return folder, _lock(folder)


def _size(folder: Path) -> int:
    total = 0
    for at, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(at, name)).st_size
    return total


def _lock(folder: Path) -> int:
    """The descriptor that holds a folder.

    Raises:
        BlockingIOError: Somebody else does.
        OSError: It cannot be opened, or is there no more.
    """
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(lock), os.stat(folder)):
            raise FileNotFoundError(folder)
    except BaseException:
        os.close(lock)
        raise
    return lock
