"""Looking at a folder again and again costs little, however many files a program puts there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import anyio
import pytest

from drybox.sessions.copying import WATCH_PAUSE, WATCH_STEP, CopiedFiles
from drybox.sessions.results import FileInfo

pytestmark = pytest.mark.anyio


class Listed:
    """Files whose listing takes as long as is said; there is one more each time."""

    def __init__(self, takes: list[float]) -> None:
        self._takes = takes
        self.now = 0.0
        self.slept: list[float] = []
        self._files: list[FileInfo] = []

    async def list(self, path: str, depth: int) -> Sequence[FileInfo]:
        self.now += self._takes.pop(0)
        name = f"{len(self._files)}"
        self._files.append(FileInfo(f"/sandbox/{name}", name, "file", 0, 0o644, 0.0))
        return list(self._files)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


async def test_long_looks_have_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = Listed([9.0, 0.001, 2.0, 0.001, 0.0])
    monkeypatch.setattr(anyio, "sleep", listed.sleep)
    monkeypatch.setattr(anyio, "current_time", lambda: listed.now)
    changes = CopiedFiles.watch(cast(Any, listed))
    for _ in range(4):
        assert (await anext(changes)).type == "created"
    assert listed.slept == [WATCH_STEP, WATCH_STEP, WATCH_PAUSE * 2.0, WATCH_STEP]
