"""Globs over the paths of a sandbox, as shells and git understand them."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Sequence
from fnmatch import translate

import anyio.lowlevel

MATCH_TIME = 0.5
"""CPU seconds that matching all names of a sandbox may take: both sides come from strangers."""

SLICE = 0.002
"""CPU seconds of them after which others run."""

MOST_KNOWN = 10_000
"""Names and folders of which is remembered what they match."""


class TooLong(ValueError):
    """Matching takes longer than it may."""


class Globs:
    """Several globs, matched together.

    A path is read name by name. Where in the globs that may have led is one number, a bit for
    each part of each glob; so a name costs the same however many globs there are, once it is
    known which parts are like it.

    Args:
        globs: For instance ``*.txt``, ``out/**/*.png`` or ``data/[ab]?.csv``: ``*`` stays within a
            folder, ``**`` does not.
        pause: Lets others run.
    """

    def __init__(
        self,
        globs: Sequence[str],
        pause: Callable[[], Awaitable[None]] = anyio.lowlevel.checkpoint,
    ) -> None:
        self._pause = pause
        self._exact: dict[str, int] = {}
        self._patterns: dict[str, int] = {}
        self._any = self._deep = self._ends = self._start = 0
        self._end_of: dict[str, int] = {}
        self._matched = at = 0
        for glob in dict.fromkeys(globs):
            self._start |= 1 << at
            for part in _parts(glob):
                self._note(part, 1 << at)
                at += 1
            self._ends |= 1 << at
            self._end_of[glob] = 1 << at
            at += 1
        self._start = self._skip(self._start)
        self._like: list[tuple[Callable[[str], object], int]] = []
        self._left_to_read = list(self._patterns.items())
        self._names: dict[str, int] = {}
        self._folders: dict[str, int] = {"": self._start}
        self._left = MATCH_TIME
        self._began = self._spent = 0.0

    async def match(self, path: str) -> bool:
        """Whether a relative path matches one of them.

        Raises:
            TooLong: This and those before have taken too long.
        """
        self._began = time.thread_time()
        folder, _, name = path.rpartition("/")
        places = await self._walk(await self._into(folder), name) if path else self._start
        await self._count()
        self._matched |= places & self._ends
        return bool(places & self._ends)

    async def enter(self, folder: str) -> bool:
        """Whether a path below this folder could match one of them.

        Raises:
            TooLong: This and those before have taken too long.
        """
        self._began = time.thread_time()
        places = await self._into(folder)
        await self._count()
        return bool(places & ~self._ends)

    def unmatched(self) -> list[str]:
        """The globs that no path has matched so far."""
        return [glob for glob, end in self._end_of.items() if not self._matched & end]

    async def _into(self, folder: str) -> int:
        """Where the names of a folder lead."""
        known = self._folders.get(folder)
        if known is not None:
            return known
        places, read = self._start, ""
        for name in folder.split("/"):
            read = f"{read}/{name}" if read else name
            known = self._folders.get(read)
            places = await self._walk(places, name) if known is None else known
            if len(self._folders) < MOST_KNOWN:
                self._folders[read] = places
        return places

    async def _walk(self, places: int, name: str) -> int:
        if not places:
            return 0
        like = self._names.get(name)
        if like is None:
            await self._read_patterns()
            like = self._any | self._exact.get(name, 0)
            for count, (matches, bits) in enumerate(self._like):
                if matches(name):
                    like |= bits
                if count % 32 == 31:
                    await self._count()
            if len(self._names) < MOST_KNOWN:
                self._names[name] = like
        return self._skip(places & self._deep | (places & like) << 1)

    async def _read_patterns(self) -> None:
        """Have them all as regular expressions: there may be thousands, which takes long, too."""
        while self._left_to_read:
            part, bits = self._left_to_read.pop()
            self._like.append((re.compile(translate(part)).match, bits))
            await self._count()

    def _skip(self, places: int) -> int:
        """Those places, and what comes behind each ``**``, which may stand for no name."""
        return places | (places & self._deep) << 1

    def _note(self, part: str, bit: int) -> None:
        if part == "**":
            self._deep |= bit
        elif part == "*":
            self._any |= bit
        elif re.search(r"[*?[]", part):
            self._patterns[part] = self._patterns.get(part, 0) | bit
        else:
            self._exact[part] = self._exact.get(part, 0) | bit

    async def _count(self) -> None:
        """Count the time, and let others have theirs."""
        now = time.thread_time()
        self._spent += now - self._began
        self._began = now
        if self._spent < SLICE:
            return
        self._left -= self._spent
        self._spent = 0.0
        if self._left <= 0:
            raise TooLong("matching the files with the globs takes too long")
        await self._pause()
        self._began = time.thread_time()


def _parts(glob: str) -> list[str]:
    """The parts of a glob, of several ``**`` in a row just one."""
    parts = glob.split("/")
    return [part for at, part in enumerate(parts) if part != "**" or parts[at - 1 : at] != ["**"]]
