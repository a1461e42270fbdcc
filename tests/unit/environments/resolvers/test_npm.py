"""What npm's lock may say, and what an operator's package.json may ask for."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.support.npm_registry import using
from tests.support.packages import make_npm

from drybox import Environment, InvalidRequest, Unavailable
from drybox.environments.lock import Lock
from drybox.environments.resolvers.base import Target
from drybox.environments.resolvers.npm import NpmResolver, _fits, _package, _tree, _wanted
from drybox.environments.store import Package

pytestmark = pytest.mark.promise("ENV-3")

WORDS = Environment("js", "node", packages=["lodash"])
HERE = Target({"label": "Node.js 20", "os": "linux", "cpu": "x64", "libc": "glibc"})
ENTRY = {"version": "1.0.0", "integrity": "sha512-x"}


@pytest.mark.parametrize(
    ("entry", "fits"),
    [
        ({}, True),
        ({"os": ["linux", "darwin"], "cpu": ["x64"]}, True),
        ({"os": ["!win32"]}, True),
        ({"os": ["darwin"], "optional": True}, False),
        ({"os": ["!linux"], "optional": True}, False),
        ({"libc": ["musl"], "optional": True}, False),
    ],
)
def test_a_package_for_another_system_is_left_out(entry: dict[str, Any], fits: bool) -> None:
    assert _fits(entry, HERE, WORDS) is fits


def test_one_that_must_be_there_is_told() -> None:
    with pytest.raises(Unavailable, match="is for musl only"):
        _fits({"libc": ["musl"]}, HERE, WORDS)


@pytest.mark.parametrize(
    ("place", "entry"),
    [
        ("node_modules/a", {**ENTRY, "link": True}),
        ("node_modules/a", {**ENTRY, "integrity": ""}),
        ("node_modules/a", {**ENTRY, "version": "git+ssh://example.com/a"}),
        ("node_modules/../../a", ENTRY),
        ("packages/own", {"version": "1.0.0"}),
    ],
)
def test_what_is_no_archive_of_a_registry_is_refused(place: str, entry: dict[str, Any]) -> None:
    with pytest.raises(Unavailable, match="no archive of a registry"):
        _package(place, entry, WORDS)


def test_no_two_packages_share_an_archive() -> None:
    scoped, plain = (_package(f"node_modules/{n}", ENTRY, WORDS) for n in ("@a/b", "a-b"))
    assert (scoped.archive, plain.archive) == ("a,b@1.0.0.tgz", "a-b@1.0.0.tgz")
    alias = _package("node_modules/x/node_modules/y", {**ENTRY, "name": "@z/real"}, WORDS)
    assert (alias.name, alias.archive) == ("@z/real", "z,real@1.0.0.tgz")


@pytest.mark.parametrize(
    "version",
    ["file:../x", "git+ssh://example.com/x", "https://example.com/x.tgz", "user/repo", "../x"],
)
def test_a_manifest_cannot_name_what_would_be_built(tmp_path: Path, version: str) -> None:
    path = tmp_path / "package.json"
    path.write_text(json.dumps({"dependencies": {"x": version}}))
    with pytest.raises(InvalidRequest, match="is to come from"):
        _wanted(Environment("js", "node", requirements=path))


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"packages": {', "[]", '{"packages": []}', " " * 2000 + "{}"]
)
def test_a_lock_of_npms_that_is_none_or_too_large_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr("drybox.environments.resolvers.npm.MAX_DOCUMENT", 1000)
    path = tmp_path / "package-lock.json"
    path.write_text(text)
    with pytest.raises(Unavailable, match="has more than 1,000 bytes"):
        _tree(path, WORDS)


def test_of_a_manifest_only_what_it_needs_counts(tmp_path: Path) -> None:
    path = tmp_path / "package.json"
    needs = {"lodash": "^4.0.0", "@a/b": ">=1 <2", "other": "npm:real@1"}
    path.write_text(json.dumps({"scripts": {"preinstall": "touch x"}, "dependencies": needs}))
    assert _wanted(Environment("js", "node", requirements=path)) == {"dependencies": needs}


def test_an_archive_that_is_not_the_locked_one_is_not_staged(tmp_path: Path) -> None:
    archive = make_npm(tmp_path, "greet", "1.2.0", {"index.js": ""})
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    tree = {"packages": {"": {}, "node_modules/greet": {**ENTRY, "version": "1.2.0"}}}
    tree["packages"]["node_modules/greet"]["integrity"] = f"sha512-{digest}"
    package = Package("greet", "1.2.0", "", 0, archive.name)
    notes = {"package.json": "{}", "package-lock.json": json.dumps(tree)}
    lock = Lock("js", "node", "d", "Node.js", "t", (package,), notes)
    stage = tmp_path / "stage"
    stage.mkdir()
    (found,) = NpmResolver().stage(lock, tmp_path, stage)
    assert found.size > 0
    assert sorted(path.name for path in stage.iterdir()) == [
        "greet-1.2.0.tgz",
        "package-lock.json",
        "package.json",
    ]
    archive.write_bytes(archive.read_bytes() + b"more")
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(Unavailable, match="not what the lock says"):
        NpmResolver().stage(lock, tmp_path, other)


@pytest.mark.skipif(not shutil.which("npm"), reason="there is no npm")
def test_packages_that_npm_packs_under_one_name_are_both_downloaded(tmp_path: Path) -> None:
    both = Environment("js", "node", packages=["@drybox/words@2", "drybox-words@2"])
    work, archives, stage = (tmp_path / name for name in ("work", "archives", "stage"))
    for folder in (work, archives, stage):
        folder.mkdir()
    with using(tmp_path):
        made = make_npm(work, "drybox-words", "2.0.0", {"index.js": ""})
        made.rename(tmp_path / "plain.tgz")
        lock = NpmResolver().resolve(both, HERE, work, lambda *said: None)
        NpmResolver().fetch(lock, HERE, archives, work, lambda *said: None)
    assert {path.name for path in archives.iterdir()} == {
        "drybox,words@2.0.0.tgz",
        "drybox-words@2.0.0.tgz",
    }
    assert len(NpmResolver().stage(lock, archives, stage)) == 2
