"""Attacks on compilers, which run under the same isolation as the program."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from tests.support import host
from tests.support.attack import TIMEOUT, new_marker, seen_from_host
from tests.support.identity import REPO, Runner

from drybox import ExecutionRequest, ExecutionResult

pytestmark = pytest.mark.promise("ISO-20")

MIB = 1 << 20

GO_MAIN = """
package main

import (
    "fmt"
    "os"
)

func main() {
    _, err := os.Stat("/build/escaped")
    fmt.Println(os.IsNotExist(err))
}
"""

JAVA_MAIN = """
public class Main {
    public static void main(String[] arguments) {
        System.out.println(!new java.io.File("/build/escaped").exists());
    }
}
"""

MARK = 'touch /build/escaped; exec "$@"'


@pytest.fixture
def secret_package() -> Iterator[Path]:
    """A Go module on the host that everybody may read."""
    folder = Path(tempfile.mkdtemp(prefix="drybox-test-"))
    (folder / "go.mod").write_text("module example.com/secret\n")
    (folder / "secret.go").write_text(f'package secret\nconst Word = "{new_marker()}"\n')
    (folder / "secret.txt").write_text("the secret of the host")
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def go(runner: Runner, files: dict[str, str]) -> ExecutionResult:
    return runner.execute(ExecutionRequest("go", files=dict(files)))


def is_refused(result: ExecutionResult) -> bool:
    """Whether the compiler said no, and told nothing of the host in doing so."""
    assert "root:x:0:0:root:/root" not in result.stdout + result.stderr
    return result.status == "compile_error" and result.stdout == ""


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "../build", "etc"])
def test_go_embed_reaches_no_file_outside(runner: Runner, path: str) -> None:
    main = f"""
    package main

    import _ "embed"

    //go:embed {path}
    var text string

    func main() {{ print(text) }}
    """

    result = go(runner, {"main.go": dedent(main), "go.mod": "module x\n"})

    assert is_refused(result)


@pytest.mark.parametrize(
    "directive",
    [
        "#cgo CFLAGS: -include /etc/passwd",
        "#cgo LDFLAGS: -Wl,-T,/etc/passwd",
        '#include "/etc/shadow"',
        "#cgo pkg-config: --version",
    ],
)
def test_cgo_is_off(runner: Runner, directive: str) -> None:
    main = f'package main\n\n// {directive}\nimport "C"\n\nfunc main() {{}}\n'

    result = go(runner, {"main.go": main})

    assert is_refused(result)


def test_go_replace_reaches_no_module_of_the_host(runner: Runner, secret_package: Path) -> None:
    word = "example.com/secret"
    module = f"module x\n\nrequire {word} v0.0.0\n\nreplace {word} => {secret_package}\n"
    main = f'package main\n\nimport "{word}"\n\nfunc main() {{ println(secret.Word) }}\n'

    result = go(runner, {"main.go": main, "go.mod": module})

    assert is_refused(result)
    assert "attack-" not in result.stderr


def test_go_work_reaches_no_module_of_the_host(runner: Runner, secret_package: Path) -> None:
    word = "example.com/secret"
    main = f'package main\n\nimport "{word}"\n\nfunc main() {{ println(secret.Word) }}\n'
    files = {"main.go": main, "go.mod": "module x\n", "go.work": f"use .\nuse {secret_package}\n"}

    result = go(runner, files)

    assert is_refused(result)
    assert "attack-" not in result.stderr


def test_go_runs_nothing_that_the_sources_name(runner: Runner) -> None:
    files = {
        "main.go": f"//go:generate sh -c 'touch /build/escaped'\n{GO_MAIN}",
        "go.mod": "module x\n\ntoolchain go1.99.0\n",
        "go.env": "GOFLAGS=-toolexec=sh\n",
        ".config/go/env": "GOFLAGS='-toolexec=sh evil.sh'\nGOCACHEPROG=sh evil.sh\nCC=sh\n",
        "evil.sh": MARK,
        "compile": MARK,
        "vendor/modules.txt": "",
    }

    result = go(runner, files)

    assert result.stdout in ("true\n", "")
    assert (result.status, result.stdout) == ("success", "true\n") or is_refused(result)


@pytest.mark.parametrize(
    "name",
    [
        "-toolexec=sh -c 'cd; . .evil' sh.go",
        "-exec=sh evil.go",
        "-o=main.go",
        "-modfile=x.go",
        "@evil.go",
        "a b; touch escaped #.go",
        "$(touch escaped).go",
    ],
)
def test_names_of_go_files_are_no_options(runner: Runner, name: str) -> None:
    files = {"main.go": GO_MAIN, name: "package main\n", ".evil": MARK}

    result = go(runner, files)

    assert (result.status, result.stdout) == ("success", "true\n") or is_refused(result)
    assert "buildID" not in result.stderr


@pytest.mark.parametrize(
    "name",
    ["-J-Xlog:os:file=escaped.java", "@escaped.java", "-verbose.java", "-Xplugin:escaped.java"],
)
def test_names_of_java_files_are_no_options(runner: Runner, name: str) -> None:
    source = """
    public class Main {
        public static void main(String[] arguments) {
            for (String name : new java.io.File(".").list())
                if (name.equals("escaped.java")) System.out.println("escaped");
            System.out.println("ended");
        }
    }
    """
    files = {"Main.java": source, name: ""}

    result = runner.execute(ExecutionRequest("java", files=files))

    # Either javac took it for a file, or drybox refused it before; no option has worked.
    assert "escaped" not in result.stdout
    assert (result.status, result.stdout) == ("success", "ended\n") or is_refused(result)
    assert "[parsing" not in result.stderr
    assert "Unrecognized option" not in result.stderr
    assert "plug-in" not in result.stderr


def test_java_annotation_processors_do_not_run(runner: Runner) -> None:
    processor = """
    import javax.annotation.processing.*;
    import javax.lang.model.element.TypeElement;
    import java.util.Set;

    @SupportedAnnotationTypes("*")
    public class Evil extends AbstractProcessor {
        public Evil() throws Exception {
            new java.io.File("/build/escaped").createNewFile();
        }
        public boolean process(Set<? extends TypeElement> types, RoundEnvironment round) {
            return false;
        }
        public static void main(String[] arguments) throws Exception {
            java.nio.file.Files.copy(java.nio.file.Path.of("/build/classes/Evil.class"),
                java.nio.file.Path.of("Evil.class"));
        }
    }
    """
    service = "META-INF/services/javax.annotation.processing.Processor"
    made = runner.execute(ExecutionRequest("java", processor, artifacts=["Evil.class"]))
    assert made.status == "success", made.stderr
    evil = made.artifacts["Evil.class"]

    result = runner.execute(
        ExecutionRequest(
            "java", files={"Main.java": JAVA_MAIN, "Evil.class": evil, service: b"Evil\n"}
        )
    )

    assert (result.status, result.stdout) == ("success", "true\n"), result.stderr


COMPILE = """
import json, sys
from drybox import CodeExecutor, ExecutionRequest, ResourceLimits

name, isolation, limits = *sys.argv[1:3], ResourceLimits(memory=int(sys.argv[3]), pids=64)
timeout = float(sys.argv[4])
with CodeExecutor(isolation=isolation, compile_timeout=timeout, compile_limits=limits) as executor:
    request = ExecutionRequest("java", files={name: sys.stdin.read()}, entrypoint=name)
    result = executor.execute(request)
phase = result.phases[0]
print(json.dumps([result.status, len(result.phases), phase.status, phase.execution_time]))
"""

# javac writes the body of a finally twice: once for the good end and once for the bad.
CPU_BOMB = "class Bomb {{ static int i; static void m() {{ {} i++; {} }} }}".format(
    "try { i++; } finally { " * 40, "}" * 40
)

MEMORY_BOMB = "class Bomb {{\n{}\n}}".format(
    "\n".join(
        ['static final String S0 = "0123456789abcdef";']
        + [f"static final String S{i + 1} = S{i} + S{i};" for i in range(28)]
        + ["static int size = S28.length();"]
    )
)


BOMBS = {
    "cpu": (CPU_BOMB, 512 * MIB, 2.0, ["timeout"]),
    "memory": (MEMORY_BOMB, 256 * MIB, 30.0, ["memory_limit", "failed"]),
}


@seen_from_host
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_for_javac_is_contained(runner: Runner, bomb: str) -> None:
    code, memory, timeout, fates = BOMBS[bomb]
    name = f"{new_marker()}.java"
    words = [name, runner.isolation.name, str(memory), str(timeout)]
    argv, env = runner.command([sys.executable, "-c", COMPILE, *words])
    folders: list[Path] = []
    figures: list[float] = []
    status: dict[str, str] = {}

    def is_over(drybox: subprocess.Popen[str]) -> bool:
        for process in host.confined(name)[:1]:
            if not folders:  # asked once: of a process that ends the kernel forgets it
                folders.append(host.cgroup_of(process.pid, "memory"))
                status.update(host.status(process.pid))
            with contextlib.suppress(OSError):
                figures.append(host.memory_of(folders[0]))
        return drybox.poll() is not None

    with subprocess.Popen(
        argv, env=env, cwd=REPO, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as drybox:
        assert drybox.stdin is not None
        assert drybox.stdout is not None
        drybox.stdin.write(code)
        drybox.stdin.close()
        assert host.eventually(lambda: is_over(drybox), TIMEOUT)
        fate, phases, compiled, seconds = json.loads(drybox.stdout.read())

    assert (fate, phases) == ("compile_error", 1)
    assert compiled in fates
    assert seconds < timeout + 2
    assert not host.running(name)
    assert (status["CapEff"], status["CapBnd"]) == ("0" * 16, "0" * 16)
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert status["Uid"].split()[0] != "0"
    assert max(figures) <= memory


def test_typescript_reads_nothing_of_the_host(runner: Runner, secret_package: Path) -> None:
    place = secret_package
    code = (
        f'/// <reference path="{place}/secret.txt" />\n/// <reference path="/etc/shadow" />\n'
        f"import type {{ Word }} from '{place}/secret.go';\n"
        f"import * as word from '{place}/secret.txt';\nconsole.log(word);\n"
    )
    for more in (
        {},
        {"tsconfig.json": json.dumps({"extends": f"{place}/secret.txt"})},
        {"tsconfig.json": json.dumps({"extends": "/etc/shadow", "files": ["/etc/passwd"]})},
        {"tsconfig.json": json.dumps({"compilerOptions": {"plugins": [{"name": str(place)}]}})},
        {"package.json": json.dumps({"main": f"{place}/secret.txt", "imports": {"#a": "/etc"}})},
    ):
        request = ExecutionRequest("typescript", files={"main.ts": code, **more})
        result = runner.execute(request)
        assert result.status in ("failed", "compile_error"), result
        said = "".join(phase.stdout + phase.stderr for phase in result.phases)
        assert "the secret of the host" not in said
        assert "root:" not in said


def test_the_compiler_of_typescript_runs_nothing_of_the_request(runner: Runner) -> None:
    evil = "require('fs').writeFileSync('/build/escaped', '')"
    main = "import { existsSync } from 'fs'; console.log(!existsSync('/build/escaped'));"
    files = {
        "main.ts": main,
        "esbuild.config.js": evil,
        "tsconfig.json": '{"compilerOptions": {"plugins": [{"name": "./evil.js"}]}}',
        "evil.js": evil,
        "node_modules/esbuild/lib/main.js": evil,
        "package.json": json.dumps({"scripts": {"prepare": "node evil.js"}}),
        ".npmrc": "script-shell=/sandbox/evil.js",
        "--servedir=.ts": "",
        "--watch.ts": "",
    }
    result = runner.execute(ExecutionRequest("typescript", files=files, entrypoint="main.ts"))
    assert (result.status, result.stdout) == ("success", "true\n"), result


@pytest.mark.parametrize(
    "code",
    [
        "type A<T> = A<A<T>>; type B = A<B>[B]; console.log('types');",
        "type D<N extends number, T extends any[] = []> = D<N, [...T, ...T, 1]>; let x: D<9>;",
        "let x = " + "(" * 200_000,
        "let x: " + "A<" * 200_000,
        "let a: = 1;\n" * 100_000,
        "`${" * 100_000,
        "class {" * 50_000,
        "x = " + "a ? " * 100_000,
    ],
    ids=["types", "growing", "braces", "generics", "errors", "templates", "classes", "choices"],
)
def test_typescript_without_end_ends(runner: Runner, code: str) -> None:
    result = runner.execute(ExecutionRequest("typescript", code, timeout=20))
    assert result.status in ("success", "compile_error"), result.status
    assert len(result.stderr) < MIB
