"""TypeScript's modules, errors and refusals, as Node.js would have them of the file as written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.isolations import Isolation

from drybox import CodeExecutor, ExecutionRequest, ExecutionResult

Run = Callable[..., ExecutionResult]


@pytest.fixture
def run(executor: CodeExecutor, isolation: Isolation) -> Run:
    def run_one(code: str | None = None, **fields: Any) -> ExecutionResult:
        request = ExecutionRequest(
            "typescript", code, isolation=isolation.name, timeout=120.0, **fields
        )
        return executor.execute(request)

    return run_one


SPELLINGS = {
    "main.ts": "import { a } from './a'; import { b } from './b.ts'; import { c } from './c.js';\n"
    "import d from './d'; import { e } from './d/e.js';\nconsole.log(a, b, c, d, e);\n",
    "a.ts": "export const a: string = 'a';",
    "b.ts": "export const b: string = 'b';",
    "c.ts": "export const c: string = 'c';",
    "d/index.ts": "import { a } from '../a.js'; export default (a + 'd') as string;",
    "d/e.ts": "export enum E { X = 'e' } export const e: E = E.X;",
}


@pytest.mark.parametrize("kind", ["module", "commonjs", ""])
def test_files_import_each_other_however_it_is_spelt(run: Run, kind: str) -> None:
    files = {**SPELLINGS, **({"package.json": f'{{"type": "{kind}"}}'} if kind else {})}
    result = run(files=files)
    assert (result.status, result.stdout, result.stderr) == ("success", "a b c ad e\n", "")


@pytest.mark.parametrize(
    ("files", "stdout"),
    [
        ({"main.ts": "import p from 'path'; console.log(typeof __dirname)"}, "string"),
        ({"main.mts": "import p from 'path'; console.log(typeof __dirname)"}, "undefined"),
        ({"main.cts": "import p = require('path'); console.log(__filename)"}, "/sandbox/main.cts"),
        (
            {"main.ts": "export {}; console.log(this)", "package.json": '{"type": "module"}'},
            "undefined",
        ),
        ({"main.ts": "const x = await Promise.resolve(3); console.log(x)"}, "3"),
        ({"main.ts": "console.log(import.meta.url as string)"}, "file:///sandbox/main.ts"),
        (
            {
                "lib/m.mts": "export const m = import.meta.url;",
                "main.ts": "import('./lib/m.mjs').then(({ m }) => console.log(m as string))",
            },
            "file:///sandbox/lib/m.mts",
        ),
        (
            {
                "lib/lazy.ts": "export const v: number = 9",
                "main.ts": "import('./lib/lazy').then((m) => console.log(m.v as number))",
            },
            "9",
        ),
        (
            {
                "main.mts": "import all, { v, f, E } from './c.cjs'; console.log(v, f(), E, all.v)",
                "c.cts": "export const v = 1; export function f() { return 2 } export enum E {}",
            },
            "1 2 {} 1",
        ),
        (
            {
                "package.json": '{"main": "src/start.ts"}',
                "src/start.ts": "import d from '../d.json'; console.log(d.n, __dirname)",
                "d.json": '{"n": 7}',
            },
            "7 /sandbox/src",
        ),
        ({"a b.ts": "console.log(process.argv[1] as string)"}, "/sandbox/a b.ts"),
        ({"main.ts": "console.log(1)", "types.d.ts": "declare const x: ;"}, "1"),
        (
            {
                "main.ts": "import { fork } from 'child_process'; fork('./child.ts')",
                "child.ts": "const word: string = 'child'; console.log(word)",
            },
            "child",
        ),
    ],
)
def test_modules_are_what_node_makes_of_them(run: Run, files: dict[str, str], stdout: str) -> None:
    result = run(files=files)
    assert (result.status, result.stdout, result.stderr) == ("success", f"{stdout}\n", ""), result


@pytest.mark.parametrize("path", ["main.ts", "main.mts", "lib/deep/main.ts"])
def test_traces_lead_to_the_lines_as_written(run: Run, path: str) -> None:
    code = (
        "interface Gone {\n  a: string;\n}\n\nfunction fail(n: number): never {\n"
        "  throw new RangeError(`bad ${n}`);\n}\nfail(3);\n"
    )
    result = run(files={path: code}, entrypoint=path)
    assert (result.status, result.exit_code) == ("failed", 1)
    assert f"/sandbox/{path}:6\n  throw new RangeError(" in result.stderr
    assert f"at fail (/sandbox/{path}:6:9)" in result.stderr
    assert f"/sandbox/{path}:8:1)" in result.stderr
    assert "/build" not in result.stderr


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({"main.ts": "const a = 1;\nlet b: = 2;\n"}, "main.ts:2:7"),
        ({"main.mts": "const a = 1;\nlet b: = 2;\n"}, "main.mts:2:7"),
        ({"main.ts": "import './x'", "x.ts": "\n\nclass {"}, "x.ts:3:6"),
        ({"main.ts": "const x = await f();\nlet b: = 2;\n"}, "main.ts:2:7"),
        ({"main.cts": "const x = await f();"}, "main.cts:1:"),
        ({"main.tsx": "const a = <b/>;"}, "main.tsx: .tsx is not run"),
        ({"a=b.ts": ""}, "rename it"),
        ({"main.ts": "const a = <b>x</b>;"}, "main.ts:1:"),
    ],
)
def test_what_is_no_typescript_does_not_compile(
    run: Run, files: dict[str, str], complaint: str
) -> None:
    result = run(files=files, entrypoint=next(iter(files)))
    assert (result.status, result.exit_code, result.stdout) == ("compile_error", 1, ""), result
    assert complaint in result.stderr
    assert [phase.name for phase in result.phases] == ["compile"]


def test_types_are_not_checked(run: Run) -> None:
    result = run("const n: number = 'text';\nconsole.log(n.length, nowhere?.x);\n")
    assert (result.status, result.exit_code) == ("failed", 1)
    assert "ReferenceError: nowhere is not defined" in result.stderr


def test_a_package_is_typescripts_as_it_is_nodes(run: Run) -> None:
    files = {
        "main.ts": "import { greet } from 'greet'; console.log(greet('x' as string));",
        "node_modules/greet/package.json": '{"main": "lib.js"}',
        "node_modules/greet/lib.js": "exports.greet = (word) => `hello ${word}`;",
        "node_modules/greet/lib.ts": "this is never compiled",
    }
    assert run(files=files).stdout == "hello x\n"


def test_what_a_program_writes_itself_is_not_compiled(run: Run) -> None:
    code = "require('fs').writeFileSync('late.ts', 'export {}');\nrequire('./late');\n"
    result = run(code)
    assert result.status == "failed"
    assert "/sandbox/late.ts was not compiled" in result.stderr
