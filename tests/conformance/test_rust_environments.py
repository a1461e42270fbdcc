"""Environments of Rust: crates, and what is compiled of them ahead, behind every isolation."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.crate_registry import RAN, make_registry, using
from tests.support.environments import Site
from tests.support.isolations import Isolation
from tests.support.packages import GREETING, make_crate

from drybox import Environment, Unavailable

pytestmark = [
    pytest.mark.promise("ENV-1", "ENV-2"),
    pytest.mark.skipif(not shutil.which("cargo"), reason="there is no cargo"),
]

WEB = Environment("web", "rust", packages=["greet", "sevens"])
CODE = """fn main() {
    let mut found: Vec<_> =
        std::fs::read_dir(".").unwrap().map(|entry| entry.unwrap().file_name()).collect();
    found.sort();
    println!("{} {} {found:?}", greet::greet(), sevens::seven!());
}
"""
OWN = '[package]\nname = "own"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\n'


@pytest.fixture(scope="module")
def sites() -> dict[str, Site]:
    """What was built behind each isolation: once."""
    return {}


@pytest.fixture
def site(
    tmp_path_factory: pytest.TempPathFactory, isolation: Isolation, sites: dict[str, Site]
) -> Iterator[Site]:
    if isolation.name not in sites:
        folder = tmp_path_factory.mktemp("rust")
        make_registry(folder)
        made = Site(folder, isolation.name, WEB, using)
        made.build()
        sites[isolation.name] = made
    yield sites[isolation.name]
    assert not (sites[isolation.name].folder / RAN).exists()


def test_a_program_without_a_manifest_has_the_crates_and_their_macros(site: Site) -> None:
    result = site.run(code=CODE)
    assert (result.status, result.stdout) == ("success", f'{GREETING} 7 ["main.rs"]\n'), result
    assert [phase.name for phase in result.phases] == ["compile", "run"]


def test_one_with_its_own_has_what_is_compiled_in_the_environments_versions(site: Site) -> None:
    files = {
        "src/main.rs": CODE,
        "Cargo.toml": f'{OWN}greet = "1"\nsevens = "*"\n',
        "Cargo.lock": "version = 3\n\n"
        '[[package]]\nname = "own"\nversion = "0.1.0"\ndependencies = ["greet"]\n\n'
        '[[package]]\nname = "greet"\nversion = "1.1.0"\n',
    }
    result = site.run(files=files, artifacts=["Cargo.lock"])
    said = f'{GREETING} 7 ["Cargo.lock", "Cargo.toml", "src"]\n'
    assert (result.status, result.stdout) == ("success", said), result
    lock = result.artifacts["Cargo.lock"] if result.artifacts else files["Cargo.lock"].encode()
    assert lock == files["Cargo.lock"].encode()
    # The compiler of the program alone, which is to be seen in what the whole may cost.
    wrong = site.run(files={**files, "src/main.rs": "compile_error!{}"})
    assert "Compiling greet" not in wrong.stderr
    assert wrong.status == "compile_error"


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"main.rs": CODE.replace("greet::", "other::")}, "other"),
        (
            {"src/main.rs": CODE, "Cargo.toml": f'{OWN}other = "1"\n'},
            "no matching package named `other` found",
        ),
        (
            {
                "src/main.rs": CODE,
                "Cargo.toml": f'{OWN}greet = "1"\nsevens = "*"\n',
                "build.rs": "fn main() {}",
            },
            "a request's own build script does not run",
        ),
    ],
)
def test_what_does_not_compile_is_told(site: Site, files: dict[str, str], problem: str) -> None:
    result = site.run(files=files)
    assert result.status == "compile_error"
    assert problem in result.stderr


def test_the_same_crates_give_the_same_bytes_or_none(site: Site) -> None:
    site.check_lock()


def test_a_crate_that_does_not_compile_fails_the_build_with_the_compilers_words(
    site: Site,
) -> None:
    wrong = Environment("web", "rust", packages=["wrong"])
    with pytest.raises(Unavailable, match="the installer failed") as error:
        replace(site, store="wrong", environment=wrong).build()
    assert "expected `u8`, found floating-point number" in getattr(error.value, "output", "")


def test_packages_of_a_request_and_an_environment_go_together(site: Site, tmp_path: Path) -> None:
    (tmp_path / "rust").mkdir()
    make_crate(tmp_path / "rust", "more", "1.0.0", {"src/lib.rs": "pub const MORE: u8 = 7;\n"})
    for folder in (tmp_path, tmp_path / "rust"):
        folder.chmod(0o755)
    code = 'fn main() { println!("{} {}", greet::greet(), more::MORE + sevens::seven!()); }\n'
    with site.executor(package_dir=tmp_path) as executor:
        result = executor.execute("rust", code, environment="web", packages=["more"])
    assert result.stdout == f"{GREETING} 14\n", result


def test_a_session_has_them_in_every_cell(site: Site) -> None:
    with site.executor() as executor, executor.session("rust", environment="web") as session:
        said = [session.run(code).stdout for code in (CODE, CODE.replace("println", "print"))]
    assert said[0] == f'{GREETING} 7 ["main.rs"]\n'
    assert said[0] == f"{said[1]}\n"


def test_the_bill_of_materials_names_them(site: Site) -> None:
    with site.executor() as executor:
        (info,) = executor.environments()
    found = {item.name: (item.version, item.licence) for item in info.packages}
    assert found["words"] == ("1.9.0", "MIT")
    assert all(item.size for item in info.packages)
