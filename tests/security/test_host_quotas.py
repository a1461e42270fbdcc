"""Attacks on what the kernel counts for each user of the host, not for each sandbox."""

from __future__ import annotations

import subprocess
import sys
from typing import NamedTuple

import pytest
from tests.support.attack import attack, held, run_as, seen_from_host, source
from tests.support.identity import Runner


class Quota(NamedTuple):
    """Attributes:
    take: Takes one more in the sandbox; raises at the end.
    use: Takes one as drybox's user on the host, and prints what it got.
    """

    take: str
    use: str


CALLS = """
import fcntl

class Event(ctypes.Structure):
    _fields_ = [("value", ctypes.c_void_p), ("signal", ctypes.c_int), ("rest", ctypes.c_int * 13)]

class Queue(ctypes.Structure):
    _fields_ = [("words", ctypes.c_long * 8)]

def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result

def watch():
    return checked(libc.inotify_init1(0)) >= 0

def timer():
    return checked(libc.timer_create(1, ctypes.byref(Event(0, 34)), ctypes.byref(Event()))) == 0

queues = 0
def queue():
    global queues
    queues += 1
    words = Queue((ctypes.c_long * 8)(0, 10, 8192))
    name = f"/drybox-{os.getpid()}-{queues}".encode()
    return checked(libc.mq_open(name, os.O_CREAT | os.O_RDWR, 0o600, ctypes.byref(words))) >= 0

ends = []
def pipe():
    ends.append(os.pipe())
    most = 1 << 20
    return fcntl.fcntl(ends[-1][1], fcntl.F_SETPIPE_SZ, most) == most
"""

QUOTAS = {
    "inotify instances": Quota("watch()", "print(watch())"),
    "timers and queued signals": Quota("timer()", "print(timer())"),
    "message queues": Quota(
        "queue()", "print(queue(), libc.mq_unlink(f'/drybox-{os.getpid()}-1'.encode()))"
    ),
}


@seen_from_host
@pytest.mark.parametrize("name", QUOTAS)
def test_a_sandbox_leaves_the_quotas_of_its_user_alone(runner: Runner, name: str) -> None:
    quota = QUOTAS[name]
    hog = attack(
        f"""
        def take_all():
            for _ in range(200_000):
                {quota.take}
        exec({CALLS!r})
        attempt(take_all)
        hold()
        """
    )
    before = _use(runner, quota)

    with held(runner, hog):
        during = _use(runner, quota)

    assert before.returncode == 0, before.stderr
    assert (during.returncode, during.stdout) == (0, before.stdout), during.stderr


def _use(runner: Runner, quota: Quota) -> subprocess.CompletedProcess[str]:
    return run_as(runner, [sys.executable, "-c", source(f"{CALLS}\n{quota.use}")])
