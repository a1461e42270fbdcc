"""Attacks by way of snapshots, seen from outside: what they hold of the host, what they cost."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.host import eventually
from tests.support.isolations import Isolation

from drybox import CodeExecutor, SnapshotError
from drybox.sessions.snapshots.content import Entry, id_of, written

pytestmark = pytest.mark.promise("SNAP-3")

SYSTEMS = Path("/usr/bin/env")
"""A file of the system that sandboxes see: the host's, or their image's."""

DIGEST = f"head -c {1 << 20} {SYSTEMS} | sha256sum"
"""The name of its first piece."""

SWAP = f"""
while :; do
    ln -sfn {SYSTEMS} file; ln -sfn {SYSTEMS.parent} folder; : > began
    rm -f file folder; mkdir folder; echo own > file; echo own > folder/env
    rm -r folder
done
"""
GROW = """
while :; do
    head -c 1000000 /dev/urandom >> grows
    test $(wc -c < grows) -lt 40000000 || : > grows
done
"""
KEEP = """
import sys
from drybox import CodeExecutor
executor = CodeExecutor(isolation="local", snapshot_dir=sys.argv[1])
with executor, executor.session("bash") as session:
    for count in range(1000):
        session.command(
            "rm -rf *; for n in 1 2 3 4 5 6; do head -c 300000 /dev/urandom > $n; done;"
            "sha256sum [1-6] > sums"
        )
        snapshot = session.snapshot()
        for old in executor.snapshots()[:-4]:
            executor.remove_snapshot(old)
        print(count, flush=True)
"""


@pytest.fixture(autouse=True)
def nothing_is_left(isolation: Isolation) -> Iterator[None]:
    """No sandbox is left. Who runs drybox makes no difference to what is shown here."""
    pid = os.getpid()
    before = isolation.sandboxes(pid)
    yield
    assert eventually(lambda: isolation.sandboxes(pid) <= before, isolation.gone_within)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A folder for snapshots."""
    return tmp_path / "kept"


@pytest.fixture
def keeper(kept: Path, isolation: Isolation) -> CodeExecutor:
    """An executor that keeps them there."""
    return CodeExecutor(isolation=isolation.name, snapshot_dir=kept)


def pieces(folder: Path) -> set[str]:
    """The digests of all that is kept."""
    return {path.name for path in folder.rglob("chunks/*/*")}


def test_no_link_leads_to_a_file_outside(
    keeper: CodeExecutor, kept: Path, canary: Path, isolation: Isolation
) -> None:
    tries = 30 if isolation.name == "local" else 8  # a container takes its time for each
    with keeper, keeper.session("bash") as session:
        wanted = session.command(DIGEST).stdout[:64]
        session.command(
            f"ln -s {canary} one; ln -s /proc/self/environ two; ln -s /proc/1/maps three;"
            f"ln -s {SYSTEMS} four; ln -s {SYSTEMS.parent} five; ln -s / six; ln -s . seven"
        )
        snapshot = session.snapshot()
        assert (snapshot.files, snapshot.size, len(snapshot.left_out)) == (0, 0, 7)
        # Not even one that takes a file's place after it has been listed is followed.
        session.start(SWAP)
        assert eventually(lambda: session.files.exists("began"))
        for _ in range(tries):
            session.snapshot()
            assert wanted not in pieces(kept)
        # It would be there if it were followed.
        session.command(f"mkdir copy; cp {SYSTEMS} copy/own")
        session.snapshot()
        assert wanted in pieces(kept)
    for path in kept.rglob("*"):
        assert not path.is_file() or canary.name.encode() not in path.read_bytes().replace(
            f"/tmp/{canary.name}".encode(), b""
        )


def test_nothing_of_a_sandbox_is_read_without_bound(keeper: CodeExecutor, kept: Path) -> None:
    with keeper, keeper.session("bash") as session:
        session.command("truncate -s 1P endless; mkfifo waits; ln -s /dev/zero zero")
        session.start(GROW)
        assert eventually(lambda: session.files.exists("grows"))
        for _ in range(3):
            snapshot = session.snapshot()
            assert snapshot.size <= 64 << 20
            assert any("endless" in line for line in snapshot.left_out)
        largest = max(path.stat().st_size for path in kept.rglob("chunks/*/*"))
        assert largest <= 1 << 20
    held = sum(path.stat().st_size for path in kept.rglob("*") if path.is_file())
    assert held <= 256 << 20


def test_a_snapshot_that_leads_elsewhere_writes_nothing(
    keeper: CodeExecutor, kept: Path, canary: Path
) -> None:
    with keeper:
        with keeper.session("bash") as session:
            session.files.write("file", "x")
            session.snapshot()
        (owned,) = kept.iterdir()
        digest = hashlib.sha256(b"x").hexdigest()
        for path in (f"/sandbox/../..{canary}", "/etc/file", "/sandbox/./file", "/tmp/a/../b"):
            document = written([Entry(path.encode(), 0o644, 1, (digest,))])
            id = id_of(document)
            head = {"id": id, "size": 1, "files": 1, "created_at": 1.0, "left_out": []}
            record = owned / "snapshots" / id.removeprefix("sha256:")
            record.write_bytes(json.dumps(head).encode() + b"\n" + document)
            with pytest.raises(SnapshotError) as caught:
                keeper.open_session("bash", snapshot=id)
            assert caught.value.reason == "not_found"
            record.unlink()


def test_files_of_a_snapshot_are_in_the_sandbox_alone(keeper: CodeExecutor, canary: Path) -> None:
    with keeper:
        with keeper.session("bash") as session:  # it has a file of the same name in its own /tmp
            session.command(f"echo own > {canary}; echo own > /dev/shm/{canary.name}")
            snapshot = session.snapshot()
        with keeper.session("bash", snapshot=snapshot) as session:
            assert session.files.read(str(canary)) == b"own\n"
            assert not Path(f"/dev/shm/{canary.name}").exists()
    assert canary.read_text() == canary.name


@pytest.mark.isolations("local")  # what is killed, and what it kept, is of drybox itself
@pytest.mark.promise("SNAP-2")
def test_a_snapshot_is_whole_or_not_there_when_drybox_is_killed(kept: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", KEEP, kept], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()
    assert eventually(lambda: bool(pieces(kept) - named(kept)))  # one is being written, or removed
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    executor = CodeExecutor(isolation="local", snapshot_dir=kept)
    with executor:
        found = executor.snapshots()
        assert found
        for snapshot in found:
            with executor.session("bash", snapshot=snapshot) as session:
                done = session.command("sha256sum --check --quiet sums && ls | wc -l")
                assert (done.stdout, done.exit_code) == ("7\n", 0)
        with executor.session("bash") as session:
            session.snapshot()  # now what the killed one left goes
        assert pieces(kept) == named(kept)


def named(folder: Path) -> set[str]:
    """The digests that records name."""
    return {
        digest
        for path in folder.rglob("snapshots/*")
        for line in path.read_bytes().splitlines()[1:]
        for digest in json.loads(line)[3:]
    }
