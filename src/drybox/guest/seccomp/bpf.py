"""Compiles a policy to classic BPF: a binary search, then verdicts.

libseccomp has no "otherwise" for the arguments of a call, which lists of allowed arguments need:
to say it in its rules takes more instructions than the kernel accepts.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from drybox.guest.seccomp.verdicts import ALL_BITS, ALLOW, Switch, Verdict

# From <linux/bpf_common.h>.
_LOAD: Final = 0x20  # of a 32-bit word at an offset
_AND: Final = 0x54
_JUMP: Final = 0x05
_JUMP_IF_EQUAL: Final = 0x15
_JUMP_IF_AT_LEAST: Final = 0x35
_RETURN: Final = 0x06

# A conditional jump can skip 255 instructions. A little less, for a longer jump and a return may
# still be written between a place that has been looked for and the jump to it.
_REACH: Final = 250

# From <linux/seccomp.h>: where the words of `struct seccomp_data` are, on little-endian machines.
_NUMBER: Final = 0
_ARCHITECTURE: Final = 4
_ARGUMENTS: Final = 16

_RETURN_ERRNO: Final = 0x0005_0000
_KILL: Final = -2  # a verdict of this page's only: SECCOMP_RET_KILL_PROCESS
_ANSWERS: Final = {ALLOW: 0x7FFF_0000, _KILL: 0x8000_0000}

_X86_64: Final = 0xC000_003E
_X32: Final = 0x4000_0000  # set in the numbers of x86_64's second table of calls

_Ranges: TypeAlias = Sequence[tuple[int, Verdict]]  # where each begins; the first at 0


def program(architecture: int, verdicts: Mapping[int, Verdict], default: int) -> bytes:
    """Compile a policy.

    Another architecture's calls have other numbers: int 0x80 and x32 on x86_64, AArch32 on
    aarch64. They are no fall-back of anything, so the process that tries does not go on.

    Args:
        architecture: The kernel's number of it (AUDIT_ARCH_*).
        verdicts: The verdict on each call, by its number.
        default: The errno of all others.

    Returns:
        An array of ``struct sock_filter``.
    """
    code = _Program()
    ranges = _ranges(verdicts, default)
    if architecture == _X86_64:  # -1 is what a tracer puts in the place of a call
        ranges += [(_X32, _KILL), (ALL_BITS, default)]
    code.search(ranges)
    code.add(_LOAD, _NUMBER)
    native = code.here
    code.branch(_JUMP_IF_EQUAL, architecture, native, code.verdict(_KILL))
    code.add(_LOAD, _ARCHITECTURE)
    return code.finish()


def _ranges(cases: Mapping[int, Verdict], otherwise: Verdict) -> list[tuple[int, Verdict]]:
    """The number line, cut where the verdict changes."""
    ranges: list[tuple[int, Verdict]] = []
    edges = {0, *cases, *(value + 1 for value in cases if value < ALL_BITS)}
    for edge in sorted(edges):
        verdict = cases.get(edge, otherwise)
        if not ranges or ranges[-1][1] != verdict:
            ranges.append((edge, verdict))
    return ranges


class _Program:
    """A program while it is written, from its end to its beginning: all jumps go forward.

    A place is told by how many instructions follow it, itself included.
    """

    def __init__(self) -> None:
        self._reversed: list[tuple[int, int, int, int]] = []
        self._returns: dict[int, int] = {}
        self._switches: list[tuple[Switch, int]] = []

    @property
    def here(self) -> int:
        """The place of what was written last."""
        return len(self._reversed)

    def add(self, code: int, constant: int, if_true: int = 0, if_false: int = 0) -> int:
        """Write one instruction before all others."""
        self._reversed.append((code, if_true, if_false, constant))
        return self.here

    def _return(self, answer: int) -> int:
        """The place of a return that a jump from here reaches."""
        place = self._returns.get(answer)
        if place is None or self.here - place > _REACH:
            place = self._returns[answer] = self.add(_RETURN, answer)
        return place

    def branch(self, code: int, constant: int, if_true: int, if_false: int) -> int:
        """Write a jump to one of two places, over another jump where it is far."""
        if self.here - if_false > _REACH:
            if_false = self.add(_JUMP, self.here - if_false)
        if self.here - if_true > _REACH:
            if_true = self.add(_JUMP, self.here - if_true)
        return self.add(code, constant, self.here - if_true, self.here - if_false)

    def verdict(self, verdict: Verdict) -> int:
        """The place where a verdict is come to."""
        if isinstance(verdict, int):
            return self._return(_ANSWERS.get(verdict, _RETURN_ERRNO | verdict))
        for known, place in self._switches:
            if known == verdict:
                return place
        root = self.search(_ranges(verdict.cases, verdict.otherwise))
        if root != self.here:
            self.add(_JUMP, self.here - root)
        if verdict.mask != ALL_BITS:
            self.add(_AND, verdict.mask)
        place = self.add(_LOAD, _ARGUMENTS + 8 * verdict.arg + 4 * verdict.high)
        self._switches.append((verdict, place))
        return place

    def search(self, ranges: _Ranges) -> int:
        """Write the search for the range that a loaded word lies in."""
        if len(ranges) == 1:
            return self.verdict(ranges[0][1])
        if len(ranges) == 3 and ranges[0][1] == ranges[2][1] and ranges[2][0] == ranges[1][0] + 1:
            outside = self.verdict(ranges[0][1])
            inside = self.verdict(ranges[1][1])
            outside = self._near(ranges[0][1], outside)
            return self.branch(_JUMP_IF_EQUAL, ranges[1][0], inside, outside)
        middle = len(ranges) // 2
        above = self.search(ranges[middle:])
        below = self.search(ranges[:middle])
        if middle == len(ranges) - 1:
            above = self._near(ranges[middle][1], above)
        return self.branch(_JUMP_IF_AT_LEAST, ranges[middle][0], above, below)

    def _near(self, verdict: Verdict, place: int) -> int:
        """A nearer place of the same return, if there is one by now."""
        return self.verdict(verdict) if isinstance(verdict, int) else place

    def finish(self) -> bytes:
        """The instructions in their order."""
        return b"".join(struct.pack("=HBBI", *each) for each in reversed(self._reversed))
