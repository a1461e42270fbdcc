"""Attacks on whoever reads the same files: the host, and other sandboxes.

Whether a sandbox has inodes of its own or not, the tests look at those that it sees.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from pathlib import Path
from textwrap import dedent

import pytest
from tests.support import host
from tests.support.attack import answered, attack, held, probe, seen_from_host
from tests.support.identity import Runner

pytestmark = pytest.mark.promise("ISO-5")

CROWD = """
# A file that sandboxes share with the host or with one another.
SHARED = os.path.realpath(os.__file__)
FOLDER = os.path.dirname(SHARED)
tried = []

def crowd_of_readers(action, most=40):
    # In each of many processes of one group, each with descriptors of its own.
    action()
    for _ in range(most):
        try:
            child(lambda: (action(), signal.pause()))
        except OSError:
            break

def from_libc(name, *arguments):
    ctypes.set_errno(0)
    result = getattr(libc, name)(*arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return result

def control(fd, command, argument):
    tried.append(attempt(from_libc, "fcntl", fd, command, ctypes.c_long(argument)))

signal.signal(signal.SIGIO, signal.SIG_IGN)
"""

ATTACKS = {
    "dnotify": """
        def notify():
            for _ in range(8):
                fd = os.open(FOLDER, os.O_RDONLY)
                control(fd, 8, -os.getpgrp())                 # F_SETOWN
                control(fd, 10, signal.SIGRTMIN)              # F_SETSIG
                control(fd, 1026, 0x8000_0000 | 0x1 | 0x20)   # F_NOTIFY, DN_ACCESS, DN_ATTRIB
        signal.signal(signal.SIGRTMIN, signal.SIG_IGN)
        crowd_of_readers(notify)
        """,
    "inotify": """
        def watch():
            for _ in range(200):
                try:
                    fd = from_libc("inotify_init1", 0)
                except OSError:
                    return
                for path in (FOLDER, SHARED):
                    for mask in (0x1, 0x1 | 0x10 | 0x20, 0xFFF):
                        tried.append(attempt(
                            from_libc, "inotify_add_watch", fd, path.encode(), mask))
        crowd_of_readers(watch)
        """,
}


def _seconds_to_read(path: Path) -> float:
    """What 16 bytes take; the best of many tries, for the machine has other things to do."""
    best = float("inf")
    fd = os.open(path, os.O_RDONLY)
    try:
        for _ in range(200):
            begun = time.perf_counter()
            for _ in range(10):
                os.pread(fd, 16, 0)
            best = min(best, (time.perf_counter() - begun) / 10)
            if best > 0.01:
                break
    finally:
        os.close(fd)
    return best


@pytest.fixture
def shared(runner: Runner) -> str:
    """The path of the file that attacks are on."""
    return str(probe(runner, "answer(os.path.realpath(os.__file__))"))


def _seen(runner: Runner, path: str, pid: int) -> list[Path]:
    """A file as the sandbox of this process sees it, and the host's of the same name."""
    inside = Path(f"/proc/{pid}/root{path}")
    return [inside] if runner.isolation.from_image else [inside, Path(path)]


@seen_from_host
@pytest.mark.parametrize("kind", ATTACKS)
def test_reading_a_shared_file_is_as_fast_as_before(runner: Runner, shared: str, kind: str) -> None:
    with held(runner, attack("hold()")) as quiet:
        before = [_seconds_to_read(path) for path in _seen(runner, shared, quiet.pid)]

    code = f"exec({CROWD!r})\nexec({dedent(ATTACKS[kind])!r})\nhold()\nanswer(tried)"
    with held(runner, attack(code)) as attacks:
        during = [_seconds_to_read(path) for path in _seen(runner, shared, attacks.pid)]

    assert max(during) < 2 * max(before), (before, during)
    assert set(answered(attacks.result)) == {"EINVAL"}


@seen_from_host
def test_reading_a_shared_file_is_seen_by_nobody(runner: Runner, shared: str) -> None:
    watcher = attack(
        f"""
        exec({CROWD!r})
        fd = from_libc("inotify_init1", os.O_NONBLOCK)
        for path in (FOLDER, SHARED):
            for bit in range(12):
                attempt(from_libc, "inotify_add_watch", fd, path.encode(), 1 << bit | 0x2000_0000)
        hold()
        try:
            seen = len(os.read(fd, 1 << 16))
        except BlockingIOError:
            seen = 0
        answer(seen)
        """
    )

    with held(runner, watcher) as attacks:
        for path in _seen(runner, shared, attacks.pid):
            assert path.read_bytes()

    assert answered(attacks.result) == 0


def test_changes_of_own_files_can_be_watched(runner: Runner) -> None:
    seen = probe(
        runner,
        f"""
        exec({CROWD!r})
        fd = from_libc("inotify_init1", os.O_NONBLOCK)
        # What libuv, Go's fsnotify and Java's WatchService ask for.
        from_libc("inotify_add_watch", fd, b"/sandbox", 0xFC6)
        open("/sandbox/new", "w").close()
        answer(len(os.read(fd, 1 << 16)) > 0)
        """,
    )

    assert seen is True


def _is_in_memory(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            return bool(os.preadv(file.fileno(), [bytearray(16)], 0, os.RWF_NOWAIT))
        except OSError as error:
            if error.errno != errno.EAGAIN:
                pytest.skip("this file system does not tell what is in memory")
            return False


@seen_from_host
def test_shared_files_stay_in_the_hosts_memory(runner: Runner, shared: str) -> None:
    advice = attack(
        """
        import mmap
        hold()
        with open(os.__file__, "rb") as file:
            attempt(os.posix_fadvise, file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            for flags in (1, 8, 64, 128):  # RWF_DONTCACHE is the last
                attempt(os.preadv, file.fileno(), [bytearray(16)], 0, flags)
            with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as pages:
                for number in (4, 8, 20, 21, 25):  # MADV_PAGEOUT among them
                    attempt(pages.madvise, number)
        with open("/proc/self/comm", "w") as comm:
            comm.write("advised")
        signal.sigwait({signal.SIGUSR1})
        """
    )
    with held(runner, advice) as attacks:
        paths = _seen(runner, shared, attacks.pid)
        for path in paths:
            assert path.read_bytes()
            assert _is_in_memory(path)
        attacks.release(attacks.pid)
        assert host.eventually(lambda: host.status(attacks.pid)["Name"] == "advised")
        stayed = [_is_in_memory(path) for path in paths]
        os.kill(attacks.pid, signal.SIGUSR1)

    assert all(stayed)


def _flushes() -> int:
    """Times that the host's disks have been told to write their caches."""
    count = 0
    for path in Path("/sys/block").glob("*/stat"):
        figures = path.read_text().split()
        count += int(figures[15]) if len(figures) > 15 else 0
    return count


@seen_from_host
def test_the_hosts_disks_are_not_flushed(runner: Runner) -> None:
    flusher = attack(
        """
        import mmap
        def flush():
            with open(os.__file__, "rb") as file, mmap.mmap(
                file.fileno(), 0, prot=mmap.PROT_READ
            ) as pages:
                for _ in range(500):
                    os.fsync(file.fileno())
                    os.fdatasync(file.fileno())
                    libc.syncfs(file.fileno())
                    libc.sync_file_range(file.fileno(), ctypes.c_long(0), ctypes.c_long(0), 7)
                    pages.flush()
        flush()
        hold()
        answer("done")
        """
    )
    with held(runner, attack("hold()")):
        pass
    before = _flushes()

    with held(runner, flusher) as attacks:
        flushed = _flushes() - before

    assert answered(attacks.result) == "done"
    assert flushed < 500
