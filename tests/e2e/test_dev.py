"""What ``./dev run`` installs: what its command needs, and nothing that it does not."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.support.source_tree import ROOT

TOOLS = ("cat", "cksum", "cut", "dirname", "env", "find", "paste", "python3", "sed", "sort", "tr")


class Checkout:
    """A checkout with stand-ins for pip and drybox, on a machine with few programs."""

    def __init__(self, folder: Path, programs: tuple[str, ...]) -> None:
        self.folder = folder
        self._bin = folder / "bin"
        for place in (folder / ".venv/bin", folder / "playground", self._bin):
            place.mkdir(parents=True)
        shutil.copy(ROOT / "dev", folder / "dev")
        for tool in (*TOOLS, "sh"):
            (self._bin / tool).symlink_to(shutil.which(tool) or "")
        for program in programs:
            self._script(self._bin / program, "true")
        said = '"$* page=${BUILD_WITHOUT_PLAYGROUND:-built}"'
        self._script(folder / ".venv/bin/pip", f"echo {said} >>installed")
        self._script(folder / ".venv/bin/drybox", 'echo "ran $*"')

    def _script(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def run(self, *words: str) -> list[str]:
        """What ``./dev run`` had installed, and whether the page was to be left out."""
        log = self.folder / "installed"
        log.unlink(missing_ok=True)
        done = subprocess.run(
            [str(self.folder / "dev"), "run", *words],
            env={"PATH": str(self._bin), "HOME": str(self.folder)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"ran {' '.join(words) or 'run examples/python/hello.py'}\n"
        lines = log.read_text().splitlines() if log.exists() else []
        return [line.partition("-e ")[2] for line in lines if "-e " in line]

    def bring_uv(self, text: str) -> None:
        """Have pip install a stand-in for uv."""
        self._script(self.folder / ".venv/installer/bin/uv", text)


@pytest.fixture
def bare(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path, ())


def test_a_program_needs_drybox_and_its_own_toolchain_alone(bare: Checkout) -> None:
    assert bare.run() == [". page=1"]
    assert bare.run("run", "x.py") == [], "it is there"
    assert bare.run("run", "x.js") == [".[node] page=1"]
    assert bare.run("run", "-l", "go", "-c", "x") == [".[go,node] page=1"], "node stays"
    assert bare.run("run", "x.py", "--isolation", "docker") == [".[docker,go,node] page=1"]
    assert bare.run("run", "x.py", "--package", "y") == [".[docker,go,node,python] page=1"]
    assert bare.run("serve") == [".[docker,go,node,python,server] page=built"]
    assert bare.run("run", "x.py") == [], "nothing is undone"


def test_a_toolchain_that_is_there_is_not_installed(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, ("node", "go"))
    assert checkout.run("run", "x.go") == [". page=1"]
    assert checkout.run("languages") == []


@pytest.mark.parametrize("command", ["selftest", "languages", "bench"])
def test_what_tries_every_language_has_every_toolchain(bare: Checkout, command: str) -> None:
    assert bare.run(command) == [".[go,node] page=1"]


def test_typescript_needs_node_and_its_npm(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, ("node",))
    assert checkout.run("run", "x.ts") == [".[node] page=1"], "a Node.js without npm will not do"
    assert checkout.run("run", "-l", "typescript", "-c", "1") == []


def test_what_the_tests_have_installed_is_enough_for_everything(bare: Checkout) -> None:
    bare.run()
    made = bare.folder / ".venv/.made"
    made.write_text(" ".join([*made.read_text().split()[:2], "-e", ".[all]", "pytest\n"]))
    assert bare.run("serve") == bare.run("run", "x.js") == []


def test_a_command_that_it_does_not_know_gets_everything(bare: Checkout) -> None:
    assert bare.run("fleet", "status") == [".[all] page=built"]


def test_everything_is_installed_by_uv_and_by_pip_where_that_fails(bare: Checkout) -> None:
    bare.bring_uv('echo "uv: $* page=" >>installed')
    assert bare.run("fleet", "status") == [".[all] page="]
    (bare.folder / ".venv/.made").unlink()
    bare.bring_uv("exit 1")
    assert bare.run("fleet", "status") == [".[all] page=built"]
