"""What other packages add to drybox through their entry points."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


def entry_points(group: str) -> Sequence[EntryPoint]:
    """The entry points of a group.

    Mostly there are none. To load ``importlib.metadata``, which parses e-mail for it, takes longer
    than to see that.
    """
    if not _may_have(group.encode()):
        return ()
    from importlib.metadata import entry_points as find

    return tuple(find(group=group))


def _may_have(group: bytes) -> bool:
    """False only where certainly no package has entry points of the group."""
    if any(hasattr(finder, "find_distributions") for finder in _finders()):
        return True
    return any(_folder_may_have(folder or ".", group) for folder in sys.path)


def _finders() -> list[object]:
    return [finder for finder in sys.meta_path if finder is not PathFinder]


def _folder_may_have(folder: str, group: bytes) -> bool:
    try:
        names = os.listdir(folder)
    except OSError:
        return os.path.isfile(folder)  # an archive, which may hold anything
    if folder.endswith(".egg"):
        return True
    for name in names:
        if name.endswith(".egg"):
            return True
        if name.endswith((".dist-info", ".egg-info")):
            try:
                with open(f"{folder}/{name}/entry_points.txt", "rb") as file:
                    if group in file.read():
                        return True
            except OSError:
                continue
    return False
