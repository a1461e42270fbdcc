"""Snapshots of sessions: what is in one, and sessions that begin with one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.isolations import Isolation

from drybox import CodeExecutor, ResourceLimits, Session, SnapshotError

pytestmark = [pytest.mark.promise("SNAP-1")]

LOOK = "cd /; find sandbox tmp dev/shm -mindepth 1 -printf '%p %y %m\\n' | LC_ALL=C sort"
SIZE = "wc -c <"
"""Says how long a file is; ``stat`` does not work behind older releases of gVisor."""

MAKE = """
umask 022
mkdir -p folder/deep empty; echo kept > folder/deep/file; chmod 600 folder/deep/file
printf '#!/bin/sh\\necho ran\\n' > program; chmod 755 program
mkdir closed; echo inside > closed/file; chmod 500 closed
echo tmp > /tmp/file; echo shm > /dev/shm/file
touch "$(printf 'odd\\377\\nname')"
head -c 3000000 /dev/zero > large; echo end >> large
chmod 666 /tmp/file
"""


@pytest.fixture
def session(executor: CodeExecutor, isolation: Isolation) -> Iterator[Session]:
    with executor.session("bash", isolation=isolation.name) as opened:
        yield opened


def test_a_session_begins_with_the_files_of_another(
    executor: CodeExecutor, isolation: Isolation, session: Session
) -> None:
    assert session.command(MAKE).status == "success"
    before = session.command(LOOK).stdout_bytes
    snapshot = session.snapshot()
    assert snapshot.left_out == ()
    assert snapshot.files == len(before.replace(b"\n", b"", 1).splitlines())
    assert snapshot in executor.snapshots()
    session.command("echo changed > folder/deep/file; rm program")
    for begins_with in (snapshot, snapshot.id):
        with executor.session("bash", isolation=isolation.name, snapshot=begins_with) as later:
            assert later.command(LOOK).stdout_bytes == before
            assert later.command("cat folder/deep/file closed/file /tmp/file /dev/shm/file").stdout
            assert later.command("./program").stdout == "ran\n"
            assert later.command(f"tail -c 4 large; {SIZE} large").stdout == "end\n3000004\n"
            later.command("echo own > folder/deep/file")
    assert session.command("cat folder/deep/file").stdout == "changed\n"
    executor.remove_snapshot(snapshot)
    assert snapshot not in executor.snapshots()


def test_the_same_files_are_the_same_snapshot(
    executor: CodeExecutor, isolation: Isolation, session: Session
) -> None:
    session.files.write("b", "two")
    session.files.write("a", "one")
    first = session.snapshot()
    with executor.session("bash", isolation=isolation.name) as other:
        other.files.write("a", "one")
        other.files.write("b", "two")
        assert other.snapshot().id == first.id
        other.files.write("b", "else")
        assert other.snapshot().id != first.id
    ids = [item.id for item in executor.snapshots()]
    assert ids.count(first.id) == 1


def test_code_finds_its_files_again(executor: CodeExecutor, isolation: Isolation) -> None:
    with executor.session("python", isolation=isolation.name) as first:
        assert first.run("open('data', 'w').write('41')").status == "success"
        snapshot = first.snapshot()
    with executor.session("python", isolation=isolation.name, snapshot=snapshot) as later:
        done = later.run("int(open('data').read()) + 1")
        assert done.results[0].data["text/plain"] == "42"
        assert later.run("done").error is not None  # variables are no files


def test_links_special_and_sparse_files_are_as_of_artifacts(
    executor: CodeExecutor, isolation: Isolation, session: Session
) -> None:
    session.command(
        "echo kept > file; ln -s /etc/passwd link; ln -s / root; ln file hard; mkfifo pipe;"
        "truncate -s 1T sparse; truncate -s 2M hole; echo x >> hole; mkdir no; chmod 0 no;"
        "touch secret; chmod 0 secret"
    )
    snapshot = session.snapshot()
    told = " ".join(snapshot.left_out)
    for name in ("link", "root", "pipe", "sparse", "no", "secret"):
        assert f"'/sandbox/{name}'" in told, name
    assert len(snapshot.left_out) == 6
    with executor.session("bash", isolation=isolation.name, snapshot=snapshot) as later:
        assert later.command(f"cat hard; {SIZE} hole; tail -c 2 hole").stdout == (
            "kept\n2097154\nx\n"
        )
        names = sorted(item.name for item in later.files.list())
        assert names == ["file", "hard", "hole", "no"]


MAKE_SPECIAL = """
import os, socket
for place in ("/sandbox", "/tmp", "/dev/shm"):
    os.chdir(place)
    listens = socket.socket(socket.AF_UNIX); listens.bind("socket")
    os.mkfifo("pipe"); os.symlink("data", "link");
    with open("data", "wb") as file:
        file.write(b"head"); file.seek(1_000_000); file.write(b"tail")
    os.chmod("data", 0o6755)
"""


def test_what_is_left_out_is_told_of_each_place(
    executor: CodeExecutor, isolation: Isolation
) -> None:
    with executor.session("python", isolation=isolation.name) as session:
        assert session.run(MAKE_SPECIAL).error is None
        snapshot = session.snapshot()
    kinds = {"socket": "socket", "pipe": "pipe", "link": "link"}
    assert len(snapshot.left_out) == 3 * len(kinds), snapshot.left_out
    with executor.session("bash", isolation=isolation.name, snapshot=snapshot) as later:
        for place in ("/sandbox", "/tmp", "/dev/shm"):
            for name, kind in kinds.items():
                (told,) = [why for why in snapshot.left_out if f"'{place}/{name}'" in why]
                assert kind in told
            assert later.files.read(f"{place}/data") == b"head" + bytes(999_996) + b"tail"
            assert later.command(f"find {place} -type f -printf '%P %m'").stdout == "data 755"


def test_a_paused_session_can_be_kept(session: Session) -> None:
    session.files.write("file", "kept")
    session.pause()
    assert session.snapshot().files == 1


def test_what_does_not_fit_or_is_not_there_is_told(
    executor: CodeExecutor, isolation: Isolation, session: Session
) -> None:
    session.command("head -c 3000000 /dev/urandom > data")
    snapshot = session.snapshot()
    small = ResourceLimits(disk=1 << 20)
    with pytest.raises(SnapshotError) as caught:
        executor.open_session("bash", isolation=isolation.name, snapshot=snapshot, limits=small)
    assert caught.value.reason == "no_space"
    executor.remove_snapshot(snapshot.id)
    for unknown in (snapshot, "sha256:" + "0" * 64, "no-such", "../../etc", "x\0y"):
        with pytest.raises(SnapshotError) as caught:
            executor.open_session("bash", isolation=isolation.name, snapshot=unknown)
        assert caught.value.reason == "not_found"
    with pytest.raises(SnapshotError):
        executor.remove_snapshot(snapshot)


@pytest.mark.promise("SNAP-2")
def test_a_snapshot_in_a_folder_survives_its_executor(isolation: Isolation, tmp_path: Path) -> None:
    first = CodeExecutor(isolation=isolation.name, snapshot_dir=tmp_path / "kept")
    with first, first.session("bash") as session:
        session.files.write("file", "stays")
        snapshot = session.snapshot()
    with CodeExecutor(isolation=isolation.name, snapshot_dir=tmp_path / "kept") as later:
        assert later.snapshots() == [snapshot]
        with later.session("bash", snapshot=snapshot) as session:
            assert session.files.read("file") == b"stays"


@pytest.mark.promise("SNAP-2")
def test_what_is_kept_is_bounded(isolation: Isolation) -> None:
    executor = CodeExecutor(isolation=isolation.name, max_snapshots=2, snapshot_share=1 << 20)
    with executor, executor.session("bash") as session:
        session.files.write("file", bytes(700_000))
        first = session.snapshot()
        session.files.write("more", "1")  # the rest of it is there already
        second = session.snapshot()
        session.files.write("more", "2")
        with pytest.raises(SnapshotError) as caught:
            session.snapshot()
        assert caught.value.reason == "no_space"
        executor.remove_snapshot(first)
        session.snapshot()
        executor.remove_snapshot(second)
        session.files.write("file", b"1" * 700_000)
        with pytest.raises(SnapshotError) as caught:  # both together are too large
            session.snapshot()
        assert caught.value.reason == "no_space"
        session.command("head -c 1048577 /dev/urandom > file")
        assert "file" in session.snapshot().left_out[0]
