"""Toolchains that exist only for a test: which one is chosen, and what of it is shown."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drybox import Unsupported
from drybox.backends.local.rootfs.layout import Mount
from drybox.backends.local.rootfs.toolchain import (
    FoundToolchain,
    find_toolchain,
    found_versions,
    write_whole,
)
from drybox.host.paths import cache_dir
from drybox.languages.base import Toolchain

BASE = Toolchain(
    executable="tool",
    mount="/opt/tool",
    levels=2,
    install_hint="Install it: get tool",
    version_file=("VERSION", r"tool ([\d.]+)"),
)
Make = Callable[..., Path]


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    (tmp_path / "path").mkdir()


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a home with ``bin/NAME`` in it, on PATH if wanted; returns the executable."""

    def make(home: str, version: str, *, name: str = "tool", on_path: str | None = None) -> Path:
        program = tmp_path / home / "bin" / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_bytes(b"\x7fELF of no machine")
        program.chmod(0o755)
        (tmp_path / home / "VERSION").write_text(f"tool {version}\n")
        if on_path is not None:
            (tmp_path / "path" / on_path).symlink_to(program)
        return program

    return make


def find(version: str = "", **changes: Any) -> FoundToolchain:
    return find_toolchain("tool", dataclasses.replace(BASE, **changes), version)


# --- which one ------------------------------------------------------------------------------


def test_without_a_version_the_first_one_wins(make: Make, tmp_path: Path) -> None:
    make("b", "2.0", on_path="tool")
    first = make("a", "1.0")
    assert find(candidates=(str(first),)).version == "1.0"
    assert find().version == "2.0"


def test_a_home_named_in_the_environment_comes_before_the_path(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("b", "2.0", on_path="tool")
    make("a", "1.0")
    monkeypatch.setenv("TOOL_HOME", str(tmp_path / "a"))
    assert find(home_env="TOOL_HOME").version == "1.0"
    assert find().version == "2.0"


def test_a_wheel_comes_after_the_path_and_before_the_search(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("wheels/tool_wheel/inside", "3.0")
    (tmp_path / "wheels/tool_wheel/__init__.py").write_text("raise ImportError('not to be run')")
    monkeypatch.syspath_prepend(str(tmp_path / "wheels"))
    make("s1", "1.1")
    make("s2", "1.2")
    changes: Any = {"search": (str(tmp_path / "s*/bin/tool"),)}
    assert find(**changes).version == "1.2"
    changes["wheel"] = ("tool_wheel", "inside")
    assert find(**changes).version == "3.0"
    assert "tool_wheel" not in sys.modules
    make("b", "2.0", on_path="tool")
    assert find(**changes).version == "2.0"
    assert find("1.1", **changes).version == "1.1"
    assert find(**{**changes, "wheel": ("no_such_wheel", "")}).version == "2.0"


@pytest.mark.parametrize(
    ("asked", "version"),
    [("3", "3.11.4"), ("3.11", "3.11.4"), ("3.11.4", "3.11.4"), ("3.1", "3.1.9"), ("20", "20")],
)
def test_a_version_is_matched_part_by_part(
    make: Make, tmp_path: Path, asked: str, version: str
) -> None:
    found = [str(make(f"home{n}", v)) for n, v in enumerate(["3.11.4", "3.1.9", "20", "2.7"])]
    assert find(asked, candidates=tuple(found)).version == version


def test_a_program_that_says_to_be_another_is_passed_over(tmp_path: Path) -> None:
    """A version manager's program stands on PATH by the name of what it would start."""
    # Only a binary is asked, and this is one whatever it is named.
    shell = shutil.which("sh", path="/usr/bin:/bin")
    assert shell is not None
    for name in ("proxy", "own"):
        (tmp_path / name / "bin").mkdir(parents=True)
        shutil.copy(os.path.realpath(shell), tmp_path / name / "bin/tool")
    asked = (
        "-c",
        'case $0 in *proxy*) echo "manager 9.9 of tool 1.2" ;; *) echo "tool 1.2" ;; esac',
    )
    found = find(
        candidates=tuple(str(tmp_path / name / "bin/tool") for name in ("proxy", "own")),
        version_file=None,
        version_argv=asked,
        version_pattern=r"\Atool (\d+\.\d+)",
    )
    assert (found.version, found.home) == ("1.2", str(tmp_path / "own"))


def test_programs_named_for_a_version_are_asked_first(make: Make, tmp_path: Path) -> None:
    make("new", "4.2", on_path="tool")
    make("old", "4.1", name="tool4", on_path="tool4")
    assert find("4", versioned=("tool{version}",)).version == "4.1"
    assert find(versioned=("tool{version}",)).version == "4.2"


@pytest.mark.parametrize("asked", ["9", "3.12", "3.11.40", "1"])
def test_a_version_that_is_not_here_is_refused_with_those_that_are(make: Make, asked: str) -> None:
    found = make("a", "3.11.4")
    with pytest.raises(Unsupported, match=r"it has 3\.11\.4\.") as caught:
        find(asked, candidates=(str(found),))
    assert str(found) not in str(caught.value)
    assert asked in caught.value.hint


def test_every_version_that_is_here_is_listed_the_usual_one_first(
    make: Make, tmp_path: Path
) -> None:
    make("b", "2.0", on_path="tool")
    make("a", "1.5", name="tool1.5", on_path="tool1.5")
    make("c", "2.0")
    make("d", "3.1")
    searched = (str(tmp_path / "[cd]/bin/tool"),)
    toolchain = dataclasses.replace(BASE, search=searched, versioned=("tool{version}",))
    assert found_versions(toolchain) == ["2.0", "3.1", "1.5"]
    for version in found_versions(toolchain):
        assert find_toolchain("tool", toolchain, version).version == version
    assert found_versions(dataclasses.replace(BASE, executable="none")) == []


@pytest.mark.parametrize("asked", ["", "3"])
def test_no_toolchain_at_all_is_refused_with_the_way_to_get_it(asked: str) -> None:
    with pytest.raises(Unsupported, match="no tool toolchain") as caught:
        find(asked, candidates=("/proc/none/bin/tool",))
    assert caught.value.hint == "Install it: get tool"


def test_what_is_no_program_is_passed_over(make: Make, tmp_path: Path) -> None:
    script, text, folder, empty = (make(name, "1.0") for name in ("s", "t", "f", "e"))
    script.write_text("#!/bin/sh\necho shim\n")
    text.chmod(0o644)
    folder.unlink()
    folder.mkdir()
    empty.write_bytes(b"")
    with pytest.raises(Unsupported, match="no tool toolchain"):
        find(candidates=tuple(map(str, (script, text, folder, empty, tmp_path / "dangling"))))


# --- its version ----------------------------------------------------------------------------


@pytest.fixture
def talker(tmp_path: Path) -> tuple[Path, Path, dict[str, Any]]:
    """A real program that says its version and keeps a log of being asked."""
    program, log = tmp_path / "talker/bin/tool", tmp_path / "log"
    program.parent.mkdir(parents=True)
    shutil.copy(os.path.realpath("/bin/sh"), program)
    words = f"echo Tool v5.6.7 2001; env >> '{log}'; echo asked >> '{log}'"
    changes = {"candidates": (str(program),), "version_file": None, "version_argv": ("-c", words)}
    return program, log, changes


def test_a_program_is_asked_once_for_each_state_of_its_file(talker: Any) -> None:
    program, log, changes = talker
    assert [find(**changes).version for _ in range(3)] == ["5.6.7"] * 3
    assert log.read_text().count("asked") == 1
    os.utime(program, ns=(1, 1))
    assert find(**changes).version == "5.6.7"
    assert log.read_text().count("asked") == 2


def test_a_program_is_asked_without_our_environment(
    talker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_HOST", "1")
    find(**talker[2])
    assert "SECRET_OF_THE_HOST" not in talker[1].read_text()


@pytest.mark.parametrize("memory", [b"", b"{", b"[]", b"\xff", b'{"x": 1}', b'"text"'])
def test_a_broken_memory_of_versions_is_no_trouble(
    talker: Any, tmp_path: Path, memory: bytes
) -> None:
    (tmp_path / "cache/drybox").mkdir(parents=True)
    (tmp_path / "cache/drybox/versions.json").write_bytes(memory)
    assert find(**talker[2]).version == "5.6.7"


def test_a_cache_that_cannot_be_written_is_no_trouble(
    talker: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file/below"))
    assert find(**talker[2]).version == "5.6.7"


@pytest.mark.parametrize("words", ["exit 1", "echo 1.2.3; exit 1", "echo none", "kill -9 $$"])
def test_a_program_that_does_not_say_its_version_is_unusable(talker: Any, words: str) -> None:
    changes = {**talker[2], "version_argv": ("-c", words)}
    with pytest.raises(Unsupported, match="no tool toolchain"):
        find(**changes)
    with pytest.raises(Unsupported, match="an unusable one"):
        find("1", **changes)


def test_a_version_file_without_a_version_leads_to_the_program(talker: Any) -> None:
    program, _, changes = talker
    (program.parent.parent / "VERSION").write_text("none")
    changes["version_file"] = BASE.version_file
    assert find(**changes).version == "5.6.7"
    (program.parent.parent / "VERSION").write_text("tool 8.9")
    assert find(**changes).version == "8.9"


# --- what is shown --------------------------------------------------------------------------


def test_a_home_is_shown_whole_at_its_mount(make: Make, tmp_path: Path) -> None:
    make("a", "1.0", on_path="tool")
    found = find()
    assert (found.executable, found.home) == (str(tmp_path / "a/bin/tool"), str(tmp_path / "a"))
    assert (found.name, found.program) == ("tool", "/opt/tool/bin/tool")
    assert found.layout.mounts == (Mount(str(tmp_path / "a"), "/opt/tool"),)
    assert found.layout.path == ("/opt/tool/bin",)
    assert (found.layout.masks, dict(found.layout.links), found.layout.libraries) == ((), {}, "")


def test_a_program_of_another_name_is_run_by_the_plain_one(make: Make) -> None:
    """clang++ is clang on disk, and compiles C++ only where it is called by such a name."""
    program = make("home", "1.0", name="other")
    found = find(candidates=(str(program),))
    assert found.program == "/opt/tool-names/tool"
    assert found.layout.links == {found.program: "/opt/tool/bin/other"}
    assert found.layout.path == ("/opt/tool/bin", "/opt/tool-names")


def test_only_the_parts_are_shown_and_the_hidden_ones_masked(make: Make, tmp_path: Path) -> None:
    program = make("we[i]rd home", "1.0", name="tool1.0")
    home = program.parent.parent
    for name in ("lib/tool1.0/packages", "lib/libtool.so.1", "share/private", "bin/other"):
        (home / name).mkdir(parents=True)
    found = find(
        candidates=(str(program),),
        parts=("bin/{program}", "lib/tool*", "lib/libtool*", "lib/none*"),
        hidden=("lib/tool*/packages", "nothing"),
        host_paths=(str(tmp_path / "p*h"), str(tmp_path / "none*")),
    )
    assert found.layout.mounts == (
        Mount(str(program), "/opt/tool/bin/tool1.0"),
        Mount(str(home / "lib/tool1.0"), "/opt/tool/lib/tool1.0"),
        Mount(str(home / "lib/libtool.so.1"), "/opt/tool/lib/libtool.so.1"),
        Mount(str(tmp_path / "path"), str(tmp_path / "path")),
    )
    assert found.layout.masks == ("/opt/tool/lib/tool1.0/packages",)
    assert found.layout.links == {"/opt/tool/bin/tool": "tool1.0"}
    assert found.layout.libraries == "/opt/tool/lib"
    assert (found.name, found.program) == ("tool", "/opt/tool/bin/tool1.0")


def test_what_is_of_the_system_stays_where_it_is() -> None:
    env = shutil.which("env", path="/usr/bin")
    assert env is not None
    found = find(
        candidates=(env,), version_file=None, version_argv=("V=1.2.3",), hidden=("lib/os-release",)
    )
    assert (found.home, found.version) == ("/usr", "1.2.3")
    assert found.program == found.executable == os.path.realpath(env)
    assert (found.layout.mounts, found.layout.path) == ((), ())
    assert set(found.layout.masks) <= {"/usr/lib/os-release"}


def test_a_key_changes_with_the_program(make: Make) -> None:
    program = make("a", "1.0", on_path="tool")
    keys = [find().key]
    os.utime(program, ns=(1, 1))
    keys.append(find().key)
    (program.parent.parent / "VERSION").write_text("tool 1.1")
    keys.append(find().key)
    assert len(set(keys)) == 3
    assert find().key == keys[-1]
    assert all(key.isalnum() for key in keys)


# --- the cache ------------------------------------------------------------------------------


def test_the_cache_is_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert cache_dir() == tmp_path / "cache/drybox"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert cache_dir() == tmp_path / "me/.cache/drybox"


def test_a_file_is_replaced_in_one_step_or_stays(tmp_path: Path) -> None:
    path = tmp_path / "a/b/file"
    write_whole(path, b"1")
    write_whole(path, b"2")
    assert path.read_bytes() == b"2"
    assert [item.name for item in path.parent.iterdir()] == ["file"]
    path.unlink()
    path.mkdir()
    write_whole(path, b"3")
    assert [item.name for item in path.parent.iterdir()] == ["file"]
