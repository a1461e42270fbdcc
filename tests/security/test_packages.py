"""Attacks by packages, by their names, and by programs on the installer."""

from __future__ import annotations

import json
import secrets
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.isolation_fixtures import made_isolation
from tests.support import host
from tests.support.hostile_archives import HOSTILE
from tests.support.identity import Runner, Self, ordinary_user
from tests.support.isolations import finding
from tests.support.packages import (
    make_go,
    make_jar,
    make_npm,
    make_packages,
    make_sdist,
    make_wheel,
)

from drybox import CodeExecutor, ExecutionRequest, ExecutionResult, InvalidRequest

pytestmark = pytest.mark.promise("ISO-22")

MARK = "touch /build/escaped /tmp/escaped /sandbox/escaped"
UP = "../" * 12

PYTHON = """
import glob
print(glob.glob("/build/escaped*") + glob.glob("/tmp/escaped*") + glob.glob("/sandbox/escaped*"))
"""
NODE = """
const fs = require('fs');
console.log(['/build', '/tmp', '/sandbox'].flatMap((folder) => fs.readdirSync(folder)
  .filter((name) => name.startsWith('escaped'))));
"""


@pytest.fixture(scope="module")
def package_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="drybox-test-") as folder:
        yield make_packages(Path(folder))


@pytest.fixture(scope="module")
def installer(package_dir: Path) -> Iterator[CodeExecutor]:
    with CodeExecutor(package_dir=package_dir, pool=None) as executor:
        yield executor


@pytest.fixture(scope="module")
def user_installer(package_dir: Path, user_runner: Runner) -> Iterator[Runner]:
    with ordinary_user(str(package_dir)) as user:
        yield user


@pytest.fixture
def runner(
    runner_name: str, installer: CodeExecutor, request: pytest.FixtureRequest
) -> Iterator[Runner]:
    """drybox with a folder of packages with each isolation; with local isolation as an ordinary
    user too."""
    if runner_name == "user":
        yield request.getfixturevalue("user_installer")
        return
    isolation = made_isolation("local" if runner_name == "own" else runner_name, request)
    with finding(isolation):
        yield Self(installer, isolation)


def install(
    runner: Runner, language: str, *packages: str, code: str = "", files: dict[str, str]
) -> ExecutionResult:
    code = code or {"python": PYTHON, "node": NODE}[language]
    return runner.execute(ExecutionRequest(language, code, files=files, packages=packages))


def left(word: str) -> list[str]:
    """Where the host has such a file."""
    return [folder for folder in ("/tmp", "/sandbox", "/build", "/") if Path(folder, word).exists()]


@pytest.mark.parametrize(
    ("language", "package"),
    [
        *(("python", name) for name in ("--index-url=http://127.0.0.1", "-r/etc/passwd", "-e.")),
        *(("python", name) for name in (".", "./evil", "/packages/x.whl", "x.zip", "x.tar.gz")),
        *(("python", name) for name in ("x @ file:///etc", "git+file:///etc", "x; touch /tmp/x")),
        *(("python", name) for name in ("greet\n-r x", "greet==1.0.whl", "$(id)", "")),
        *(("node", name) for name in ("--ignore-scripts=false", "-g", "o/name", "../x", "x.tgz")),
        *(("node", name) for name in ("x@npm:y", "x@file:..", "git+ssh://x", "x@1.tar.gz", "@x")),
        *(
            ("go", name)
            for name in ("-toolexec=sh", "./x", "../x", "/etc", "x@-insecure", "...", "")
        ),
        *(("java", name) for name in ("a:b", "../a:b:c", "a:..:1", "-cp:b:c", "a:b:c:d", "a:/b:c")),
    ],
)
def test_names_that_are_no_packages_are_refused(
    runner: Runner, language: str, package: str
) -> None:
    with pytest.raises(InvalidRequest, match="packages"):
        install(runner, language, package, code="pass", files={})


def test_a_wheel_writes_nothing_outside_its_place(runner: Runner, package_dir: Path) -> None:
    word = f"escaped-{secrets.token_hex(8)}"
    for number, start in enumerate((UP, "/", "../../../../../../")):
        members = {f"{start}{folder}/{word}": "escaped" for folder in ("tmp", "sandbox", "build")}
        make_wheel(package_dir / "python", f"climber{number}", "1.0", members)

        result = install(runner, "python", f"climber{number}", files={})

        assert result.status == "install_error", result
    assert not left(word)


def test_source_distributions_are_refused_and_not_built(runner: Runner, package_dir: Path) -> None:
    build = f"import os\nos.system({MARK!r})\nraise SystemExit('was built')\n"
    make_sdist(package_dir / "python", "builder", "1.0", build)

    result = install(runner, "python", "builder", files={})

    assert result.status == "install_error"
    assert "was built" not in result.stdout + result.stderr


def test_the_scripts_of_npm_packages_do_not_run(runner: Runner, package_dir: Path) -> None:
    names = ("preinstall", "install", "postinstall", "prepare")
    make_npm(package_dir / "node", "scripted", "1.0.0", {}, scripts=dict.fromkeys(names, MARK))

    result = install(runner, "node", "scripted", files={})

    assert (result.status, result.stdout) == ("success", "[]\n"), result.stderr


def test_an_npm_package_writes_nothing_outside_its_place(runner: Runner, package_dir: Path) -> None:
    word = f"escaped-{secrets.token_hex(8)}"
    members = {f"{UP}{folder}/{word}": "escaped" for folder in ("tmp", "sandbox", "build")}
    make_npm(package_dir / "node", "climber", "1.0.0", members)

    result = install(runner, "node", "climber", files={})

    assert (result.status, result.stdout) in (("install_error", ""), ("success", "[]\n"))
    assert not left(word)


@pytest.mark.parametrize(("language", "package"), [("python", "greet"), ("node", "greet")])
def test_the_installer_runs_nothing_of_the_request(
    runner: Runner, language: str, package: str
) -> None:
    python = f"import os\nos.system({MARK!r})\n"
    library = ".local/lib/python3.{}/site-packages"
    files = {
        **dict.fromkeys(("pip.py", "json.py", "sitecustomize.py", "usercustomize.py"), python),
        **{f"{library.format(minor)}/usercustomize.py": python for minor in range(10, 16)},
        **{f"{library.format(minor)}/x.pth": python.replace("\n", ";") for minor in range(10, 16)},
        ".config/pip/pip.conf": "[global]\nno-index = false\nindex-url = http://127.0.0.1:1\n",
        ".pip/pip.conf": "[global]\nfind-links = /sandbox\n",
        ".npmrc": "@drybox:registry=http://127.0.0.1:1/\nignore-scripts=false\nscript-shell=/sandbox/evil.sh\n"
        "node-options=-r /sandbox/evil.js\n",
        "evil.sh": f"#!/bin/sh\n{MARK}\n",
        "evil.js": f"require('child_process').execSync({MARK!r});\n",
        "package.json": json.dumps({"scripts": {"preinstall": MARK, "postinstall": MARK}}),
    }
    result = install(runner, language, package, files=files)

    assert (result.status, result.stdout) == ("success", "[]\n"), result


def test_go_runs_nothing_of_the_request_as_it_installs(runner: Runner) -> None:
    main = """package main

import (
	"fmt"
	"os"

	"example.com/greet"
)

func main() {
	_, err := os.Stat("/build/escaped")
	fmt.Println(greet.Greet() != "", os.IsNotExist(err))
}
"""
    files = {
        "go.mod": "module x\n\ngo 1.21\n\ntoolchain go1.99.0\n",
        "go.work": "go 1.21\n\nuse .\n\nreplace example.com/greet => /sandbox/other\n",
        "go.env": "GOFLAGS=-toolexec=/sandbox/evil.sh\n",
        ".config/go/env": "GOFLAGS=-toolexec=/sandbox/evil.sh\nGOPROXY=http://127.0.0.1:1\n",
        ".gitconfig": "[core]\n\tfsmonitor = /sandbox/evil.sh\n",
        "evil.sh": f"#!/bin/sh\n{MARK}\n",
    }

    result = install(runner, "go", "example.com/greet@v1.2.0", code=main, files=files)

    assert (result.status, result.stdout) == ("success", "true true\n"), result


def test_a_go_module_writes_nothing_outside_its_place(runner: Runner, package_dir: Path) -> None:
    word = f"escaped-{secrets.token_hex(8)}"
    members = {f"{UP}{folder}/{word}": "escaped" for folder in ("tmp", "sandbox", "build")}
    mod = "module example.com/climber\n"
    make_go(package_dir / "go", "example.com/climber", "v1.0.0", {"go.mod": mod, **members})

    result = install(
        runner, "go", "example.com/climber@v1.0.0", code="package main\nfunc main() {}", files={}
    )

    assert result.status == "install_error"
    assert not left(word)


def test_an_annotation_processor_in_a_package_does_not_run(
    runner: Runner, package_dir: Path
) -> None:
    processor = """
    package evil;
    import java.util.Set;
    import javax.annotation.processing.*;
    import javax.lang.model.element.TypeElement;
    @SupportedAnnotationTypes("*")
    public class Evil extends AbstractProcessor {
        public boolean process(Set<? extends TypeElement> types, RoundEnvironment round) {
            System.err.println("the processor ran");
            new java.io.File("/build/escaped").mkdir();
            return false;
        }
    }
    """
    jar = make_jar(package_dir / "java", "evil:evil:1", {"evil/Evil.java": processor})
    with zipfile.ZipFile(jar, "a") as archive:
        service = "META-INF/services/javax.annotation.processing.Processor"
        archive.writestr(service, "evil.Evil\n")
    code = """
    public class Main {
        public static void main(String[] arguments) {
            System.out.println(new java.io.File("/build/escaped").exists());
        }
    }
    """

    result = install(runner, "java", "evil:evil:1", code=code, files={})

    assert (result.status, result.stdout) == ("success", "false\n"), result
    assert "the processor ran" not in result.phases[1].stderr


def test_an_installer_reaches_no_address_that_a_package_names(
    runner: Runner, package_dir: Path, listener: host.Listener
) -> None:
    address = f"http://127.0.0.1:{listener.port}/evil"
    make_wheel(package_dir / "python", "caller", "1.0", {}, needs=f"evil @ {address}.whl")
    needs = {"evil": f"{address}.tgz"}
    make_npm(package_dir / "node", "caller", "1.0.0", {}, dependencies=needs)

    statuses = [
        install(runner, language, "caller", files={}).status for language in ("python", "node")
    ]

    assert statuses == ["install_error"] * 2
    assert listener.visitors() == []


def test_a_bomb_of_a_package_fills_its_own_disk_only(runner: Runner, package_dir: Path) -> None:
    bomb = package_dir / "python" / "bomb-1.0-py3-none-any.whl"
    make_wheel(package_dir / "python", "bomb", "1.0", {})
    with zipfile.ZipFile(bomb, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.bin", bytes(200 << 20))

    result = install(runner, "python", "bomb", files={})

    assert result.status == "install_error", result
    assert install(runner, "python", "greet", files={}).status == "success"


@pytest.mark.parametrize(
    ("language", "make"),
    [
        pytest.param(
            language,
            make,
            id=make.__name__,
            # Each installs twice; one of each language is enough for every day.
            marks=[pytest.mark.nightly] * (make is not makers[0]),
        )
        for language, makers in HOSTILE.items()
        for make in makers
    ],
)
def test_a_hostile_archive_harms_its_own_sandbox_only(
    runner: Runner, package_dir: Path, language: str, make: Callable[[Path, str], None]
) -> None:
    word = f"escaped-{secrets.token_hex(8)}"
    make(package_dir / language, word)
    before = host.resident(runner.pid)

    result = install(runner, language, "hostile", files={})

    # Either the tool refuses it, or what it was let have is in the sandbox, and gone with it.
    assert result.status in ("install_error", "success"), result
    assert result.phases[0].execution_time < 60
    assert not left(word)
    assert host.resident(runner.pid) - before < 64 << 20
    assert install(runner, language, "greet", files={}).status == "success"


def test_a_program_cannot_change_the_folder_of_packages(runner: Runner, package_dir: Path) -> None:
    folder = package_dir / "python"
    before = sorted(path.name for path in folder.iterdir())
    folder.chmod(0o777)  # so that nothing but the isolation is in the way
    (folder / "greet-1.2.0-py3-none-any.whl").chmod(0o666)
    code = """
import os
for path in ("/packages/new", "/packages/greet-1.2.0-py3-none-any.whl"):
    try:
        os.close(os.open(path, os.O_WRONLY | (os.O_CREAT if "new" in path else 0)))
    except OSError as error:
        print(error.errno)
try:
    os.unlink("/packages/greet-1.2.0-py3-none-any.whl")
except OSError as error:
    print(error.errno)
print(os.listdir("/packages/.."))
"""

    result = install(runner, "python", "greet", code=code, files={})

    # A read-only file system; or, of a copy, files that are another user's too.
    assert {*result.stdout.splitlines()[:3]} <= {"30", "13"}, result
    assert len(result.stdout.splitlines()) == 4
    assert sorted(path.name for path in folder.iterdir()) == before
    assert str(package_dir) not in result.stdout


def test_who_asks_for_no_package_sees_none(runner: Runner) -> None:
    code = "import os\nprint(os.path.exists('/packages'), os.path.exists('/opt/pip'))\n"

    assert install(runner, "python", "greet", code=code, files={}).stdout.startswith("True")
    assert install(runner, "python", code=code, files={}).stdout == "False False\n"
