"""The folder of environments: whole or not there, for several processes at once."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from drybox import Environment, Unavailable
from drybox.environments.definition import definition_of, key_of, wanted_of
from drybox.environments.lock import Lock
from drybox.environments.store import (
    BuildRecord,
    EnvironmentStore,
    Package,
)
from drybox.host.workplace import workplace

RECORD = BuildRecord(
    key="k" * 32,
    name="data",
    language="python",
    version="3.11.2",
    digest="d" * 32,
    preload=("numpy",),
    packages=(Package("numpy", "2.0", "BSD", 7, "numpy-2.0.whl", "s" * 64),),
    size=5,
    files=1,
    lock="l",
    target="CPython 3.11",
    built_at="2026-01-01T00:00:00+00:00",
)

pytestmark = pytest.mark.promise("ENV-2")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EnvironmentStore:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return EnvironmentStore(tmp_path / "store")


def keep(store: EnvironmentStore, record: BuildRecord = RECORD) -> None:
    with store.workplace() as folder:
        content = folder / "content"
        content.mkdir()
        (content / "file").write_text("hello")
        store.keep(content, record.digest)
    store.note(record)
    store.release()


def test_what_was_built_is_found(store: EnvironmentStore) -> None:
    assert store.find(RECORD.key) is None
    keep(store)
    assert store.find(RECORD.key) == RECORD
    assert store.records() == [RECORD]
    assert (store.tree(RECORD.digest) / "file").read_text() == "hello"
    assert list((store.folder / "unfinished").iterdir()) == []


def test_a_record_without_its_content_is_nothing(store: EnvironmentStore) -> None:
    keep(store)
    (store.tree(RECORD.digest)).rename(store.folder / "away")
    assert store.find(RECORD.key) is None


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 0}', RECORD.to_json()[:-9]])
def test_a_broken_record_is_nothing(store: EnvironmentStore, text: str) -> None:
    keep(store)
    (store.folder / "records" / f"{RECORD.key}.json").write_text(text)
    assert store.find(RECORD.key) is None


def test_what_is_in_use_stays(store: EnvironmentStore) -> None:
    keep(store)
    user = EnvironmentStore(store.folder)
    built = user.use(RECORD)
    assert (built.digest, built.preload) == (RECORD.digest, ("numpy",))
    assert not store.forget(RECORD)
    assert Path(built.folder, "file").exists()
    assert store.prune() == ([], 0)
    user.release()
    gone, freed = store.prune()
    assert (gone, freed) == ([RECORD.digest], 5)
    assert not Path(built.folder).exists()
    with pytest.raises(Unavailable, match="removed"):
        user.use(RECORD)


def test_content_that_two_records_name_goes_with_the_last(store: EnvironmentStore) -> None:
    other = replace(RECORD, key="o" * 32, name="other")
    keep(store)
    keep(store, other)
    assert not store.forget(RECORD)
    assert store.find(other.key) == other
    assert store.forget(other)


def test_one_builds_at_a_time(store: EnvironmentStore) -> None:
    first = store.begin("word")
    assert first is not None
    assert EnvironmentStore(store.folder).begin("word") is None
    other = store.begin("other")
    assert other is not None
    os.close(first)
    again = EnvironmentStore(store.folder).begin("word")
    assert again is not None
    os.close(other)
    os.close(again)


def test_what_a_killed_build_left_goes_with_the_next(store: EnvironmentStore) -> None:
    with store.workplace() as busy:
        left = store.folder / "unfinished" / "making-left"
        left.mkdir()
        (left / "half").write_text("half")
        with EnvironmentStore(store.folder).workplace() as mine:
            assert not left.exists()
            assert busy.exists()
            assert mine.exists()


def test_what_killed_builds_left_in_the_caches_goes(
    store: EnvironmentStore, tmp_path: Path
) -> None:
    prepared = tmp_path / "cache/drybox/prepared"
    for name in ("go-1.26", "making-left"):
        (prepared / name).mkdir(parents=True)
        (prepared / name / "file").write_text("12345")
    with workplace(prepared) as busy:
        (prepared / "making-left").mkdir(exist_ok=True)  # which that took away
        (prepared / "making-left" / "file").write_text("12345")
        assert store.prune() == (["making-left"], 5)
        assert {path.name for path in prepared.iterdir()} == {"go-1.26", busy.name}


def test_archives_that_nothing_needs_go(store: EnvironmentStore) -> None:
    keep(store)
    archives = store.archives("python")
    for name in ("numpy-2.0.whl", "old-1.0.whl"):
        (archives / name).write_text("12345678")
    assert store.prune() == (["old-1.0.whl"], 8)
    assert (archives / "numpy-2.0.whl").exists()


def test_what_is_being_built_is_not_taken_away(store: EnvironmentStore) -> None:
    """Neither its archives nor its content, though no record names them yet."""
    pruning = EnvironmentStore(store.folder)
    archive = store.archives("python") / "numpy-2.0.whl"
    archive.write_text("wheel")
    held = store.hold_archives()
    with store.workplace() as folder:
        (folder / "content").mkdir()
        store.keep(folder / "content", RECORD.digest)
    assert pruning.prune() == ([], 0)
    assert not pruning.forget(RECORD)
    store.note(RECORD)
    store.release()
    os.close(held)
    assert pruning.find(RECORD.key) == RECORD
    pruning.forget(RECORD)
    assert pruning.prune() == (["numpy-2.0.whl"], 5)


def test_builds_of_an_environment_are_found_by_what_is_in_it(
    store: EnvironmentStore, tmp_path: Path
) -> None:
    listed = tmp_path / "requirements.txt"
    listed.write_text("numpy\n")
    own = Environment("data", "python", requirements=listed)
    record = replace(RECORD, wanted=wanted_of(own))
    old = replace(RECORD, key="o" * 32, built_at="2026-01-02")  # by an older drybox
    for item in (record, old):
        keep(store, item)
    for name, language, found in (
        ("data", "python", [record, old]),
        ("data", "python@3.11", [record, old]),
        ("data", "python@3.1", []),
        ("other", "python@3", [record]),
    ):
        asked = Environment(name, language, requirements=listed)
        assert store.of(asked) == found, (name, language)
    listed.write_text("numpy>=2\n")
    assert store.of(own) == [old]
    listed.unlink()
    assert store.of(own) == [record, old]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable) as told:
        EnvironmentStore(tmp_path / "file").begin("word")
    assert "environment_dir" in told.value.hint


def test_the_key_is_another_one_for_whatever_makes_another_folder(tmp_path: Path) -> None:
    listed = tmp_path / "requirements.txt"
    listed.write_text("numpy\n")
    plain = Environment("a", "python", packages=["numpy", "pandas"])
    others = [
        Environment("a", "python", packages=["numpy"]),
        Environment("a", "python@3.11", packages=["numpy", "pandas"]),
        Environment("a", "python", packages=["numpy", "pandas"], preload=["numpy"]),
        Environment("a", "python", requirements=listed),
    ]
    keys = {key_of(item, "toolchain") for item in (plain, *others)}
    keys.add(key_of(plain, "another toolchain"))
    assert len(keys) == 6
    same = Environment("b", "py", packages=["pandas", "numpy"])
    assert key_of(same, "toolchain") == key_of(plain, "toolchain")
    before = definition_of(others[-1])
    listed.write_text("numpy>=2\n")
    assert definition_of(others[-1]) != before


def lock() -> Lock:
    return Lock("data", "python", "def", "CPython", "target", RECORD.packages, {"more": "note"})


def test_a_lock_is_read_as_it_was_written() -> None:
    assert Lock.of_json(lock().to_json()) == lock()
    assert lock().built("d" * 32).identity == lock().identity
    assert replace(lock(), packages=()).identity != lock().identity


@pytest.mark.parametrize("name", ["../out", "/etc/passwd", "..", "a/b", "a\0b", "a" * 256])
def test_a_lock_names_no_file_outside(name: str) -> None:
    bad = replace(lock(), packages=(replace(RECORD.packages[0], archive=name),))
    with pytest.raises(ValueError, match="no name of an archive"):
        Lock.of_json(bad.to_json())
