"""The filter on system calls that every sandbox runs under.

`seccomp_policy.py` says what is allowed; this page has libseccomp compile it. Init, which gets it
over its stream, loads it before any user data comes in.

libseccomp is reached through ctypes, for it is on nearly every Linux system already, and a binding
from PyPI would have to be compiled on many of them.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import os
import platform
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias, cast

from drybox.guest import seccomp_policy as policy

_LIBRARY: Final = "libseccomp.so.2"
_OLDEST: Final = (2, 4, 0)  # the first that can kill a process, not just one of its threads
_INSTALL: Final = "Install it: apt install libseccomp2, or dnf install libseccomp."

# The policy's numbers (ioctl, flags of sockets, order of clone's arguments) hold on these.
_X86_64: Final = 0xC000_003E
_AARCH64: Final = 0xC000_00B7
_REVIEWED: Final = {"x86_64": _X86_64, "aarch64": _AARCH64}

# From <seccomp.h>.
_ACT_ALLOW: Final = 0x7FFF_0000
_ACT_KILL_PROCESS: Final = 0x8000_0000
_ACT_ERRNO: Final = 0x0005_0000
_ATTRIBUTE_BAD_ARCHITECTURE: Final = 2
_ATTRIBUTE_OPTIMIZE: Final = 8
_OPTIMIZE_BINARY_TREE: Final = 2
_COMPARE_MASKED_EQUAL: Final = 7

# From <linux/prctl.h> and <linux/seccomp.h>.
_PR_SET_SECCOMP: Final = 22
_SECCOMP_MODE_FILTER: Final = 2

_ALL_BITS: Final = 0xFFFF_FFFF

_Comparison: TypeAlias = tuple[int, int]  # mask, value: argument & mask == value
_Conditions: TypeAlias = tuple[tuple[int, int, int], ...]  # argument's index, mask, value


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
        An array of `struct sock_filter`, as bubblewrap's `--seccomp` reads it. Some 11 KiB: it
        fits into a pipe. Compiled once per process, in some 25 ms.

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


def _unreviewed(machine: str) -> SeccompUnavailable:
    return SeccompUnavailable(
        f"The seccomp policy is written for x86_64 and aarch64, not for {machine}.",
        "Let sandboxes run on one of these, with a 64-bit Python.",
    )


def _compile(library: _Library, architecture: int) -> bytes:
    """Has libseccomp make the program; tests also ask for the other architecture's."""
    with contextlib.closing(_Filter(library, _action(policy.DEFAULT), architecture)) as made:
        # Another architecture's calls have other numbers: int 0x80 and x32 on x86_64, AArch32 on
        # aarch64. They are no fall-back of anything, so the process that tries does not go on.
        made.set(_ATTRIBUTE_BAD_ARCHITECTURE, _ACT_KILL_PROCESS)
        if library.version >= (2, 5, 0):
            # A search by halves instead of a walk along all the rules, on every call.
            made.set(_ATTRIBUTE_OPTIMIZE, _OPTIMIZE_BINARY_TREE)
        for name, verdict in _verdicts():
            if not library.knows(name, architecture):
                continue
            for conditions, answer in _rules(verdict):
                if answer != policy.DEFAULT:  # libseccomp refuses rules that change nothing
                    made.add(_action(answer), name, conditions)
        return made.export()


def _verdicts() -> Iterator[tuple[str, policy.Verdict]]:
    """Every system call that the policy names, with its verdict."""
    for table, verdict in (
        (policy.ALLOWED, policy.ALLOW),
        (policy.PRETENDED, policy.PRETEND),
        (policy.REFUSED, errno.EPERM),
        (policy.ABSENT, policy.DEFAULT),
    ):
        for names in table.values():
            for name in names.split():
                yield name, verdict
    yield from policy.GUARDED.items()


def _rules(verdict: policy.Verdict) -> Iterator[tuple[_Conditions, int]]:
    """Spells a verdict out as rules of which exactly one fits each call.

    libseccomp has no "otherwise" for the arguments of a call (what no rule fits gets the filter's
    default) and says nothing about which of two fitting rules wins, so both are avoided.

    Yields:
        The conditions of one rule, and the errno or ALLOW that answers it.
    """
    if isinstance(verdict, int):
        yield (), verdict
        return
    fits = [(_all_but(verdict.cases, verdict.mask), verdict.otherwise)]
    for branch in _distinct(verdict.cases.values()):
        values = (value for value, each in verdict.cases.items() if each == branch)
        fits.append(({(verdict.mask, value) for value in values}, branch))
    for comparisons, branch in fits:
        for mask, value in _merge(comparisons):
            for conditions, answer in _rules(branch):
                yield ((verdict.arg, mask, value), *conditions), answer


def _distinct(verdicts: Iterable[policy.Verdict]) -> list[policy.Verdict]:
    """The verdicts without repetitions. They hold dictionaries, so no set takes them."""
    found: list[policy.Verdict] = []
    for verdict in verdicts:
        if verdict not in found:
            found.append(verdict)
    return found


def _all_but(values: Iterable[int], mask: int) -> set[_Comparison]:
    """Disjoint comparisons that fit every number which in `mask` equals none of `values`.

    The values are a tree when read bit by bit; each branch that the tree does not have is one
    comparison.
    """
    comparisons: set[_Comparison] = set()
    known = {0}
    seen = 0
    for bit in reversed(_bits(mask)):
        seen |= bit
        present = {value & seen for value in values}
        absent = {start | extra for start in known for extra in (0, bit)} - present
        comparisons |= {(seen, start) for start in absent}
        known = present
    return comparisons


def _merge(comparisons: set[_Comparison]) -> list[_Comparison]:
    """Makes one comparison of each two that differ in a single bit: fewer rules, same meaning."""
    merged = set(comparisons)
    for bit in _bits(_ALL_BITS):
        for mask, value in sorted(merged):
            pair = {(mask, value), (mask, value ^ bit)}
            if mask & bit and pair <= merged:
                merged = merged - pair | {(mask & ~bit, value & ~bit)}
    return sorted(merged)


def _bits(mask: int) -> list[int]:
    """The bits that are set, lowest first."""
    return [1 << place for place in range(mask.bit_length()) if mask >> place & 1]


def _action(answer: int) -> int:
    """The action of libseccomp's that carries out a verdict."""
    return _ACT_ALLOW if answer == policy.ALLOW else _ACT_ERRNO | answer


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
            "Boot one that has CONFIG_SECCOMP_FILTER, as all distributions' have; inside a "
            "container, allow prctl(PR_SET_SECCOMP).",
        )


class _ArgumentComparison(ctypes.Structure):
    """`struct scmp_arg_cmp`."""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
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
        pointer, integer, word = ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32
        self.init = self._function("seccomp_init", pointer, word)
        self.release = self._function("seccomp_release", None, pointer)
        self.attribute_set = self._function("seccomp_attr_set", integer, pointer, integer, word)
        self.arch_native = self._function("seccomp_arch_native", word)
        self.arch_add = self._function("seccomp_arch_add", integer, pointer, word)
        self.arch_remove = self._function("seccomp_arch_remove", integer, pointer, word)
        self.resolve = self._function(
            "seccomp_syscall_resolve_name_arch", integer, word, ctypes.c_char_p
        )
        self.rule_add = self._function(
            "seccomp_rule_add_array",
            integer,
            *(pointer, word, integer, ctypes.c_uint, ctypes.POINTER(_ArgumentComparison)),
        )
        self.export = self._function("seccomp_export_bpf", integer, pointer, integer)

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


class _Filter:
    """A filter of libseccomp's while it is being made. `close` frees it."""

    def __init__(self, library: _Library, default: int, architecture: int) -> None:
        self._library = library
        self._native = library.native_architecture()
        self._context = library.init(default)
        if not self._context:
            raise SeccompUnavailable("libseccomp could not make a filter.", _INSTALL)
        if architecture != self._native:
            _must("add an architecture", library.arch_add(self._context, architecture))
            _must("remove an architecture", library.arch_remove(self._context, self._native))

    def close(self) -> None:
        """Frees it."""
        self._library.release(self._context)

    def set(self, attribute: int, value: int) -> None:
        """Sets an attribute of the whole filter."""
        result = self._library.attribute_set(self._context, attribute, value)
        _must(f"set attribute {attribute} to {value:#x}", result)

    def add(self, action: int, name: str, conditions: _Conditions) -> None:
        """Adds a rule. libseccomp takes the native number, for other architectures too."""
        comparisons = (_ArgumentComparison * len(conditions))(
            *(
                _ArgumentComparison(arg, _COMPARE_MASKED_EQUAL, mask, value)
                for arg, mask, value in conditions
            )
        )
        number = self._library.number(name, self._native)
        result = self._library.rule_add(self._context, action, number, len(conditions), comparisons)
        _must(f"add a rule for {name}", result)

    def export(self) -> bytes:
        """The program, as the kernel takes it."""
        # libseccomp before 2.6 writes to descriptors only.
        with os.fdopen(os.memfd_create("seccomp"), "w+b") as file:
            _must("export the filter", self._library.export(self._context, file.fileno()))
            file.seek(0)
            return file.read()


def _must(step: str, result: int) -> None:
    """Raises SeccompUnavailable unless `result` is libseccomp's zero for success."""
    if result != 0:
        raise SeccompUnavailable(
            f"libseccomp could not {step}: {os.strerror(-result)}.",
            "It and the kernel (4.14 or newer) must support killing a process from a filter.",
        )
