"""Environments of Go: modules, and what is compiled of them ahead, behind every isolation."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.support.go_modules import make_proxy, using
from tests.support.isolations import Isolation
from tests.support.packages import GREETING, make_go

from drybox import CodeExecutor, Environment, ExecutionRequest, ExecutionResult, Unavailable
from drybox.environments.info import EnvironmentInfo

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


@dataclass(frozen=True)
class Site:
    """A proxy and a store of the test's own, and the isolation.

    Attributes:
        folder: Has the proxy, the host's module cache and, unless told otherwise, the store.
        isolation: The isolation's name.
        store: Name of the store's folder.
    """

    folder: Path
    isolation: str
    store: str = "store"

    def executor(self, environment: Environment = WEB, **settings: object) -> CodeExecutor:
        """An executor that has this environment, and keeps nothing waiting."""
        return CodeExecutor(
            environments=[environment],
            environment_dir=self.folder / self.store,
            isolation=self.isolation,
            timeout=60.0,
            pool=None,
            **settings,  # type: ignore[arg-type]
        )

    def build(self, environment: Environment = WEB, **words: object) -> EnvironmentInfo:
        """Build one."""
        with using(self.folder / "proxy", self.folder / "mod"), self.executor(environment) as made:
            return made.build_environment(environment.name, **words)  # type: ignore[arg-type]

    def run(self, code: str = CODE, **fields: object) -> ExecutionResult:
        """Run a program in one that is built."""
        with self.executor() as executor:
            request = ExecutionRequest("go", code, environment="web", **fields)  # type: ignore[arg-type]
            return executor.execute(request)


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
        made = Site(folder, isolation.name)
        made.build()
        sites[isolation.name] = made
    return sites[isolation.name]


def test_a_program_without_a_go_mod_has_the_modules(site: Site) -> None:
    result = site.run()
    assert (result.status, result.stdout) == ("success", f"{GREETING} [- main.go]\n"), result
    assert [phase.name for phase in result.phases] == ["compile", "run"]


def test_a_plain_program_is_built_without_the_go_command(site: Site) -> None:
    plain, slow = site.run(), site.run(f"// +build linux\n\n{CODE}")
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
    """What is compiled ahead, too, and from a lock without a proxy."""
    (path,) = (site.folder / "store/locks").glob("*.json")
    lock = json.loads(path.read_text())
    assert replace(site, store="again").build().digest == lock["digest"]
    (tree,) = (site.folder / "store/trees").iterdir()
    assert len(list((tree / "cache").glob("*/*-a"))) >= 2
    changed = site.folder / "changed.json"
    changed.write_text(json.dumps({**lock, "digest": "0" * 32}))
    with pytest.raises(Unavailable, match="cannot be built as it was locked"):
        replace(site, store="third").build(lock=changed)


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
