"""Globs over the paths of a sandbox, with the meaning shells and git give them."""

from __future__ import annotations

from fnmatch import fnmatchcase


def matches(glob: str, path: str) -> bool:
    """Whether a relative path matches: ``*`` stays within a folder, ``**`` does not.

    Works in time proportional to the product of both lengths, whatever they are: both
    come from strangers.

    Args:
        glob: For instance ``*.txt``, ``out/**/*.png`` or ``data/[ab]?.csv``.
        path: Path relative to the working directory.
    """
    names = path.split("/")
    # reachable[i]: the parts of the glob so far can match the first i names.
    reachable = [True] + [False] * len(names)
    for part in glob.split("/"):
        if part == "**":
            for i in range(1, len(reachable)):
                reachable[i] = reachable[i] or reachable[i - 1]
        else:
            reachable = [False] + [
                reachable[i] and fnmatchcase(name, part) for i, name in enumerate(names)
            ]
    return reachable[-1]
