"""What attacks have at hand: placed in every sandbox beside the attack, as ``inside.py``."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import platform
import signal
import socket
import sys  # noqa: F401  # for the attacks
from collections.abc import Callable

libc = ctypes.CDLL(None, use_errno=True)

# Numbers of system calls on x86_64 and on aarch64; None where there is no such call.
CALLS: dict[str, tuple[int | None, int]] = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "clone3": (435, 435),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "init_module": (175, 105),
    "io_setup": (206, 0),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "mbind": (237, 235),
    "membarrier": (324, 283),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "move_pages": (279, 239),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "openat2": (437, 437),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_madvise": (440, 440),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "seccomp": (317, 277),
    "setdomainname": (171, 162),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "vhangup": (153, 58),
}


def answer(value: object) -> None:
    """What the test gets to see."""
    print(json.dumps(value), flush=True)


def attempt(function: Callable[..., object], *arguments: object, **named: object) -> str:
    """The name of the error that it ends with, or "allowed"."""
    try:
        function(*arguments, **named)
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    except ValueError as error:  # how the resource module puts EPERM
        return str(error)
    return "allowed"


def call(name: str, *arguments: object) -> int:
    """A system call by its number, past every function of the C library."""
    number = CALLS[name][platform.machine() != "x86_64"]
    assert number is not None
    ctypes.set_errno(0)
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    result = int(libc.syscall(ctypes.c_long(number), *words))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def read(path: str) -> str:
    """The text of a file, or the name of the error that reading it ends with."""
    try:
        with open(path, "rb") as file:
            return file.read(1 << 20).decode("utf-8", "replace")
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))


def child(body: Callable[[], object]) -> int:
    """Fork a child that does something and ends; return its process id."""
    pid = os.fork()
    if pid == 0:
        try:
            body()
        finally:
            os._exit(0)
    return pid


def crowd(most: int = 4000) -> tuple[int, str]:
    """Fork children that wait until no more can be had; how many, and the error."""
    for count in range(most):
        try:
            child(signal.pause)
        except OSError as error:
            return count, errno.errorcode[error.errno or 0]
    return most, "allowed"


def connect(
    family: socket.AddressFamily, address: tuple[str, int] | str, *, datagram: bool = False
) -> None:
    """Reach a socket and leave a word there."""
    with socket.socket(family, socket.SOCK_DGRAM if datagram else socket.SOCK_STREAM) as each:
        each.settimeout(20)
        each.connect(address)
        each.send(b"visited")


def hold() -> None:
    """Tell the test that all is set, and wait until it has looked."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    with open("/proc/self/comm", "w") as file:
        file.write("holding")
    signal.sigwait({signal.SIGUSR1})
