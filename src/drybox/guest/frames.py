"""The frames between drybox and a sandbox's init: pure functions of bytes."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from drybox.job import WORK_DIR, Command
from drybox.model import ResourceLimits


class GuestFileError(Exception):
    """A file could not be placed; the text is the guest's reason."""


MAX_FRAME = 1 << 20
"""Most bytes a request frame may hold; init refuses more."""

MAX_JOB = 64 * 1024
"""Bytes that init surely can hand to a prestart at once, whatever its socket holds by default."""

SOCKET_BYTES = 128 * 1024
"""A program may have a socket for so many bytes of memory, but always ``LEAST_SOCKETS``: what a
socket has not sent yet, 64 KiB for UDP, no cgroup counts as memory."""

LEAST_SOCKETS = 256

HEAD = struct.Struct("<cI")
END = struct.Struct("<iQQ??Q")


class Purpose(IntEnum):
    """What a sandbox is for; init has the same numbers.

    Attributes:
        USUAL: To run programs that its init starts.
        TEMPLATE: To have its prestarted process forked into others.
        JOINED: To run what is forked from a template.
    """

    USUAL = 0
    TEMPLATE = 1
    JOINED = 2


class GuestGone(Exception):
    """The stream ended or spoke nonsense: the sandbox is no more."""


class GuestForged(GuestGone):
    """Somebody else than init wrote into its stream: nothing in it can be believed any more."""


class GuestExecError(Exception):
    """The command could not be started."""

    def __init__(self, program: str, number: int) -> None:
        super().__init__(f"{program} could not be started: {os.strerror(number)}")
        self.program = program
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
        out_of_memory: Whether init ended it for too many sockets, or what waited in those of
            netlink, or the kernel a process of the sandbox for want of memory, as far as that is
            seen from inside: a container sees its own cgroup.
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
    return os.fsencode("\0".join(words)) + b"\0"


def _deadline(command: Command) -> int:
    return min(max(int(command.timeout * 1000), 1), 2**32 - 1)


def most_sockets(limits: ResourceLimits) -> int:
    """Sockets that programs under these limits may have."""
    return min(max(LEAST_SOCKETS, limits.memory // SOCKET_BYTES), 2**32 - 1)


def _bounds(command: Command) -> bytes:
    """When init ends the command: its deadline, and the sockets that are too many."""
    return struct.pack("<II", _deadline(command), most_sockets(command.limits))


def prestart_payload(handoff: int, fifo: str, command: Command, env: Mapping[str, str]) -> bytes:
    """A prestarted process for init to start: the way it waits, its FIFO, and the command.

    Raises:
        GuestExecError: It is larger than a command may be.
    """
    payload = bytes([handoff]) + os.fsencode(fifo) + b"\0" + exec_payload(command, env)
    if len(payload) > MAX_FRAME:
        raise GuestExecError(command.argv[0], errno.E2BIG)
    return payload


def job_payload(number: int, command: Command, env: Mapping[str, str], room: int = 0) -> bytes:
    """A command for a prestart: bounds, which one, room, then what the prestarted process reads."""
    job = struct.pack("<II", len(command.argv), len(env)) + _words(command, env)
    return _bounds(command) + struct.pack("<III", number, room, len(job)) + job


def exec_payload(command: Command, env: Mapping[str, str], room: int = 0) -> bytes:
    """A command for init to start.

    Args:
        command: The command.
        env: Its variables.
        room: Bytes that each of its outputs holds before somebody reads; 0 for the usual.

    Raises:
        GuestExecError: It is larger than a command may be.
    """
    cwd = WORK_DIR if command.cwd is None else command.cwd
    head = _bounds(command) + struct.pack("<II", command.limits.open_files, room)
    counts = struct.pack("<II", len(command.argv), len(env))
    payload = head + counts + os.fsencode(cwd) + b"\0" + _words(command, env)
    if len(payload) > MAX_FRAME:
        raise GuestExecError(command.argv[0], errno.E2BIG)
    return payload


def parse_exit(data: bytes) -> GuestExit:
    """The end of a command, from its frame."""
    status, elapsed, cpu, timed_out, out_of_memory, peak = END.unpack(data)
    signal = status & 0x7F  # as wait(2) lays it out
    return GuestExit(
        code=None if signal else status >> 8 & 0xFF,
        signal=signal or None,
        wall_time=elapsed / 1e9,
        cpu_time=cpu / 1e6,
        timed_out=timed_out,
        out_of_memory=out_of_memory,
        memory_peak=peak or None,
    )
