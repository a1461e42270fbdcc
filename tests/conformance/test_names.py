"""What the bare tool takes runs under its own name, and no more is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.support.isolations import Isolation

from drybox import CodeExecutor, ExecutionRequest, ExecutionResult

Run = Callable[..., ExecutionResult]

WORLD = 'public class World { public static void main(String[] a) { System.out.println("w"); } }'
GO = 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("x") }\n'


@pytest.fixture
def run(executor: CodeExecutor, isolation: Isolation) -> Run:
    def run_files(
        language: str, files: dict[str, str], entrypoint: str | None = None
    ) -> ExecutionResult:
        request = ExecutionRequest(
            language, files=files, entrypoint=entrypoint, isolation=isolation.name, timeout=120.0
        )
        return executor.execute(request)

    return run_files


@pytest.mark.parametrize(
    ("language", "files", "entrypoint", "stdout"),
    [
        ("java", {"Hello.java": WORLD}, None, "w\n"),
        ("java", {"a b/Hello.java": WORLD}, "./a b/Hello.java", "w\n"),
        ("java", {"-x.java": WORLD, "Util.java": "class Util { }"}, "-x.java", "w\n"),
        ("java", {"hello.txt": WORLD}, "hello.txt", "w\n"),
        ("java", {"Two.java": WORLD + "\npublic class Other { }"}, None, "w\n"),
        (
            "java",
            {
                "Start.java": "package a.b; public record R(int x) { public static void "
                "main(String[] a) { System.out.println(new R(Other.X)); } }",
                "Other.java": "package a.b; public class Other { static int X = 3; }",
            },
            "Start.java",
            "R[x=3]\n",
        ),
        (
            "java",
            {"I.java": WORLD.replace("public class", "public enum").replace("{ p", "{ ; p", 1)},
            None,
            "w\n",
        ),
        ("go", {"hello.txt": GO}, "hello.txt", "x\n"),
        ("go", {"x_windows.go": GO}, None, "x\n"),
        ("go", {"a b.go": GO}, None, "x\n"),
        ("go", {"main.go": GO, "x_windows.go": "broken", "_y.go": "broken"}, None, "x\n"),
        ("python", {"aux.py": "print(1)"}, None, "1\n"),
        ("python", {"con/x.py": "print(open('nul.txt').read())", "nul.txt": "n"}, None, "n\n"),
        ("python", {"folder/../x.py": "print(3)"}, "./y/..//x.py", "3\n"),
        ("python", {"d/__main__.py": "import m", "d/m.py": "print(4)"}, "d/", "4\n"),
        ("python", {"-": "print(5)"}, "-", "5\n"),
        ("python", {"a\\b.py": "print(6)"}, None, "6\n"),
        ("python", {"no suffix": "print(__file__[-9:])"}, "no suffix", "no suffix\n"),
        ("python", {"d/" * 100 + "x.py": "print(8)"}, None, "8\n"),
        ("python", {"Ünï cødé 🙂.py": "print(9)"}, None, "9\n"),
        ("node", {"x.cjs": "console.log(typeof require)"}, None, "function\n"),
        ("node", {"x.mjs": "console.log(typeof require)"}, None, "undefined\n"),
        ("node", {"d/index.js": "console.log(1)", "x.js": ""}, "d", "1\n"),
        (
            "node",
            {"package.json": '{"main": "lib/s.js"}', "lib/s.js": "console.log(2)", "index.js": ""},
            None,
            "2\n",
        ),
        ("node", {"a.txt": "console.log('t')"}, "a.txt", "t\n"),
    ],
)
def test_what_the_bare_tool_takes_runs(
    run: Run, language: str, files: dict[str, str], entrypoint: str | None, stdout: str
) -> None:
    result = run(language, files, entrypoint)
    assert (result.status, result.stdout) == ("success", stdout), result


def test_a_java_file_of_another_name_is_told_of_under_its_own(run: Run) -> None:
    wrong = WORLD.replace('"w"', "w")
    result = run("java", {"Hello.java": wrong})
    assert result.status == "compile_error"
    assert result.stderr.startswith("Hello.java:1: error: cannot find symbol")
    assert result.stderr.endswith("1 error\n")
    thrown = run("java", {"Hello.java": WORLD.replace("System", "int[] b = {}; b[1]++; System")})
    assert (thrown.status, thrown.exit_code) == ("failed", 1)
    assert "at World.main(Hello.java:1)" in thrown.stderr


def test_code_of_the_request_has_no_say_in_the_compiler_of_any_name(run: Run) -> None:
    """The compiler's own process looks nowhere near the request's files."""
    evil = 'class {} {{ static {{ System.out.println("evil"); }} public void x() {{ }} }}'
    files = {
        "Hello.java": WORLD,
        "AnyName.java": evil.format("AnyName"),
        "META-INF/services/javax.annotation.processing.Processor": "AnyName",
        "META-INF/services/com.sun.source.util.Plugin": "AnyName",
    }
    result = run("java", files, "Hello.java")
    assert (result.status, result.stdout) == ("success", "w\n"), result
    assert "evil" not in "".join(phase.stdout + phase.stderr for phase in result.phases)


@pytest.mark.parametrize("name", ["x_test.go", "_x.go"])
def test_what_go_refuses_is_a_compile_error_in_its_words(run: Run, name: str) -> None:
    result = run("go", {name: GO}, name)
    assert result.status == "compile_error"
    assert result.stderr
