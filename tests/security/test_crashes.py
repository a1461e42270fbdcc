"""What a program's end starts on the host: a handler of crashes is root's, in no sandbox."""

from __future__ import annotations

import fcntl
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import host
from tests.support.attack import attack, seen_from_host
from tests.support.identity import Runner

pytestmark = pytest.mark.promise("ISO-7")

PATTERN = Path("/proc/sys/kernel/core_pattern")

ROOT = os.environ.get("TESTS_OWN_ROOT", "")
"""Where the machine has the root that the tests run in: it starts handlers in its own."""

ATTACK = """
import resource

libc.prctl(15, {name!r}.encode(), 0, 0, 0)
soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
wanted = [(0, 0), (0, 1), (1, 0), (-1, -1), (1 << 20, 1 << 20), (0, hard)]
raw = (ctypes.c_uint64 * 2)(0, 0)
for limits in wanted:
    attempt(resource.setrlimit, resource.RLIMIT_CORE, limits)
    attempt(resource.prlimit, 0, resource.RLIMIT_CORE, limits)
    attempt(resource.prlimit, os.getpid(), resource.RLIMIT_CORE, limits)
    for word in (0, 1 << 32, os.getpid()):
        libc.syscall(302, ctypes.c_long(word), 4, ctypes.byref(raw), None)
        libc.syscall(302, ctypes.c_long(word), ctypes.c_long(4 | 1 << 32), ctypes.byref(raw), None)
    libc.syscall(160, 4, ctypes.byref(raw))
    for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGQUIT, signal.SIGSYS):
        at = child(lambda: (signal.signal(number, signal.SIG_DFL), os.kill(os.getpid(), number)))
        _, status = os.waitpid(at, 0)
        assert os.WTERMSIG(status) == number and not os.WCOREDUMP(status), status
os.abort()
"""


@pytest.fixture
def handled() -> Iterator[Path]:
    """Where the host's handler writes what crashed; the host has one meanwhile."""
    if os.getuid():
        pytest.skip("only root says what handles the host's crashes")
    with (
        tempfile.TemporaryDirectory(prefix="drybox-test-", dir="/var/tmp") as folder,
        open("/run/lock/drybox-test-core-pattern", "w") as lock,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)  # one at a time on this machine
        log, handler = Path(folder, "log"), Path(folder, "handler")
        log.touch()
        handler.write_text(f'#!/bin/sh\necho "$1" >> {ROOT}{log}\n')
        handler.chmod(0o755)
        before = PATTERN.read_text()
        PATTERN.write_text(f"|{ROOT}{handler} %e")
        try:
            yield log
        finally:
            PATTERN.write_text(before)


@seen_from_host
def test_a_crash_starts_nothing_on_the_host(runner: Runner, handled: Path) -> None:
    name, probe = (f"x{secrets.token_hex(6)}" for _ in range(2))

    result = runner.execute(attack(ATTACK.format(name=name), timeout=60))

    # One of the host's own does start it, and the kernel starts them in the order of the crashes.
    pid = os.fork()
    if pid == 0:
        Path("/proc/self/comm").write_text(probe)
        os.abort()
    os.waitpid(pid, 0)
    assert host.eventually(lambda: probe in handled.read_text(), 20)
    assert (result.status, result.signal) == ("signaled", "SIGABRT"), result
    assert name not in handled.read_text()
