"""What pip is asked, and what it cannot be made to do."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests.support.environments import make_index, using
from tests.support.packages import make_sdist, make_wheel

from drybox import Environment, InvalidRequest, Unavailable
from drybox.environments.resolvers.base import Target
from drybox.environments.resolvers.pip import PROGRAM, PipResolver, size_of

TARGET = Target(
    {
        "label": "CPython 3.11 with glibc on x86_64",
        "full_version": "3.11.2",
        "version": "3.11",
        "implementation": "cp",
        "abis": ["cp311"],
        "platforms": ["manylinux_2_36_x86_64", "manylinux2014_x86_64", "linux_x86_64"],
        "markers": {"python_version": "3.11", "sys_platform": "linux", "os_name": "posix"},
        "triple": "x86_64-manylinux_2_36",
    }
)

pytestmark = pytest.mark.promise("ENV-3")


def resolve(environment: Environment, folder: Path) -> list[tuple[str, str, str]]:
    folder.mkdir()
    lock = PipResolver().resolve(environment, TARGET, folder, lambda what, done, total: None)
    return [(item.name, item.version, item.archive) for item in lock.packages]


def test_packages_and_what_they_need_are_found(tmp_path: Path) -> None:
    with using(make_index(tmp_path / "index")):
        found = resolve(Environment("a", "python", packages=["greet"]), tmp_path / "work")
    assert found == [
        ("greet", "1.2.0", "greet-1.2.0-py3-none-any.whl"),
        ("words", "2.0.0", "words-2.0.0-py3-none-any.whl"),
    ]


def test_requirements_are_for_the_toolchain_and_not_for_pips_own_python(tmp_path: Path) -> None:
    index = make_index(tmp_path / "index")
    make_wheel(index, "picky", "1.0", {"picky.py": ""}, needs='words; python_version == "3.11"')
    with using(index):
        found = resolve(Environment("a", "python", packages=["picky"]), tmp_path / "work")
    assert [name for name, _, _ in found] == ["picky", "words"]


@pytest.mark.parametrize(
    "line",
    [
        "-e .",
        "--editable=/srv/project",
        "./project",
        "/srv/project",
        "project @ file:///srv/project",
        "project @ git+ssh://example.com/project",
        "https://example.com/project-1.0.tar.gz",
        "-r other.txt",
        "--no-binary :all:",
        "--config-settings x=y",
    ],
)
def test_a_file_of_requirements_cannot_name_what_would_be_built(tmp_path: Path, line: str) -> None:
    listed = tmp_path / "requirements.txt"
    listed.write_text(f"words\n{line}\n")
    with pytest.raises(InvalidRequest, match="line 2 of"):
        resolve(Environment("a", "python", requirements=listed), tmp_path / "work")


def test_a_file_of_requirements_is_read_as_pip_reads_it(tmp_path: Path) -> None:
    listed = tmp_path / "requirements.txt"
    listed.write_text(
        "# a comment\nwords >=1, \\\n  <3  # as we have it\n\n--pre\n"
        'greet[extra]==1.2.0 ; python_version >= "3"\n'
    )
    with using(make_index(tmp_path / "index")):
        found = resolve(Environment("a", "python", requirements=listed), tmp_path / "work")
    assert [name for name, _, _ in found] == ["greet", "words"]


BUILD = """
def _mark(*args, **kwargs):
    open({mark!r}, "w").close()
get_requires_for_build_wheel = prepare_metadata_for_build_wheel = build_wheel = _mark
_mark()
"""


def test_nothing_of_a_package_runs_though_another_asks_for_its_source(tmp_path: Path) -> None:
    """A package may name the address of another one's source as what it needs."""
    index, mark = make_index(tmp_path / "index"), tmp_path / "mark"
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    source = make_sdist(hidden, "source", "1.0", BUILD.format(mark=str(mark)))
    make_wheel(index, "asks", "1.0", {"asks.py": ""}, needs=f"source @ file://{source}")
    with using(index), pytest.raises(Unavailable):
        resolve(Environment("a", "python", packages=["asks"]), tmp_path / "work")
    assert not mark.exists()


@pytest.mark.parametrize(
    "start",
    [
        "import subprocess; subprocess.run(['touch', 'mark'])",
        "import os; os.system('touch mark')",
        "import os; os.posix_spawn('/usr/bin/touch', ['touch', 'mark'], {})",
        "import os; os.fork() or os.execv('/usr/bin/touch', ['touch', 'mark'])",
    ],
)
def test_pip_has_no_means_to_start_a_program(tmp_path: Path, start: str) -> None:
    """It is replaced by one that tries."""
    main = tmp_path / "pip" / "_internal" / "cli" / "main.py"
    markers = tmp_path / "pip" / "_vendor" / "packaging" / "markers.py"
    for path in (main, markers):
        path.parent.mkdir(parents=True)
        path.write_text("")
        for folder in path.relative_to(tmp_path).parents[:-1]:
            (tmp_path / folder / "__init__.py").touch()
    main.write_text(f"def main(arguments):\n    {start}\n")
    done = subprocess.run(
        [sys.executable, "-I", str(PROGRAM), str(tmp_path), json.dumps({})],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert "no program may be started" in done.stderr
    assert not (tmp_path / "mark").exists()


def test_what_is_no_wheel_is_told(tmp_path: Path) -> None:
    path = tmp_path / "broken-1.0-py3-none-any.whl"
    path.write_bytes(b"PK no archive")
    with pytest.raises(Unavailable, match="no wheel"):
        size_of(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(10_000_000))
    assert size_of(path) == 10_000_000


def test_where_uv_fails_pip_finds_what_packages_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "uv").write_text("#!/bin/sh\nexit 2\n")
    (programs / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    with using(make_index(tmp_path / "index")):
        found = resolve(Environment("a", "python", packages=["greet"]), tmp_path / "work")
    assert [name for name, _, _ in found] == ["greet", "words"]


@pytest.mark.parametrize(("name", "size"), [("MEMORY", 300 << 20), ("MAX_REPORT", 8 << 20)])
def test_metadata_without_end_end_the_build_and_not_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, size: int
) -> None:
    monkeypatch.setattr(f"drybox.environments.resolvers.pip.{name}", size)
    index = make_index(tmp_path / "index")
    with zipfile.ZipFile(index / "hostile-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as file:
        text = "Metadata-Version: 2.1\nName: hostile\nVersion: 1.0\n\n"
        file.writestr("hostile-1.0.dist-info/METADATA", text + "x" * size)
        file.writestr("hostile-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr("hostile-1.0.dist-info/RECORD", "")
    with using(index), pytest.raises(Unavailable, match="says of itself is larger"):
        resolve(Environment("a", "python", packages=["hostile"]), tmp_path / "work")
