"""Builds the seccomp filter of a sandbox.

`policy.py` says what is allowed, libseccomp what each call's number is on an architecture, and
`bpf.py` writes the program. Init, which gets it over its stream, loads it before any user data
comes in.

libseccomp is reached through ctypes, for it is on nearly every Linux system already, and a binding
from PyPI would have to be compiled on many of them.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import platform
from collections.abc import Callable, Iterator, Mapping
from typing import Final, cast

from drybox.guest.seccomp import bpf, policy
from drybox.guest.seccomp.verdicts import ALL_BITS, ALLOW, Switch

_LIBRARY: Final = "libseccomp.so.2"
_OLDEST: Final = (2, 4, 0)  # those before it know too few calls
_INSTALL: Final = "Install it: apt install libseccomp2, or dnf install libseccomp."

# The policy's numbers (ioctl, flags of sockets, order of clone's arguments) hold on these.
_X86_64: Final = 0xC000_003E
_AARCH64: Final = 0xC000_00B7
_REVIEWED: Final = {"x86_64": _X86_64, "aarch64": _AARCH64}
_MACHINES: Final = {number: machine for machine, number in _REVIEWED.items()}

# From <linux/prctl.h> and <linux/seccomp.h>.
_PR_SET_SECCOMP: Final = 22
_SECCOMP_MODE_FILTER: Final = 2


class SeccompUnavailable(Exception):
    """No filter can be made or installed on this host.

    Args:
        message: What is missing, in one sentence.
        hint: The command or change that mends it.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message} {hint}")
        self.message = message
        self.hint = hint


@functools.lru_cache(maxsize=1)
def filter_program() -> bytes:
    """The sandbox's filter for this machine, compiled.

    Returns:
        An array of `struct sock_filter`. Compiled once per process.

    Raises:
        SeccompUnavailable: libseccomp is missing or too old, or the kernel or the architecture
            cannot be served.
    """
    _check_kernel()
    library = _Library()
    architecture = library.native_architecture()
    if architecture not in _REVIEWED.values():
        raise _unreviewed(platform.machine())
    return _compile(library, architecture)


@functools.lru_cache(maxsize=1)
def filter_program_for(machine: str) -> bytes:
    """The filter for another machine's kernel, compiled by this one's libseccomp.

    Args:
        machine: Its architecture, as ``uname -m`` names it there.

    Raises:
        SeccompUnavailable: libseccomp is missing or too old, or the architecture cannot be served.
    """
    library = _Library()
    if machine not in _REVIEWED:
        raise _unreviewed(machine)
    return _compile(library, _REVIEWED[machine])


def template_filter(key: int) -> bytes:
    """The sandbox's filter, but that whoever knows a key may join namespaces and load a filter.

    Children of a template have it for life. Without the key both calls are refused as ever.

    Args:
        key: 64 bits that nobody can guess; an argument more than the calls have.

    Raises:
        SeccompUnavailable: As for :func:`filter_program`.
    """
    filter_program()  # which checks everything
    library = _Library()
    low, high = key & ALL_BITS, key >> 32
    architecture = library.native_architecture()

    def known(arg: int, otherwise: policy.Verdict) -> Switch:
        return Switch(arg, {low: Switch(arg, {high: ALLOW}, otherwise, high=True)}, otherwise)

    usual = dict(verdicts(architecture))
    calls = {"setns": 2, "seccomp": 3}  # which of their arguments the kernel does not look at
    others = {name: known(arg, usual[name]) for name, arg in calls.items()}
    return _compile(library, architecture, others)


def _unreviewed(machine: str) -> SeccompUnavailable:
    return SeccompUnavailable(
        f"The seccomp policy is written for x86_64 and aarch64, not for {machine}.",
        "Let sandboxes run on one of these, with a 64-bit Python.",
    )


def _compile(
    library: _Library, architecture: int, others: Mapping[str, policy.Verdict] | None = None
) -> bytes:
    """The program for an architecture; tests also ask for the other one's."""
    known = (
        (library.number(name, architecture), verdict)
        for name, verdict in (dict(verdicts(architecture)) | dict(others or {})).items()
        if library.knows(name, architecture)
    )
    return bpf.program(architecture, dict(known), policy.DEFAULT)


def verdicts(architecture: int) -> Iterator[tuple[str, policy.Verdict]]:
    """Every system call that the policy names, with its verdict."""
    for table, verdict in (
        (policy.ALLOWED, policy.ALLOW),
        (policy.PRETENDED, policy.PRETEND),
        (policy.REFUSED, errno.EPERM),
        (policy.ABSENT, policy.DEFAULT),
    ):
        for group in table:
            for name in group.calls.split():
                yield name, verdict
    yield from policy.guarded(_MACHINES[architecture]).items()


def _check_kernel() -> None:
    """Makes sure that the kernel takes filters.

    The very call that bubblewrap makes, with a bad pointer for the filter: a kernel that would
    look at it says EFAULT, any other EINVAL. /proc tells less, and may not be mounted.

    Raises:
        SeccompUnavailable: It does not.
    """
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_SECCOMP_MODE_FILTER), None)
    if (number := ctypes.get_errno()) != errno.EFAULT:
        raise SeccompUnavailable(
            f"This kernel takes no seccomp filters: {os.strerror(number)}.",
            "Boot a kernel with CONFIG_SECCOMP_FILTER, as every distribution has; inside a "
            "container, allow prctl(PR_SET_SECCOMP).",
        )


class _Version(ctypes.Structure):
    """`struct scmp_version`."""

    _fields_ = (("major", ctypes.c_uint), ("minor", ctypes.c_uint), ("micro", ctypes.c_uint))


class _Library:
    """libseccomp's functions, typed.

    Raises:
        SeccompUnavailable: It is not there, or too old.
    """

    def __init__(self) -> None:
        try:
            self._dll = ctypes.CDLL(_LIBRARY)
        except OSError as error:
            raise SeccompUnavailable(
                f"libseccomp, which makes the filter on system calls, cannot be loaded: {error}.",
                _INSTALL,
            ) from error
        self.version = self._read_version()
        if self.version < _OLDEST:
            found, oldest = (".".join(map(str, each)) for each in (self.version, _OLDEST))
            raise SeccompUnavailable(
                f"libseccomp {found} is too old; drybox needs {oldest} or newer.", _INSTALL
            )
        self.arch_native = self._function("seccomp_arch_native", ctypes.c_uint32)
        self.resolve = self._function(
            "seccomp_syscall_resolve_name_arch", ctypes.c_int, ctypes.c_uint32, ctypes.c_char_p
        )

    def native_architecture(self) -> int:
        """The architecture of this process, as the kernel numbers them (AUDIT_ARCH_*)."""
        return self.arch_native()

    def number(self, name: str, architecture: int) -> int:
        """The number of a system call; negative where there is none."""
        return self.resolve(architecture, name.encode())

    def knows(self, name: str, architecture: int) -> bool:
        """Whether the architecture has this system call, and the library has heard of it."""
        return self.number(name, architecture) >= 0

    def _read_version(self) -> tuple[int, int, int]:
        read = self._dll.seccomp_version
        read.restype = ctypes.POINTER(_Version)
        version = read().contents
        return version.major, version.minor, version.micro

    def _function(self, name: str, result: object, *arguments: object) -> Callable[..., int]:
        function = getattr(self._dll, name)
        function.restype = result
        function.argtypes = arguments
        return cast("Callable[..., int]", function)
