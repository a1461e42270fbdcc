"""The way of one request through drybox's files, as ARCHITECTURE.md draws it and as it is."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from tests.support.source_tree import ROOT, SOURCE

_DOCUMENT = (ROOT / "ARCHITECTURE.md").read_text()
_SECTION = re.search(r"^## One `POST /v1/execute`\n([\s\S]*?)^## ", _DOCUMENT, re.MULTILINE)
_TREE = re.search(r"^src/drybox/\n([\s\S]*?)^```", _DOCUMENT, re.MULTILINE)
assert _SECTION is not None
assert _TREE is not None

DRAWN = _SECTION[1]
"""The section with the picture."""

STEPS = re.findall(r"^ +[│▼↑] +\d+  ([\w/]+\.py) +(\w+):", DRAWN, re.MULTILINE)
"""File and function of each numbered line."""

NEW_SANDBOX = ("backends/local/backend.py", "open")
"""Where the request stays, too, if no sandbox waits for it."""

_SEND = ("server/observability/access_log.py", "send")
"""What whoever sends the answer calls."""

_LAYERS = re.findall(r"^  (\w+)/", _TREE[1], re.MULTILINE)


def layer_of(file: str) -> int:
    """How far down the layer of a file is."""
    return _LAYERS.index(file.split("/")[0])


class Walk:
    """What a request did.

    Args:
        played: The files that functions of others stand in for.

    Attributes:
        stays: Files of the picture in the order in which the request was there. It comes back to
            one if it goes on from there to another, or if its answer is sent there.
        waiting: Every file of drybox with a coroutine that the request was in.
    """

    def __init__(self, played: Mapping[tuple[str, str], str]) -> None:
        self.stays: list[str] = []
        self.waiting: set[str] = set()
        self._played = played
        self._drawn = {*STEPS, NEW_SANDBOX}
        self._frames: list[FrameType] = []  # held, so that no other is taken for one of them

    def note(self, frame: FrameType, event: str, _: object) -> None:
        """Hear from the interpreter what happens in this thread."""
        if event != "call" or not frame.f_code.co_filename.startswith(f"{SOURCE}/drybox/"):
            return
        place = self._place(frame)
        if frame.f_code.co_flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
            self.waiting.add(place[0])
        if frame in self._frames or (place not in self._drawn and place != _SEND):
            return
        caller = frame.f_back
        while caller is not None and caller not in self._frames:
            caller = caller.f_back
        if caller is None and place[0] != STEPS[0][0]:
            return  # a task of its own, such as one that makes a sandbox wait
        if caller is not None:
            self._stay(caller)
        if place != _SEND:
            self._stay(frame)
            self._frames.append(frame)

    def _stay(self, frame: FrameType) -> None:
        file, _ = self._place(frame)
        if self.stays[-1:] != [file]:
            self.stays.append(file)

    def _place(self, frame: FrameType) -> tuple[str, str]:
        file = Path(frame.f_code.co_filename).relative_to(SOURCE / "drybox").as_posix()
        name = frame.f_code.co_name
        return self._played.get((file, name), file), name


@contextmanager
def followed(played: Mapping[tuple[str, str], str] | None = None) -> Iterator[Walk]:
    """Follow the one request that this thread answers meanwhile."""
    walk = Walk(played or {})
    sys.setprofile(walk.note)
    try:
        yield walk
    finally:
        sys.setprofile(None)
