"""The terms of the policy: what can be decided about a system call."""

from __future__ import annotations

import dataclasses
import errno
from collections.abc import Mapping
from typing import Final, TypeAlias

ALLOW: Final = -1
PRETEND: Final = 0  # the kernel never sees the call, and the program is told that it worked
DEFAULT: Final = errno.ENOSYS

ALL_BITS: Final = 0xFFFF_FFFF
LOW_HALF: Final = 0xFFFF

# A verdict is ALLOW, the errno to fail with (0: PRETEND), or a look at one of the arguments.
Verdict: TypeAlias = "int | Switch"


@dataclasses.dataclass(frozen=True)
class Switch:
    """A verdict that depends on one argument of the call.

    Attributes:
        arg: Index of the argument.
        cases: The verdict for each value of `argument & mask`.
        otherwise: The verdict for every other value.
        mask: The bits that count. Never more than 32: the kernel reads no more of the arguments
            named in the policy, pointers apart, and a filter that looks at more than the kernel
            does is fooled with `cmd | 1 << 32`. Fewer are right where only some flags matter.
        high: Whether it is the argument's upper half that is looked at: of a pointer.
        names: What values and flags are called, for readers.
        flags: How `names` is meant if it holds flags: "without" these, or "only" of these.
    """

    arg: int
    cases: Mapping[int, Verdict]
    otherwise: Verdict
    mask: int = ALL_BITS
    high: bool = False
    names: Mapping[str, int] = dataclasses.field(default_factory=dict)
    flags: str = ""


@dataclasses.dataclass(frozen=True)
class Group:
    """Calls that all get the same verdict, whatever their arguments are.

    Attributes:
        purpose: What they are for.
        calls: Their names, between blanks.
        reason: Why, in Markdown, where the purpose does not say it.
    """

    purpose: str
    calls: str
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class Guard:
    """Calls that are allowed by their arguments.

    Attributes:
        calls: Names of the calls, between blanks.
        verdict: What their arguments decide.
        reason: Why, in Markdown.
    """

    calls: str
    verdict: Switch
    reason: str


def only(arg: int, values: Mapping[str, int], otherwise: Verdict, mask: int = ALL_BITS) -> Switch:
    """Allows these values and no other."""
    return Switch(arg, dict.fromkeys(values.values(), ALLOW), otherwise, mask, names=values)


def all_but(arg: int, values: Mapping[str, int], answer: int, mask: int = ALL_BITS) -> Switch:
    """Allows every value but these."""
    return Switch(arg, dict.fromkeys(values.values(), answer), ALLOW, mask, names=values)


def without(arg: int, flags: Mapping[str, int], answer: int) -> Switch:
    """Allows every set of flags that has none of these."""
    return Switch(arg, {0: ALLOW}, answer, _union(flags), names=flags, flags="without")


def only_flags(arg: int, flags: Mapping[str, int], answer: int) -> Switch:
    """Allows these flags, in any combination, and no other bit."""
    mask = ALL_BITS & ~_union(flags)
    return Switch(arg, {0: ALLOW}, answer, mask, names=flags, flags="only")


def _union(flags: Mapping[str, int]) -> int:
    union = 0
    for flag in flags.values():
        union |= flag
    return union
