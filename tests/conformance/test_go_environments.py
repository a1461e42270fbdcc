"""Environments of Go: modules, and what is compiled of them ahead, behind every isolation."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from tests.support.environments import Site
from tests.support.go_modules import make_proxy, using
from tests.support.isolations import Isolation
from tests.support.packages import GREETING, make_go

from drybox import Environment, ExecutionRequest

pytestmark = pytest.mark.promise("ENV-1", "ENV-2")

WEB = Environment(
    "web", "go", packages=["example.com/greet", "example.com/wrong", "example.com/tools/cmd/hello"]
)
CODE = """package main

import (
\t"fmt"
\t"os"

\t"example.com/greet"
)

func main() {
\tfound, _ := os.ReadDir(".")
\tfmt.Println(greet.Greet(), found)
}
"""


def own(folder: Path) -> AbstractContextManager[None]:
    """While the go command finds the modules of a folder alone."""
    return using(folder / "proxy", folder / "mod")


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Site]]:
    """What was built behind each isolation: once."""
    made = dict[str, Site]()
    yield made
    for site in made.values():  # what the go command unpacks cannot be removed as it is
        subprocess.run(["chmod", "-R", "u+w", str(site.folder / "mod")], check=True)


@pytest.fixture
def site(
    tmp_path_factory: pytest.TempPathFactory, isolation: Isolation, sites: dict[str, Site]
) -> Site:
    if isolation.name not in sites:
        folder = tmp_path_factory.mktemp("go")
        make_proxy(folder / "proxy")
        made = Site(folder, isolation.name, WEB, own)
        made.build()
        sites[isolation.name] = made
    return sites[isolation.name]


def test_a_program_without_a_go_mod_has_the_modules(site: Site) -> None:
    result = site.run(CODE)
    assert (result.status, result.stdout) == ("success", f"{GREETING} [- main.go]\n"), result
    assert [phase.name for phase in result.phases] == ["compile", "run"]


def test_a_plain_program_is_built_without_the_go_command(site: Site) -> None:
    plain, slow = site.run(CODE), site.run(f"// +build linux\n\n{CODE}")
    assert plain.stdout == slow.stdout == f"{GREETING} [- main.go]\n", (plain, slow)
    cpu = [item.phases[0].cpu_time or 0.0 for item in (plain, slow)]
    assert 0 < cpu[0] < cpu[1]


def test_one_with_its_own_has_them_in_the_environments_versions(site: Site) -> None:
    files = {
        "main.go": CODE.replace('"os"', '"os"\n\n\t_ "own/lib"'),
        "lib/lib.go": "package lib\n",
        "go.mod": "module own\n\ngo 1.18\n\nrequire example.com/words v1.8.0",
    }
    with site.executor() as executor:
        result = executor.execute(ExecutionRequest("go", files=files, environment="web"))
    assert (result.status, result.stdout) == (
        "success",
        f"{GREETING} [- go.mod d lib/ - main.go]\n",
    ), result


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (CODE.replace("example.com/greet", "example.com/else"), "no required module|cannot find"),
        (CODE.replace("example.com/greet", "example.com/wrong"), "cannot use 1.5|truncated"),
        (CODE.replace("package main", "package other"), "is not a main package"),
    ],
)
def test_what_does_not_compile_is_told(site: Site, code: str, problem: str) -> None:
    import re

    result = site.run(code)
    assert result.status == "compile_error"
    assert re.search(problem, result.stderr), result.stderr


def test_the_same_modules_give_the_same_bytes_or_none(site: Site) -> None:
    (tree,) = (site.folder / "store/trees").iterdir()
    assert len(list((tree / "cache").glob("*/*-a"))) >= 2
    site.check_lock()


def test_packages_of_a_request_and_an_environment_go_together(site: Site, tmp_path: Path) -> None:
    (tmp_path / "go").mkdir()
    files = {"more.go": "package more\n\nconst More = 7\n", "go.mod": "module example.com/more\n"}
    make_go(tmp_path / "go", "example.com/more", "v1.0.0", files)
    for folder in (tmp_path, tmp_path / "go"):
        folder.chmod(0o755)
    code = CODE.replace('"os"', '"os"\n\n\t"example.com/more"').replace("found)", "more.More)")
    code = code.replace("found, _ := os", "_, _ = os")
    with site.executor(package_dir=tmp_path) as executor:
        result = executor.execute("go", code, environment="web", packages=["example.com/more"])
    assert result.stdout == f"{GREETING} 7\n", result


def test_a_session_has_them_in_every_cell(site: Site) -> None:
    with site.executor() as executor, executor.session("go", environment="web") as session:
        said = [session.run(code).stdout for code in (CODE, CODE.replace("Println", "Print"))]
    assert said == [f"{GREETING} [- main.go]\n", f"{GREETING}[- main.go]"]


def test_what_is_named_and_is_a_program_is_a_command(site: Site) -> None:
    """No other program of its module is."""
    code = """package main

import (
\t"fmt"
\t"os/exec"
)

func main() {
\tsaid, problem := exec.Command("hello").Output()
\t_, other := exec.LookPath("other")
\tfmt.Printf("%s%v %v\\n", said, problem, other != nil)
}
"""
    assert site.run(code).stdout == f"{GREETING}\n<nil> true\n"
