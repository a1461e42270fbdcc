"""What cargo is asked, from a registry on loopback, and what is staged of what it brought."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.crate_registry import RAN, add_crate, make_registry, using

from drybox import Environment, InvalidRequest, Unavailable
from drybox.environments.lock import Lock
from drybox.environments.resolvers.base import Target
from drybox.environments.resolvers.cargo import CargoResolver
from drybox.host.workplace import workplace

pytestmark = [
    pytest.mark.promise("ENV-3"),
    pytest.mark.skipif(not shutil.which("cargo"), reason="there is no cargo"),
]

HERE = Target({"label": "Rust 1.99.0", "version": "1.99.0", "triple": "x86_64-unknown-linux-gnu"})
WEB = Environment("web", "rust", packages=["greet@1", "sevens"])


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Path]:
    make_registry(tmp_path)
    with using(tmp_path) as made:
        yield made


def resolve(environment: Environment, folder: Path) -> Lock:
    folder.mkdir()
    return CargoResolver().resolve(environment, HERE, folder, lambda *said: None)


def fetch(lock: Lock, archives: Path) -> None:
    with workplace(archives.parent) as folder:
        CargoResolver().fetch(lock, HERE, archives, folder, lambda *said: None)


def stage(lock: Lock, folder: Path) -> Path:
    archives, made = folder / "archives", folder / "stage"
    archives.mkdir(exist_ok=True)
    made.mkdir()
    fetch(lock, archives)
    CargoResolver().stage(lock, archives, made)
    return made


def test_a_lock_has_every_crate_that_fits_and_nothing_of_one_runs(
    registry: Path, tmp_path: Path
) -> None:
    """Of ``words`` the newest that this Rust can compile; ``foreign`` is for other systems."""
    lock = resolve(WEB, tmp_path / "work")
    found = [(item.name, item.version, item.licence) for item in lock.packages]
    assert found == [
        ("foreign", "0.3.0", ""),
        ("greet", "1.2.0", "MIT OR Apache-2.0"),
        ("sevens", "0.1.0", ""),
        ("words", "1.9.0", "MIT"),
    ]
    lines = (stage(lock, tmp_path) / "crates").read_text().splitlines()
    assert [line.split()[0::2] for line in lines] == [
        ["foreign-0.3.0", "no"],
        ["greet-1.2.0", "yes"],
        ["sevens-0.1.0", "yes"],
        ["words-1.9.0", "yes"],
    ]
    assert not (tmp_path / RAN).exists()
    assert resolve(WEB, tmp_path / "again") == lock


def test_what_is_there_needs_no_registry_and_another_content_is_refused(
    registry: Path, tmp_path: Path
) -> None:
    lock = resolve(WEB, tmp_path / "work")
    stage(lock, tmp_path)
    shutil.rmtree(registry)
    shutil.rmtree(tmp_path / "home")
    shutil.rmtree(tmp_path / "stage")
    stage(lock, tmp_path)
    (tmp_path / "archives/words-1.9.0.crate").write_bytes(b"else")
    with pytest.raises(Unavailable, match=r"words 1\.9\.0 could not be downloaded as it was"):
        fetch(lock, tmp_path / "archives")
    (tmp_path / "other").mkdir()
    with pytest.raises(Unavailable, match="is not what the lock says"):
        CargoResolver().stage(lock, tmp_path / "archives", tmp_path / "other")


@pytest.mark.parametrize(
    ("packages", "problem"),
    [
        (["nowhere"], "there is no package nowhere at the registry"),
        (["greet@9"], "there is no version greet"),
        (["newer"], "newer 1.0.0 needs Rust 1.999, and this is Rust 1.99.0"),
    ],
)
def test_what_cannot_be_had_is_told(
    registry: Path, tmp_path: Path, packages: list[str], problem: str
) -> None:
    with pytest.raises(Unavailable, match=problem):
        resolve(Environment("web", "rust", packages=packages), tmp_path / "work")


def test_a_registry_out_of_reach_is_told_with_what_cargo_says(tmp_path: Path) -> None:
    make_registry(tmp_path)
    with using(tmp_path) as registry:
        shutil.rmtree(registry)
        with pytest.raises(Unavailable, match="cargo failed") as error:
            resolve(WEB, tmp_path / "work")
    said = getattr(error.value, "output", "")
    assert "not found in registry" in said or "No such file or directory" in said


def test_a_manifests_dependencies_count_with_its_lock(registry: Path, tmp_path: Path) -> None:
    path = tmp_path / "Cargo.toml"
    path.write_text(
        '[package]\nname = "own"\nversion = "0.1.0"\n\n[dependencies]\n'
        'hello = { package = "greet", version = "1", optional = true }\n'
        '[dev-dependencies]\nwrong = "1"\n'
    )
    asked = Environment("web", "rust", requirements=path)
    lock = resolve(asked, tmp_path / "work")
    assert [item.name for item in lock.packages] == ["greet", "words"]
    assert lock.notes["dependencies"] == 'hello = { version = "1", package = "greet" }\n'
    (tmp_path / "Cargo.lock").write_text(lock.notes["Cargo.lock"])
    add_crate(registry, "words", "1.9.1", {"src/lib.rs": 'pub const WORDS: &str = "";\n'})
    shutil.rmtree(tmp_path / "home/registry")
    assert [item.version for item in resolve(asked, tmp_path / "same").packages] == [
        "1.2.0",
        "1.9.0",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[dependencies]\na = { git = "ssh://host/a" }', "a' has 'git'"),
        ('[dependencies]\na = { path = "../a" }', "a' has 'path'"),
        ('[dependencies]\na = { version = "1", registry = "own" }', "a' has 'registry'"),
        ("[dependencies]\na = 1", "a' is to be 1"),
        ('[dependencies]\na = { features = ["b c"] }', "a' is to be"),
        ('[dependencies]\na = "1"\n[patch.crates-io]\na = { path = "." }', "has .patch."),
        ("[dependencies]\n", "it has no .dependencies."),
        ("[", "is no Cargo.toml"),
    ],
)
def test_what_is_not_of_the_registry_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "Cargo.toml").write_text(text)
    with pytest.raises(InvalidRequest, match=problem):
        resolve(Environment("web", "rust", requirements=tmp_path / "Cargo.toml"), tmp_path / "w")


def test_a_lock_of_other_than_archives_is_refused(registry: Path, tmp_path: Path) -> None:
    lock = resolve(WEB, tmp_path / "work")
    changed = json.loads(lock.to_json())
    changed["packages"][0]["archive"] = "../foreign.crate"
    with pytest.raises(ValueError, match="no name of an archive"):
        Lock.of_json(json.dumps(changed))
    again = replace(lock, packages=(replace(lock.packages[0], name="other"),))
    with pytest.raises(Unavailable, match="could not be downloaded as it was"):
        stage(again, tmp_path)
