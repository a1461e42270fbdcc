"""Where snapshots are kept: memory and a folder do the same."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from drybox.errors import InvalidRequest, SnapshotError
from drybox.sessions.results import Snapshot
from drybox.sessions.snapshots.content import Entry, id_of, written
from drybox.sessions.snapshots.folder import FolderPlace
from drybox.sessions.snapshots.memory import MemoryPlace
from drybox.sessions.snapshots.place import Bounds, SnapshotPlace

Make = Callable[[Bounds], SnapshotPlace]
ROOMY = Bounds(8, 1 << 20, 4 << 20)


@pytest.fixture(params=["memory", "folder"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    if request.param == "memory":
        return MemoryPlace
    return lambda bounds: FolderPlace(tmp_path / "kept", bounds)


def keep(place: SnapshotPlace, files: dict[str, bytes], owner: str = "", at: float = 1.0) -> str:
    """Keep files of one piece each, by their names; the id."""
    draft = place.begin(owner)
    try:
        entries = [
            Entry(f"/sandbox/{name}".encode(), 0o644, len(data), (draft.add(data),))
            for name, data in files.items()
        ]
        document = written(entries)
        size = sum(map(len, files.values()))
        draft.commit(Snapshot(id_of(document), size, len(files), at, ("left",)), document)
    finally:
        draft.close()
    return id_of(document)


def content(place: SnapshotPlace, id: str, owner: str = "") -> dict[str, bytes] | None:
    found = place.find(owner, id)
    if found is None:
        return None
    return {
        entry.path.decode().removeprefix("/sandbox/"): b"".join(
            place.chunk(owner, digest) for digest in entry.chunks or ()
        )
        for entry in found.entries
    }


def stored(folder: Path) -> list[str]:
    """Names of the pieces that are there."""
    return sorted(path.name for path in folder.rglob("chunks/*/*"))


def test_what_was_kept_is_there_for_its_owner_alone(make: Make) -> None:
    place = make(ROOMY)
    files = {"a": b"one", "b": b"two"}
    id = keep(place, files, "mine")
    assert content(place, id, "mine") == files
    assert [item.left_out for item in place.list("mine")] == [("left",)]
    for other in ("", "theirs", "mine/../mine"):
        assert content(place, id, other) is None
        assert place.list(other) == []
        assert not place.remove(other, id)
    assert content(place, id, "mine") == files
    assert place.find("mine", "sha256:" + "0" * 64) is None
    assert place.find("mine", "../" * 10) is None


def test_the_same_is_kept_once_and_goes_with_the_last(make: Make) -> None:
    place = make(Bounds(8, 100_000, 100_000))
    large = b"x" * 60_000
    first = keep(place, {"a": large}, at=1)
    second = keep(place, {"a": large, "b": b"more"}, at=2)
    assert keep(place, {"a": large}, at=3) == first
    assert [item.id for item in place.list("")] == [second, first]
    with pytest.raises(SnapshotError) as caught:
        keep(place, {"c": b"y" * 60_000})
    assert caught.value.reason == "no_space"
    assert place.remove("", first)
    assert content(place, second) == {"a": large, "b": b"more"}
    assert not place.remove("", first)
    assert place.remove("", second)
    keep(place, {"c": b"y" * 60_000})


def test_what_an_owner_may_have_is_bounded(make: Make) -> None:
    place = make(Bounds(2, 100_000, 150_000))
    keep(place, {"a": b"1"}, "one")
    keep(place, {"a": b"2"}, "one")
    with pytest.raises(SnapshotError) as caught:
        keep(place, {"a": b"3"}, "one")
    assert caught.value.reason == "no_space"
    keep(place, {"a": b"x" * 90_000}, "two")
    with pytest.raises(SnapshotError):  # all together
        keep(place, {"a": b"y" * 90_000}, "three")
    keep(place, {"a": b"y" * 30_000}, "three")


def test_what_was_not_finished_is_not_there_and_takes_no_room(make: Make) -> None:
    place = make(Bounds(8, 100_000, 100_000))
    draft = place.begin("")
    draft.add(b"x" * 60_000)
    draft.close()
    draft.close()
    assert place.list("") == []
    keep(place, {"a": b"y" * 60_000})


def test_a_piece_that_is_removed_meanwhile_is_in_what_is_being_taken(make: Make) -> None:
    place = make(ROOMY)
    first = keep(place, {"a": b"shared"})
    draft = place.begin("")
    digest = draft.add(b"shared")
    assert place.remove("", first)
    document = written([Entry(b"/sandbox/b", 0o644, 6, (digest,))])
    draft.commit(Snapshot(id_of(document), 6, 1, 1.0), document)
    draft.close()
    assert content(place, id_of(document)) == {"b": b"shared"}


def test_a_folder_is_there_after_a_restart(tmp_path: Path) -> None:
    id = keep(FolderPlace(tmp_path / "kept", ROOMY), {"a": b"stays"}, "mine")
    later = FolderPlace(tmp_path / "kept", ROOMY)
    assert content(later, id, "mine") == {"a": b"stays"}
    assert [item.created_at for item in later.list("mine")] == [1.0]
    assert os.stat(tmp_path / "kept").st_mode & 0o777 == 0o700


def test_what_a_killed_one_left_goes(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path, ROOMY)
    id = keep(place, {"a": b"kept"})
    draft = place.begin("")
    draft.add(b"never committed")
    (owned,) = tmp_path.iterdir()
    (owned / "unfinished/half").write_bytes(b"ha")
    assert draft._held is not None
    os.close(draft._held)  # as the kernel does at the end of a process
    assert len(stored(tmp_path)) == 2
    later = FolderPlace(tmp_path, ROOMY)
    later.begin("").close()
    assert len(stored(tmp_path)) == 1
    assert list((owned / "unfinished").iterdir()) == []
    assert content(later, id) == {"a": b"kept"}


def test_what_a_power_cut_left_in_part_is_not_there(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path, ROOMY)
    torn, gone, whole = (keep(place, {"a": data}) for data in (b"torn", b"gone", b"whole"))
    (record,) = tmp_path.rglob(f"snapshots/{torn[7:]}")
    record.write_bytes(record.read_bytes()[:-3])
    digest = place.find("", gone).entries[0].chunks[0]  # type: ignore[union-attr,index]
    (piece,) = tmp_path.rglob(digest)
    piece.write_bytes(b"")
    assert content(place, torn) is None
    assert content(place, gone) is None
    assert content(place, whole) == {"a": b"whole"}
    later = FolderPlace(tmp_path, ROOMY)
    later.begin("").close()
    assert content(later, whole) == {"a": b"whole"}
    assert keep(later, {"a": b"gone"}) == gone  # what is wrong is written anew
    assert content(later, gone) == {"a": b"gone"}


def test_a_piece_that_is_something_else_is_refused(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path, ROOMY)
    id = keep(place, {"a": b"right"})
    (piece,) = tmp_path.rglob("chunks/*/*")
    piece.write_bytes(b"wrong")
    with pytest.raises(SnapshotError) as caught:
        content(place, id)
    assert caught.value.reason == "not_found"


def test_a_record_that_leads_elsewhere_is_not_there(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path, ROOMY)
    draft = place.begin("")
    document = written([Entry(b"/sandbox/../../etc/x", 0o644, 1, (draft.add(b"x"),))])
    draft._owned.make()
    record = draft._owned.record(id_of(document))
    record.write_bytes(
        b'{"id": "%s", "size": 1, "files": 1, "created_at": 1, "left_out": []}\n'
        % id_of(document).encode()
        + document
    )
    draft.close()
    assert place.find("", id_of(document)) is None


def test_the_operators_other_files_stay(tmp_path: Path) -> None:
    (tmp_path / "own/chunks/aa").mkdir(parents=True)
    (tmp_path / "own/chunks/aa/data").write_text("theirs")
    (tmp_path / "own/unfinished").mkdir()
    (tmp_path / "own/unfinished/work").write_text("theirs")
    keep(FolderPlace(tmp_path, ROOMY), {"a": b"x"})
    assert (tmp_path / "own/chunks/aa/data").read_text() == "theirs"
    assert (tmp_path / "own/unfinished/work").read_text() == "theirs"


def test_a_folder_that_others_write_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(InvalidRequest) as caught:
        keep(FolderPlace(tmp_path / "open", ROOMY), {"a": b"x"})
    assert caught.value.field == "snapshot_dir"
    assert list((tmp_path / "open").iterdir()) == []
