"""Version ranges as npm has them, which is how Piston's clients ask for a version.

Ranges are untrusted, and existing libraries take seconds for some of them; this takes time in
proportion to a range's length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_RANGE = 256
"""Characters of a range; npm takes no more."""

MOST = 2**53 - 1
"""The largest number in a version: JavaScript's largest whole number."""

_COMPARATOR = re.compile(r"(<=|>=|<|>|=|~>?|\^)?(.*)", re.DOTALL)
_SPACE_AFTER_OPERATOR = re.compile(r"(?<=[<>=~^]) ")
_IDENTIFIER = re.compile(r"[0-9A-Za-z-]+")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}")

Prerelease = tuple[tuple[bool, int, str], ...]
"""Its identifiers in the order they are compared: numbers before words."""


_FIRST: Prerelease = ((False, -1, ""),)
"""Comes before every prerelease."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version; one without a prerelease comes after all of those with one.

    Attributes:
        numbers: Major, minor and patch.
        prerelease: What follows a dash, or ().
    """

    numbers: tuple[int, int, int]
    prerelease: Prerelease = ()

    @property
    def order(self) -> tuple[object, ...]:
        """What it is compared by."""
        return (*self.numbers, not self.prerelease, self.prerelease)


@dataclass(frozen=True, slots=True)
class _Partial:
    """A version that may leave numbers open: ``3``, ``3.x``, ``*``."""

    numbers: tuple[int, ...]
    prerelease: Prerelease = ()

    def lowest(self) -> Version:
        """The lowest version it stands for."""
        a, b, c = (*self.numbers, 0, 0, 0)[:3]
        return Version((a, b, c), self.prerelease)

    def above(self, count: int) -> Version:
        """The lowest version that differs in the first so many numbers, its prereleases too."""
        kept = [*self.numbers[:count]]
        kept[-1] += 1
        a, b, c = (*kept, 0, 0)[:3]
        return Version((a, b, c), _FIRST)


_NEVER = (">", Version((MOST + 1, 0, 0)))

_Bound = tuple[str, Version]


def satisfies(version: str, wanted: str) -> bool:
    """Whether a version is in a range; what is no range holds none.

    Args:
        version: Three numbers, and a prerelease perhaps.
        wanted: The range: ``*``, ``3.x``, ``^3.10.0``, ``>=3.10 <4``, ``3.10 - 3.12``.
    """
    if len(wanted) > MAX_RANGE or not wanted.isascii():
        return False
    try:
        this = _partial(version)
        parts = [list(_bounds(part)) for part in wanted.split("||")]
    except ValueError:
        return False
    return any(_holds(this.lowest(), bounds) for bounds in parts)


def _holds(version: Version, bounds: list[_Bound]) -> bool:
    order = version.order
    for operator, bound in bounds:
        if operator == ">=":
            inside = order >= bound.order
        elif operator == ">":
            inside = order > bound.order
        elif operator == "<":
            inside = order < bound.order
        else:
            inside = order <= bound.order
        if not inside:
            return False
    # A prerelease is taken only by who names one of the same version.
    return not version.prerelease or any(
        version.numbers == bound.numbers and bound.prerelease not in ((), _FIRST)
        for _, bound in bounds
    )


def _bounds(text: str) -> Iterator[_Bound]:
    """The bounds that a range without ``||`` consists of."""
    words = text.split()
    if len(words) == 3 and words[1] == "-":
        low, high = _partial(words[0]), _partial(words[2])
        yield ">=", low.lowest()
        if len(high.numbers) == 3:
            yield "<=", high.lowest()
        elif high.numbers:
            yield "<", high.above(len(high.numbers))
        return
    for word in _SPACE_AFTER_OPERATOR.sub("", " ".join(words)).split():
        match = _COMPARATOR.fullmatch(word)
        assert match is not None
        if not match[2]:
            raise ValueError("an operator without a version")
        yield from _compared(match[1] or "", _partial(match[2]))


def _compared(operator: str, partial: _Partial) -> Iterator[_Bound]:
    """The bounds of one operator and version."""
    size = len(partial.numbers)
    if size == 0:
        if operator in ("<", ">"):
            yield _NEVER
        return
    if operator in ("", "="):
        yield ">=", partial.lowest()
        yield ("<=", partial.lowest()) if size == 3 else ("<", partial.above(size))
    elif operator == "^":
        leading = next((at for at, number in enumerate(partial.numbers) if number), size - 1)
        yield ">=", partial.lowest()
        yield "<", partial.above(leading + 1)
    elif operator in ("~", "~>"):
        yield ">=", partial.lowest()
        yield "<", partial.above(min(size, 2))
    elif operator == ">" and size < 3:
        yield ">=", Version(partial.above(size).numbers)
    elif operator == "<=" and size < 3:
        yield "<", partial.above(size)
    else:
        yield operator, partial.lowest()


def _partial(text: str) -> _Partial:
    """A version with open ends.

    Raises:
        ValueError: It is none.
    """
    text, plus, build = text.removeprefix("v").partition("+")
    numbers_text, dash, prerelease_text = text.partition("-")
    words = numbers_text.split(".")
    if text and len(words) > 3:
        raise ValueError("too many numbers")
    numbers: list[int] = []
    is_open = False
    for word in words if text else []:
        if word in ("x", "X", "*"):
            is_open = True
        elif not _NUMBER.fullmatch(word) or int(word) > MOST:
            raise ValueError("no number")
        elif is_open:
            raise ValueError("a number after an open one")
        else:
            numbers.append(int(word))
    identifiers = tuple(_identifier(word) for word in prerelease_text.split(".")) if dash else ()
    if plus and not all(_IDENTIFIER.fullmatch(word) for word in build.split(".")):
        raise ValueError("no build")
    if (dash or plus) and len(words) < 3:
        raise ValueError("a prerelease of an open version")
    return _Partial(tuple(numbers), identifiers if len(numbers) == 3 else ())


def _identifier(word: str) -> tuple[bool, int, str]:
    if word.isdecimal():
        if not _NUMBER.fullmatch(word):
            raise ValueError("no number")
        return False, int(word), ""
    if not _IDENTIFIER.fullmatch(word):
        raise ValueError("no identifier")
    return True, 0, word
