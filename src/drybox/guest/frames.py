"""Frames as they travel to a sandbox's init and back: pure functions of bytes."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from drybox.model import Command
from drybox.protocols import WORK_DIR

MAX_FRAME = 1 << 20
"""Most bytes a request frame may hold; init refuses more."""

MAX_JOB = 64 * 1024
"""Bytes that init surely can hand to a runner at once, whatever its socket holds by default."""

HEAD = struct.Struct("<cI")
END = struct.Struct("<iQQ??Q")


class GuestGone(Exception):
    """The stream ended or spoke nonsense: the sandbox is no more."""


class GuestForged(GuestGone):
    """Somebody else than init wrote into its stream: nothing in it can be believed any more."""


class GuestExecError(Exception):
    """The command could not be started."""

    def __init__(self, program: str, number: int) -> None:
        super().__init__(f"{program} could not be started: {os.strerror(number)}")
        self.number = number


@dataclass(frozen=True, slots=True)
class GuestExit:
    """How init saw a command end.

    Attributes:
        code: Exit code, or None.
        signal: Number of the signal that ended it, or None.
        wall_time: Seconds it took.
        cpu_time: Seconds of CPU of its whole tree.
        timed_out: Whether init ended it at the deadline.
        out_of_memory: Whether the kernel ended a process of the sandbox for want of memory, as
            far as that is seen from inside: a container sees its own cgroup.
        memory_peak: Most bytes of memory in use at once; None where that is not seen.
    """

    code: int | None
    signal: int | None
    wall_time: float
    cpu_time: float
    timed_out: bool
    out_of_memory: bool = False
    memory_peak: int | None = None


def frame(kind: bytes, payload: bytes) -> bytes:
    """A frame as it travels."""
    return HEAD.pack(kind, len(payload)) + payload


def _words(command: Command, env: Mapping[str, str]) -> bytes:
    words = (*command.argv, *(f"{k}={v}" for k, v in env.items()))
    return b"".join(os.fsencode(word) + b"\0" for word in words)


def _deadline(command: Command) -> int:
    return min(max(int(command.timeout * 1000), 1), 2**32 - 1)


def runner_payload(way: int, door: str, command: Command, env: Mapping[str, str]) -> bytes:
    """A runner for init to start: the way it waits, its door, and the command.

    Raises:
        GuestExecError: It is larger than a command may be.
    """
    payload = bytes([way]) + os.fsencode(door) + b"\0" + exec_payload(command, env)
    if len(payload) > MAX_FRAME:
        raise GuestExecError(command.argv[0], errno.E2BIG)
    return payload


def job_payload(number: int, command: Command, env: Mapping[str, str]) -> bytes:
    """A command for a runner that waits: deadline, which one, then what the runner reads."""
    job = struct.pack("<II", len(command.argv), len(env)) + _words(command, env)
    return struct.pack("<III", _deadline(command), number, len(job)) + job


def exec_payload(command: Command, env: Mapping[str, str]) -> bytes:
    """A command for init to start.

    Raises:
        GuestExecError: It is larger than a command may be.
    """
    limits, cwd = command.limits, os.fsencode(command.cwd or WORK_DIR) + b"\0"
    head = struct.pack("<II", _deadline(command), limits.open_files)
    counts = struct.pack("<II", len(command.argv), len(env))
    payload = head + counts + cwd + _words(command, env)
    if len(payload) > MAX_FRAME:
        raise GuestExecError(command.argv[0], errno.E2BIG)
    return payload


def parse_exit(data: bytes) -> GuestExit:
    """The end of a command, from its frame."""
    status, wall, cpu, timed_out, out_of_memory, peak = END.unpack(data)
    signal = status & 0x7F  # as wait(2) lays it out
    return GuestExit(
        code=None if signal else status >> 8 & 0xFF,
        signal=signal or None,
        wall_time=wall / 1e9,
        cpu_time=cpu / 1e6,
        timed_out=timed_out,
        out_of_memory=out_of_memory,
        memory_peak=peak or None,
    )
