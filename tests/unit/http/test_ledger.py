"""The ledger: whole at any time, one server's alone, and nobody else's file."""

from __future__ import annotations

import json
import logging
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drybox import InvalidRequest
from drybox.http.ledger import FILE, NOTHING, DayUse, Ledger

USE = DayUse(20_000, {"shop": 1.5, "school": 0.0})


def refused(folder: Path) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught, closing(Ledger(str(folder))) as ledger:
        ledger.read()
    assert caught.value.field == "server.state_dir"
    assert caught.value.hint
    return caught.value


def test_what_was_written_is_read(tmp_path: Path) -> None:
    with closing(Ledger(str(tmp_path))) as ledger:
        assert ledger.read() == NOTHING
        ledger.write(USE)
        ledger.write(USE)
        assert ledger.read() == USE
    file = tmp_path / FILE
    assert json.loads(file.read_text()) == {"day": "2024-10-04", "cpu_seconds": dict(USE.seconds)}
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_folder_serves_one_server(tmp_path: Path) -> None:
    with closing(Ledger(str(tmp_path))):
        assert "another server uses" in refused(tmp_path).message


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path / "nothing").message
    (tmp_path / "file").touch()
    assert "Not a directory" in refused(tmp_path / "file").message


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"day": "2024-10-04"}',
        b'{"day": 3, "cpu_seconds": {}}',
        b'{"day": "today", "cpu_seconds": {}}',
        b'{"day": "2024-10-04", "cpu_seconds": []}',
        b'{"day": "2024-10-04", "cpu_seconds": {"shop": null}}',
        b'{"day": "2024-10-04", "cpu_seconds": {"shop": NaN}}',
        b'{"day": "2024-10-04", "cpu_seconds": {"shop": -1}}',
        b'{"day": "2024-10-04", "cpu_seconds": {"shop": 1%s}}' % (b"0" * 400),
        b"[" * 100_000,
        b" " * (5 << 20) + b'{"day": "2024-10-04", "cpu_seconds": {}}',
    ],
)
def test_a_file_that_drybox_did_not_write_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert "is not what drybox wrote" in refused(tmp_path).message


@given(st.text(max_size=60))
def test_any_other_text_is_refused_too(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("ledger")
    (folder / FILE).write_text(text, "utf-8", "surrogatepass")
    refused(folder)


class Watched(Ledger):
    """Counts what it writes; writes nothing while its disk is full."""

    tries = 0
    full = False

    def write(self, use: DayUse) -> None:
        try:
            if self.full:
                raise OSError(28, "No space left on device")
            super().write(use)
        finally:
            self.tries += 1

    async def until(self, tries: int) -> None:
        with anyio.fail_after(60):
            while self.tries < tries:
                await anyio.sleep(0.001)


@pytest.mark.anyio
async def test_it_is_written_at_once_then_after_a_pause_and_at_the_end(tmp_path: Path) -> None:
    ledger = Watched(str(tmp_path), pause=3600.0)
    counts = {"shop": 1.0}
    async with ledger.keep(lambda: DayUse(20_000, dict(counts))):
        ledger.charged("shop", 1.0)
        await ledger.until(1)
        for _ in range(10):
            counts["shop"] += 1.0
            ledger.charged("shop", 1.0)
            await anyio.sleep(0)
        assert ledger.read().seconds == {"shop": 1.0}
    assert ledger.tries == 2
    with closing(Ledger(str(tmp_path))) as next_one:
        assert next_one.read() == DayUse(20_000, {"shop": 11.0})


@pytest.mark.anyio
async def test_a_full_disk_is_said_once_and_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = Watched(str(tmp_path), pause=0.0)
    ledger.full = True
    with caplog.at_level(logging.ERROR, "drybox.http"):
        async with ledger.keep(lambda: USE):
            for tries in (1, 2, 3):
                ledger.charged("shop", 1.0)
                await ledger.until(tries)
            ledger.full = False
    assert len(caplog.records) == 1
    assert "No space left on device" in caplog.text
    with closing(Ledger(str(tmp_path))) as next_one:
        assert next_one.read() == USE
