"""The quota store: whole at any time, one server's alone, and nobody else's file."""

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
from drybox.service.quota.store import FILE, NOTHING, DayUse, QuotaStore

pytestmark = pytest.mark.promise("KEY-13")

USE = DayUse(20_000, {"shop": 1.5, "school": 0.0})


def refused(folder: Path) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught, closing(QuotaStore(str(folder))) as quota_store:
        quota_store.read()
    assert caught.value.field == "server.state_dir"
    assert caught.value.hint
    return caught.value


def test_what_was_written_is_read(tmp_path: Path) -> None:
    with closing(QuotaStore(str(tmp_path))) as quota_store:
        assert quota_store.read() == NOTHING
        quota_store.write(USE)
        quota_store.write(USE)
        assert quota_store.read() == USE
    file = tmp_path / FILE
    assert json.loads(file.read_text()) == {"day": "2024-10-04", "cpu_seconds": dict(USE.seconds)}
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_folder_serves_one_server(tmp_path: Path) -> None:
    with closing(QuotaStore(str(tmp_path))):
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
    folder = tmp_path_factory.mktemp("quota_store")
    (folder / FILE).write_text(text, "utf-8", "surrogatepass")
    refused(folder)


class Watched(QuotaStore):
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
    quota_store = Watched(str(tmp_path), delay=3600.0)
    counts = {"shop": 1.0}
    async with quota_store.keep(lambda: DayUse(20_000, dict(counts))):
        quota_store.charged("shop", 1.0)
        await quota_store.until(1)
        for _ in range(10):
            counts["shop"] += 1.0
            quota_store.charged("shop", 1.0)
            await anyio.sleep(0)
        assert quota_store.read().seconds == {"shop": 1.0}
    assert quota_store.tries == 2
    with closing(QuotaStore(str(tmp_path))) as next_one:
        assert next_one.read() == DayUse(20_000, {"shop": 11.0})


@pytest.mark.anyio
async def test_a_full_disk_is_said_once_and_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    quota_store = Watched(str(tmp_path), delay=0.0)
    quota_store.full = True
    with caplog.at_level(logging.ERROR, "drybox.http"):
        async with quota_store.keep(lambda: USE):
            for tries in (1, 2, 3):
                quota_store.charged("shop", 1.0)
                await quota_store.until(tries)
            quota_store.full = False
    assert len(caplog.records) == 1
    assert "No space left on device" in caplog.text
    with closing(QuotaStore(str(tmp_path))) as next_one:
        assert next_one.read() == USE
