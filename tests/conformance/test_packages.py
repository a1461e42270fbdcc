"""Packages: installed inside the sandbox, used by the program, gone with the sandbox."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.conformance.bench import LANGUAGES, Bench
from tests.conformance.programs import Programs
from tests.support.isolations import Isolation
from tests.support.packages import GREETING, make_packages, make_wheel

from drybox import CodeExecutor, ExecutionRequest, ExecutionResult, InvalidRequest
from drybox.languages.registry import known_languages


@dataclass(frozen=True)
class Greeting:
    """A program that prints what the package ``greet`` says, and the packages to name.

    Attributes:
        code: The program.
        packages: What it needs.
        unknown: A package that is not there.
        broken: A package whose archive is none.
    """

    code: str
    packages: tuple[str, ...]
    unknown: str
    broken: str


GREETINGS = {
    "python": Greeting(
        "import greet\nprint(greet.greet())\n", ("greet==1.2.0",), "nothing", "broken"
    ),
    "typescript": Greeting(
        "import { greet } from 'greet';\nconsole.log(greet() as string);\n",
        ("greet@1.2.0",),
        "nothing",
        "broken@1.0.0",
    ),
    "node": Greeting(
        "console.log(require('greet').greet());\n", ("greet@1.2.0",), "nothing", "broken@1.0.0"
    ),
    "go": Greeting(
        'package main\n\nimport (\n\t"fmt"\n\n\t"example.com/greet"\n)\n\n'
        "func main() { fmt.Println(greet.Greet()) }\n",
        ("example.com/greet@v1.2.0",),
        "example.com/nothing",
        "example.com/broken@v1.0.0",
    ),
    "java": Greeting(
        "public class Main {\n    public static void main(String[] args) {\n"
        "        System.out.println(greet.Greet.greet());\n    }\n}\n",
        ("com.example:greet:1.2.0", "com.example:words:2.0.0"),
        "com.example:nothing:1.0.0",
        "com.example:broken:1.0.0",
    ),
    "rust": Greeting(
        'fn main() {\n    println!("{}", greet::greet());\n}\n',
        ("greet@1.2.0",),
        "nothing",
        "broken@1.0.0",
    ),
}


INSTALLING = [
    programs for programs in LANGUAGES if known_languages()[programs.language].packages is not None
]
"""Languages that install packages; one without a greeting stops the suite."""


@pytest.fixture(scope="module")
def package_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="drybox-test-") as folder:
        yield make_packages(Path(folder))


@pytest.fixture(scope="module")
def installer(package_dir: Path) -> Iterator[CodeExecutor]:
    with CodeExecutor(package_dir=package_dir) as executor:
        yield executor


@pytest.fixture
def stocked(bench: Bench, installer: CodeExecutor) -> Bench:
    """The bench, with packages to install."""
    return replace(bench, executor=installer)


@pytest.fixture(params=INSTALLING, ids=lambda programs: programs.language)
def programs(request: pytest.FixtureRequest) -> Programs:
    """The programs of one language that installs packages."""
    found: Programs = request.param
    return found


@pytest.fixture
def greeting(bench: Bench) -> Greeting:
    return GREETINGS[bench.programs.language]


def not_installed(result: ExecutionResult, status: str = "failed") -> None:
    """What results have in common whose packages could not be installed."""
    assert result.status == "install_error", result
    assert [phase.name for phase in result.phases] == ["install"]
    assert result.phases[0].status == status
    assert result.phases[0].stderr == result.stderr
    assert (result.execution_time, result.signal) == (0.0, None)
    assert result.error is not None
    assert result.error.type == ("install_error" if status == "failed" else status)
    assert result.error.message
    assert result.error.hint


@pytest.mark.promise("RES-2")
def test_a_package_and_what_it_needs_are_installed_and_used(
    stocked: Bench, greeting: Greeting
) -> None:
    result = stocked.run(greeting.code, packages=greeting.packages)
    assert (result.status, result.stdout) == ("success", f"{GREETING}\n"), result
    assert result.stderr == ""
    assert [phase.name for phase in result.phases] == ["install", *stocked.phases()]
    assert {phase.status for phase in result.phases} == {"success"}


@pytest.mark.promise("RES-1")
def test_install_error_when_there_is_no_such_package(stocked: Bench, greeting: Greeting) -> None:
    result = stocked.run(greeting.code, packages=[*greeting.packages, greeting.unknown])
    not_installed(result)
    assert result.exit_code not in (0, None)
    assert "nothing" in result.stderr


@pytest.mark.promise("RES-1")
def test_install_error_when_an_archive_is_broken(stocked: Bench, greeting: Greeting) -> None:
    result = stocked.run(greeting.code, packages=[greeting.broken])
    not_installed(result)
    assert "broken" in result.stderr


@pytest.mark.promise("RES-1")
def test_install_error_when_the_installer_takes_too_long(
    bench: Bench, greeting: Greeting, package_dir: Path
) -> None:
    with CodeExecutor(package_dir=package_dir, install_timeout=0.001) as executor:
        slow = replace(bench, executor=executor)
        result = slow.run(greeting.code, packages=greeting.packages)
    not_installed(result, "timeout")
    assert result.error is not None
    assert "install_timeout" in result.error.hint


def test_events_tell_what_the_installer_said_of_its_failure(
    stocked: Bench, greeting: Greeting
) -> None:
    request = stocked.request(greeting.code, packages=[greeting.unknown])
    events = list(stocked.executor.stream(request))
    said = "".join(event.data for event in events if event.type == "stderr")
    assert events[-1].result is not None
    assert said == events[-1].result.stderr
    assert {event.phase for event in events[1:-1]} == {"install"}


@pytest.mark.promise("RES-2")
def test_what_was_installed_is_gone_with_the_sandbox(stocked: Bench, greeting: Greeting) -> None:
    assert stocked.run(greeting.code, packages=greeting.packages).status == "success"
    result = stocked.run(greeting.code)
    # A compiler that looks at packages says so; one that only leaves types out does not.
    assert result.status in ("compile_error", "failed"), result
    assert "greet" in result.stderr


@pytest.mark.promise("RES-2")
def test_installed_files_are_no_artifacts(stocked: Bench, greeting: Greeting) -> None:
    packages = greeting.packages
    result = stocked.run(greeting.code, packages=packages, artifacts=["**", "*", "**/*"])
    assert result.status == "success", result
    assert len(result.artifacts) == 1, sorted(result.artifacts)


@pytest.mark.promise("RES-2")
def test_without_a_folder_packages_are_refused(bench: Bench, greeting: Greeting) -> None:
    with pytest.raises(InvalidRequest) as caught:
        bench.run(greeting.code, packages=greeting.packages)
    assert caught.value.field == "packages"
    assert "package_dir" in caught.value.hint


@pytest.mark.promise("RES-2")
def test_a_folder_without_this_language_is_named(
    bench: Bench, greeting: Greeting, tmp_path: Path
) -> None:
    with (
        CodeExecutor(package_dir=tmp_path) as executor,
        pytest.raises(InvalidRequest, match="there is no folder") as caught,
    ):
        replace(bench, executor=executor).run(greeting.code, packages=greeting.packages)
    assert caught.value.field == "packages"


# --- as each language has it -------------------------------------------------------------


def execute(
    installer: CodeExecutor, isolation: Isolation, language: str, files: dict[str, str]
) -> ExecutionResult:
    """A program of several files that uses the package ``greet``."""
    packages = GREETINGS[language].packages
    request = ExecutionRequest(language, files=files, packages=packages, isolation=isolation.name)
    return installer.execute(request)


def test_node_imports_packages_into_modules_too(
    installer: CodeExecutor, isolation: Isolation
) -> None:
    code = "import { greet } from 'greet';\nconsole.log(greet());\n"
    result = execute(installer, isolation, "node", {"main.mjs": code})
    assert (result.status, result.stdout) == ("success", f"{GREETING}\n"), result


def test_node_says_what_is_in_the_way_of_its_packages(
    installer: CodeExecutor, isolation: Isolation
) -> None:
    files = {"main.js": "", "node_modules/own/index.js": ""}
    result = execute(installer, isolation, "node", files)
    not_installed(result)
    assert "node_modules" in result.stderr


def test_a_go_module_keeps_its_own_requirements(
    installer: CodeExecutor, isolation: Isolation
) -> None:
    mod = "module example.com/program\n\ngo 1.21\n\nrequire example.com/words v1.9.0\n"
    code = (
        'package main\n\nimport (\n\t_ "embed"\n\t"fmt"\n\n\t"example.com/greet"\n'
        '\t"example.com/words"\n)\n\n//go:embed go.mod\nvar mod string\n\n'
        "func main() { fmt.Print(greet.Greet() == words.Words, mod) }\n"
    )
    result = execute(installer, isolation, "go", {"go.mod": mod, "main.go": code})
    assert (result.status, result.stdout) == ("success", f"true{mod}"), result


def test_python_packages_do_not_stand_before_the_standard_library(
    package_dir: Path, isolation: Isolation
) -> None:
    make_wheel(package_dir / "python", "shadow", "1.0", {"json.py": "raise SystemExit('taken')\n"})
    request = ExecutionRequest(
        "python",
        "import json\nprint(json.dumps(1))\n",
        packages=["shadow"],
        isolation=isolation.name,
    )
    with CodeExecutor(package_dir=package_dir) as executor:
        result = executor.execute(request)
    assert (result.status, result.stdout) == ("success", "1\n"), result
