"""Java's kernel, as a plain process."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.kernel_process import KernelProcess

from drybox.backends.local.rootfs.toolchain import find_toolchain
from drybox.languages.java import Java
from drybox.sessions.kernels.folder import kernel_folder


def _argv() -> list[str]:
    java = find_toolchain(Java.name, Java.toolchain, "").executable
    opened = ("--add-opens", "java.base/java.util=ALL-UNNAMED")
    flags = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx192m")
    return [java, *flags, *opened, f"{kernel_folder()}/JavaKernel.java"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KernelProcess]:
    with KernelProcess(_argv(), tmp_path_factory.mktemp("kernel")) as kernel:
        kernel.send({"type": "setup", "env": {"WORD": 'é "q" 😀'}})
        yield kernel


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("1 + 1", "2"),
        ("int x = 5;", None),
        ("int a = 7; a * 2", "14"),
        ("class A { int f() { return 3; } }\nnew A().f()", "3"),
        ("List.of(1, 2).stream().map(i -> i * 2).collect(Collectors.toList())", "[2, 4]"),
        ('"é😀\\n"', '"é😀\\n"'),
        ("// a comment", None),
        ("record P(int a) {}\nnew P(3)", "P[a=3]"),
        ('System.getenv("WORD")', '"é \\"q\\" 😀"'),
        ("int g(int n) { return h(n); }\nint h(int n) { return n + 1; }\ng(1)", "2"),
    ],
)
def test_values(shared: KernelProcess, code: str, value: str | None) -> None:
    cell = shared.run(code)
    assert cell.name is None, cell.error
    assert cell.value == value


def test_output_and_state(shared: KernelProcess) -> None:
    shared.run("int kept = 4;")
    cell = shared.run('System.out.print("out"); System.err.print("err"); kept')
    assert (cell.stdout, cell.stderr, cell.value) == ("out", "err", "4")
    assert shared.run('String kept = "again"; kept').value == '"again"'


@pytest.mark.parametrize(
    ("code", "name", "value"),
    [
        ("1 / 0", "java.lang.ArithmeticException", "/ by zero"),
        ('throw new IllegalStateException("bad")', "java.lang.IllegalStateException", "bad"),
        ("int y = ", "CompileError", "error: reached end of file while parsing"),
        ("nosuch()", "CompileError", "error: cannot find symbol"),
    ],
)
def test_errors(shared: KernelProcess, code: str, name: str, value: str) -> None:
    error = shared.run(code).error
    assert error is not None
    assert (error["name"], error["value"]) == (name, value)
    assert error["traceback"]


@pytest.mark.parametrize("code", ["while (true) {}", "Thread.sleep(1000000)"])
def test_an_interrupt_keeps_the_state(shared: KernelProcess, code: str) -> None:
    started = shared.cwd / f"started{len(code)}"
    shared.run("int before = 9;")
    cell = shared.run(
        f'Files.writeString(Path.of("{started}"), ""); {code}', interrupt_when=started.exists
    )
    assert cell.name == "Interrupted"
    assert shared.run("before").value == "9"


def test_completions(shared: KernelProcess) -> None:
    shared.send({"type": "complete", "id": "c", "code": '"a".leng', "cursor": 8})
    found = shared.take()
    assert found["matches"] == ["length()"]
    assert (found["start"], found["end"]) == (4, 8)


def test_system_exit_is_told(tmp_path: Path) -> None:
    with KernelProcess(_argv(), tmp_path) as kernel:
        cell = kernel.run('System.out.print("bye"); System.exit(3)')
        assert cell.done["ending"] is True
        assert kernel.wait() == 3
        assert (cell.stdout + kernel.read()[0]) == "bye"


def test_packages_of_an_environment_are_on_the_class_path(tmp_path: Path) -> None:
    home = Path(find_toolchain(Java.name, Java.toolchain, "").executable).parent
    (tmp_path / "Kept.java").write_text("package kept; public class Kept { public int n = 42; }")
    subprocess.run([home / "javac", "-d", tmp_path / "made", tmp_path / "Kept.java"], check=True)
    (tmp_path / "lib").mkdir()
    jar = ["--create", "--file", "lib/kept.jar", "-C", "made", "."]
    subprocess.run([home / "jar", *jar], cwd=tmp_path, check=True)
    folders = [str(tmp_path / "lib"), str(tmp_path / "nothing")]
    with KernelProcess([*_argv(), *folders], tmp_path) as kernel:
        assert kernel.run("new kept.Kept().n").value == "42"
