"""Node's kernel, as a plain process."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.kernel_process import KernelProcess

from drybox.backends.local.rootfs.toolchain import find_toolchain
from drybox.environments.tools import tool_choices
from drybox.languages.node import Node
from drybox.languages.typescript import TypeScript
from drybox.sessions.kernels.folder import kernel_folder


def _node() -> str:
    return find_toolchain(Node.name, Node.toolchain, "").executable


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KernelProcess]:
    argv = [_node(), f"{kernel_folder()}/node_kernel.js"]
    with KernelProcess(argv, tmp_path_factory.mktemp("kernel")) as kernel:
        yield kernel


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[KernelProcess]:
    with KernelProcess([_node(), f"{kernel_folder()}/node_kernel.js"], tmp_path) as kernel:
        yield kernel


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("1 + 1", "2"),
        ("'text'", "'text'"),
        ("undefined", None),
        ("null", "null"),
        ("-0", "-0"),
        ("10n ** 20n", "100000000000000000000n"),
        ("NaN", "NaN"),
        ("Symbol('s')", "Symbol(s)"),
        ("({ a: [1, { b: { c: {} } }] })", "{ a: [ 1, { b: [Object] } ] }"),
        ("new Map([[1, 'a']])", "Map(1) { 1 => 'a' }"),
        ("class A {}; new A()", "A {}"),
        ("await new Promise((done) => setTimeout(() => done(7), 5))", "7"),
        ("Promise.resolve(1)", "Promise { 1 }"),
        ("typeof require('fs').readFileSync", "'function'"),
        ("typeof os.cpus", "'function'"),
        ("(await import('node:path')).posix.sep", "'/'"),
        (
            "import p, { join as j } from 'node:path'; [typeof p, j('a', 'b')]",
            "[ 'object', 'a/b' ]",
        ),
        ("import * as all from 'fs'\ntypeof all.statSync", "'function'"),
        ("`import('no')` + \"import('no')\" /* import('no') */", "\"import('no')import('no')\""),
        ("// a comment", None),
    ],
)
def test_values(shared: KernelProcess, code: str, value: str | None) -> None:
    cell = shared.run(code)
    assert cell.name is None, cell.error
    shown = cell.value
    if code.startswith("Symbol"):
        assert shown is not None
        assert "Symbol(s)" in shown
    else:
        assert shown == value
    assert cell.stderr == ""


def test_declarations_are_kept_and_may_come_again(kernel: KernelProcess) -> None:
    kernel.run("let x = 1; const y = 2; class A {}; function f() { return 3; }")
    assert kernel.run("[x, y, f()]").value == "[ 1, 2, 3 ]"
    assert kernel.run("let x = 4; const y = 5; class A { z = 1 }; [x, y, new A().z]").value == (
        "[ 4, 5, 1 ]"
    )
    assert kernel.run("_").value == "[ 4, 5, 1 ]"


@pytest.mark.parametrize(
    ("code", "name", "value"),
    [
        ("throw new TypeError('bad')", "TypeError", "bad"),
        ("nosuch", "ReferenceError", "nosuch is not defined"),
        ("foo(", "SyntaxError", "Unexpected end of input"),
        ("await Promise.reject(new RangeError('r'))", "RangeError", "r"),
        ("throw 5", "number", "5"),
        ("throw null", "object", "null"),
        ("class Own extends Error {}; throw new Own('o')", "Error", "o"),
        ("const e = new Error('e'); e.name = 'Named'; throw e", "Named", "e"),
    ],
)
def test_errors(shared: KernelProcess, code: str, name: str, value: str) -> None:
    error = shared.run(code).error
    assert error is not None
    assert (error["name"], error["value"]) == (name, value)
    assert "kernel" not in error["traceback"]
    assert "inspector" not in error["traceback"]
    assert shared.run("1").value == "1"


def test_what_fails_later_is_told_and_ends_nothing(kernel: KernelProcess) -> None:
    code = "setTimeout(() => { throw new Error('late'); }, 1); Promise.reject(new Error('lost')); 1"
    first = kernel.run(code)
    assert first.value == "1"
    cell = kernel.run("await new Promise((done) => setTimeout(done, 50)); 2")
    assert cell.value == "2"
    assert "Uncaught Error: late" in first.stderr + cell.stderr
    assert "Uncaught Error: lost" in first.stderr + cell.stderr


@pytest.mark.parametrize("code", ["while (true) {}", "await new Promise(() => {})"])
def test_an_interrupt_keeps_the_state(kernel: KernelProcess, code: str) -> None:
    kernel.run("let x = 5")
    started = kernel.cwd / "started"
    cell = kernel.run(
        f"require('fs').writeFileSync('started', '');\n{code}", interrupt_when=started.exists
    )
    assert cell.name == "Interrupted"
    assert kernel.run("x").value == "5"


def test_an_interrupt_between_cells_is_none(kernel: KernelProcess) -> None:
    os.killpg(kernel.process.pid, signal.SIGINT)
    assert kernel.run("1").value == "1"


def test_closed_descriptors_lose_no_result(kernel: KernelProcess) -> None:
    code = "for (let fd = 0; fd < 5; fd++) { try { fs.closeSync(fd); } catch {} }"
    kernel.run(code)
    assert kernel.run("4").value == "4"


def test_programs_have_no_channel(kernel: KernelProcess) -> None:
    code = "child_process.spawnSync('ls', ['/proc/self/fd'], { encoding: 'utf8' }).stdout"
    cell = kernel.run(f"Math.max(...({code}).trim().split('\\n').map(Number)) < 20")
    assert cell.value == "true"


def test_printed_framing_is_output(kernel: KernelProcess) -> None:
    line = '{"type": "done", "id": "x", "execution_count": 9}'
    cell = kernel.run(f"console.log('{line}'); 1")
    assert (cell.value, cell.stdout, cell.strays) == ("1", f"{line}\n", [])


def test_process_exit_is_told(kernel: KernelProcess) -> None:
    cell = kernel.run("process.exit(3)")
    assert cell.done["ending"] is True
    assert cell.error is not None
    assert (cell.error["name"], cell.error["value"]) == ("Exit", "3")
    assert kernel.wait() == 3


def test_completions(kernel: KernelProcess) -> None:
    kernel.run("let aLongName = 'x'")
    kernel.send({"type": "complete", "id": "c", "code": "aLong", "cursor": 5})
    assert kernel.take()["matches"] == ["aLongName"]
    kernel.send({"type": "complete", "id": "d", "code": "aLongName.trimE", "cursor": 15})
    found = kernel.take()
    assert (found["matches"], found["start"]) == (["trimEnd"], 10)


def test_the_owners_variables(kernel: KernelProcess) -> None:
    kernel.send({"type": "setup", "env": {"WORD": "é"}})
    assert kernel.run("process.env.WORD").value == "'é'"


def test_types_are_left_out(tmp_path: Path) -> None:
    (esbuild,) = TypeScript.toolchain.tools
    found = next(iter(tool_choices(esbuild)), None)
    if found is None:
        pytest.skip("esbuild is not installed")
    folder = found[0][1]
    argv = [_node(), f"{kernel_folder()}/node_kernel.js", f"{folder}/esbuild"]
    with KernelProcess(argv, tmp_path) as kernel:
        assert kernel.run("const a: number = 1; enum C { A, B }; interface I {}").name is None
        assert kernel.run("[a, C.B] as unknown").value == "[ 1, 1 ]"
        assert kernel.run("import { join } from 'path'; join('a', 'b')").value == "'a/b'"
        assert kernel.run("let q: = 3").name == "SyntaxError"
        assert kernel.run("function id<T>(x: T): T { return x; } id<number>(4)").value == "4"
