"""What every resolver shares."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from drybox.environments.environment import Environment
from drybox.environments.lock import MAX_PACKAGES, Lock, read_lock
from drybox.environments.resolvers import npm
from drybox.environments.resolvers.base import Target, check_lock, lock_of
from drybox.environments.resolvers.failures import BuildFailed, explain
from drybox.environments.resolvers.go_mod import MAX_FILE, read_wanted
from drybox.environments.resolvers.pip import PipResolver
from drybox.environments.resolvers.registry import make_resolver
from drybox.environments.store import Package
from drybox.errors import InvalidRequest, Unsupported

pytestmark = pytest.mark.promise("ENV-3")

MANY = [Package(f"p{n}", "1", "", 0, f"p{n}.jar", "0" * 64) for n in range(MAX_PACKAGES + 1)]


def test_more_packages_than_a_lock_holds_are_refused_and_none_is_left_out() -> None:
    wide = Environment("wide", "python", packages=["p0"])
    assert len(lock_of(wide, Target({}), MANY[:-1]).packages) == MAX_PACKAGES
    with pytest.raises(Unsupported, match=r"'wide' needs 10,001 packages") as caught:
        lock_of(wide, Target({}), MANY)
    assert caught.value.hint


@pytest.mark.parametrize("name", ["go.mod", "go.sum"])
def test_a_file_of_go_is_read_whole_or_not_at_all(tmp_path: Path, name: str) -> None:
    (tmp_path / "go.mod").write_text("module m\n\ngo 1.21\n")
    with open(tmp_path / name, "ab") as file:
        file.write(b"\n" * (MAX_FILE + 1))
    with pytest.raises(ValueError, match="has more than"):
        read_wanted(tmp_path / "go.mod")


def lock_with(language: str, name: str, version: str = "1.0", sha256: str = "0" * 64) -> Lock:
    package = Package(name, version, "", 0, "x.archive", sha256)
    return Lock("a", language, "d", "t", "t", (package,), {})


@pytest.mark.parametrize(
    ("resolver", "name", "version"),
    [
        ("pip", "numpy", "1!2.0.post1+cu118"),
        ("npm", "@types/node", "20.1.0-beta.1"),
        ("npm", "JSONStream", "1.3.5"),
        ("maven", "org.apache.commons:commons-lang3", "3.12.0_1"),
        ("maven", "org.openjfx:javafx-base:linux", "21"),
        ("go", "gopkg.in/yaml.v3", "v3.0.0-20200313102051-9f266ea9e77c"),
    ],
)
def test_packages_as_they_are_called_pass(resolver: str, name: str, version: str) -> None:
    check_lock(lock_with("x", name, version), make_resolver(resolver))


@pytest.mark.parametrize(
    ("resolver", "name", "version"),
    [
        *(("pip", name, "1.0") for name in ("x\n--index-url http://a", "x @ http://a/x.whl")),
        *(("pip", name, "1.0") for name in ("http://a/x.whl", "-r/etc/passwd", "../x", "x;y", "")),
        *(("pip", "x", version) for version in ("1.0\n-e .", "1.0 ; x", "", "../1", "1.0#x")),
        *(("npm", name, "1.0") for name in ("../x", "./x", "/etc", "a/b", "git+file:///x", "-g")),
        *(("npm", "x", version) for version in ("file:..", "npm:y", "1.0 || 2")),
        *(("maven", name, "1.0") for name in ("a", "a:b:c:d", "a:<b>", "a:../b", "a:b/c")),
        *(("go", name, "v1.0.0") for name in ("-toolexec=sh", "a b", "a@b", "a\nb", "-x")),
    ],
)
def test_what_a_tool_would_take_for_something_else_is_told_to_none(
    resolver: str, name: str, version: str
) -> None:
    with pytest.raises(BuildFailed, match="is no package"):
        check_lock(lock_with("x", name, version), make_resolver(resolver))


def test_a_digest_is_one() -> None:
    with pytest.raises(BuildFailed, match="is no package"):
        check_lock(lock_with("x", "x", sha256="0 --no-index"), make_resolver("pip"))


@pytest.mark.parametrize(
    "notes",
    [
        {},
        {"package-lock.json": "[]"},
        {"package-lock.json": "[" * 100_000},
        {"package-lock.json": '{"packages": 7}'},
        {"package-lock.json": '{"packages": {"node_modules/x": {"version": "1.0"}}}'},
        {"package-lock.json": '{"packages": {"node_modules/x": null}}'},
    ],
)
@pytest.mark.parametrize("step", ["fetch", "stage"])
def test_notes_of_a_lock_that_are_none_are_told(
    tmp_path: Path, notes: dict[str, str], step: str
) -> None:
    lock = lock_with("node", "x")
    lock = Lock.of_json(json.dumps({**json.loads(lock.to_json()), "notes": notes}))
    found = make_resolver("npm")
    steps: dict[str, Callable[[], object]] = {
        "fetch": lambda: found.fetch(lock, Target({}), tmp_path, tmp_path, lambda *said: None),
        "stage": lambda: found.stage(lock, tmp_path, tmp_path),
    }
    with pytest.raises(BuildFailed, match=r"what it says in package-lock\.json is not"):
        steps[step]()


@pytest.mark.parametrize(
    "change",
    [{"name": 7}, {"version": None}, {"size": "x"}, {"sha256": []}, {"archive": "../x"}],
)
def test_packages_of_a_lock_have_texts_and_numbers_where_they_belong(
    change: dict[str, object],
) -> None:
    document = json.loads(lock_with("node", "x").to_json())
    document["packages"][0].update(change)
    with pytest.raises(ValueError, match=r"is none|no name"):
        Lock.of_json(json.dumps(document))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[]", "7", "null", "{", ""])
def test_a_document_that_is_no_lock_is_told_as_that(tmp_path: Path, text: str) -> None:
    (tmp_path / "lock").write_text(text)
    with pytest.raises(InvalidRequest, match="cannot be used"):
        read_lock(tmp_path / "lock")


@pytest.mark.parametrize(
    "said",
    [
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
        "npm error code ENOSPC",
        "go: write /var/go/pkg: no space left on device",
        "error: failed to write `a`: Disk quota exceeded (os error 122)",
    ],
)
def test_a_full_disk_is_told_as_that_whichever_tool_meets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    """Where packages are found, and where they are downloaded."""
    told = explain("a", said, npm.CAUSES, npm.OTHERWISE)
    assert ("the disk is full" in told.message, said in told.output) == (True, True)
    made = PipResolver()
    monkeypatch.setattr(made, "download", lambda *words: said)
    with pytest.raises(BuildFailed, match="the disk is full"):
        made.fetch(lock_with("python", "x"), Target({}), tmp_path, tmp_path, lambda *said: None)


def test_many_may_fetch_the_same_at_once_and_nobody_sees_a_part(tmp_path: Path) -> None:
    """Each has its own folder, and none takes from the others what they download."""
    lock = lock_with("python", "x", sha256=hashlib.sha256(b"whole").hexdigest())
    archives, at_once = tmp_path / "archives", Barrier(4)
    archives.mkdir()

    class Slow(PipResolver):
        def download(self, lock, wanted, target, folder, progress) -> str:  # type: ignore[no-untyped-def]
            with open(folder / "x.archive", "wb") as file:
                file.write(b"wh")
                file.flush()
                at_once.wait()
                assert list(archives.iterdir()) == []
                at_once.wait()
                file.write(b"ole")
            return ""

    def fetch(name: str) -> None:
        folder = tmp_path / name
        folder.mkdir()
        Slow().fetch(lock, Target({}), archives, folder, lambda *said: None)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(fetch, "abcd"))
    assert [path.read_bytes() for path in archives.iterdir()] == [b"whole"]
