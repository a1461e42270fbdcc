"""What is made is whole or not there, and what killed processes left is taken away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.host import eventually

from drybox.host.workplace import PREFIX, clear, workplace

HOLDS = (
    "import sys, time; from pathlib import Path; from drybox.host.workplace import workplace\n"
    "with workplace(Path(sys.argv[1]), swept='swept' in sys.argv) as folder:\n"
    "    (folder / 'part').write_bytes(bytes(100))\n"
    "    print(folder, flush=True)\n"
    "    sys.stdin.read()\n"
)


@contextmanager
def somebody_at_work(
    parent: Path, *, swept: bool = False
) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process that makes something, and its folder."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(parent), "swept" if swept else ""],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())


def test_the_folder_is_there_until_the_end(tmp_path: Path) -> None:
    with workplace(tmp_path / "new") as folder:
        (folder / "sub").mkdir()
        assert folder.parent == tmp_path / "new"
        assert folder.stat().st_mode & 0o777 == 0o700
    assert list((tmp_path / "new").iterdir()) == []
    with pytest.raises(ZeroDivisionError), workplace(tmp_path):
        _ = 1 / 0
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_what_a_killed_process_left_goes_with_the_next(tmp_path: Path) -> None:
    with somebody_at_work(tmp_path) as (process, left):
        process.send_signal(signal.SIGKILL)
    assert (left / "part").exists()
    with workplace(tmp_path) as folder:
        assert list(tmp_path.iterdir()) == [folder]


def test_what_is_swept_goes_with_the_process_that_is_killed(tmp_path: Path) -> None:
    """By itself: there may be no next one."""
    with somebody_at_work(tmp_path, swept=True) as (process, left):
        assert (left / "part").exists()
        process.send_signal(signal.SIGKILL)
    assert eventually(lambda: not left.exists())
    with workplace(tmp_path, swept=True) as folder:
        (folder / "part").write_text("")
    assert list(tmp_path.iterdir()) == []


def test_what_somebody_works_on_stays(tmp_path: Path) -> None:
    with somebody_at_work(tmp_path) as (process, folder):
        os.utime(folder, (0, 0))
        with workplace(tmp_path):
            assert clear(tmp_path) == {}
        assert (folder / "part").exists()
        process.kill()
        process.wait()
        assert clear(tmp_path) == {folder.name: 100}


def test_nothing_else_is_touched(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    parent = tmp_path / "parent"
    (parent / "kept").mkdir(parents=True)
    (parent / f"{PREFIX}file").write_text("")
    (parent / f"{PREFIX}link").symlink_to(outside)
    left = parent / f"{PREFIX}left"
    left.mkdir()
    (left / "link").symlink_to(outside)
    (outside / "file").write_text("")
    assert clear(parent).keys() == {left.name}
    assert sorted(path.name for path in parent.iterdir()) == [
        "kept",
        f"{PREFIX}file",
        f"{PREFIX}link",
    ]
    assert (outside / "file").exists()
    assert clear(tmp_path / "nowhere") == {}


def test_those_who_begin_at_once_keep_theirs(tmp_path: Path) -> None:
    """Each clears before it begins: never what another has made and not locked yet."""
    lost = []
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        for _ in range(30):
            with workplace(tmp_path) as folder:
                (folder / "part").write_text("")
                if not (folder / "part").exists():
                    lost.append(folder)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not lost
    assert list(tmp_path.iterdir()) == []
