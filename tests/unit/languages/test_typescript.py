"""What TypeScript makes of a job: kinds of modules, and the compiler's and Node's command lines."""

from __future__ import annotations

import pytest

from drybox import ExecutionRequest, ResourceLimits
from drybox.execution.validation import Defaults, make_job
from drybox.job import Plan
from drybox.languages.node import Node
from drybox.languages.typescript import BUILT, TypeScript

DEFAULTS = Defaults(1.0, ResourceLimits(), "auto")
LANGUAGE = TypeScript()


def plan_of(files: dict[str, str], entry: str | None = None) -> Plan:
    request = ExecutionRequest("ts", files=files, entrypoint=entry)
    return LANGUAGE.plan(make_job(request, DEFAULTS)[1], ResourceLimits())


def compiled(plan: Plan) -> tuple[str, ...]:
    assert plan.compile is not None
    return plan.compile.argv


@pytest.mark.parametrize(
    ("files", "kinds"),
    [
        ({"main.ts": ""}, ["cjs"]),
        ({"main.ts": "import a from 'a'"}, ["cjs"]),
        ({"main.ts": "import.meta"}, ["esm"]),
        ({"main.mts": ""}, ["esm"]),
        ({"main.cts": "await 1"}, ["cjs"]),
        ({"main.ts": "", "package.json": '{"type": "module"}'}, ["esm"]),
        ({"main.ts": "await x", "package.json": '{"type": "commonjs"}'}, ["cjs"]),
        ({"main.ts": "", "package.json": '{"type": "odd"}'}, ["cjs"]),
        ({"main.ts": "", "package.json": "[" * 9000}, ["cjs"]),
        ({"main.ts": "", "lib/x.ts": "", "lib/package.json": '{"type": "module"}'}, ["esm", "cjs"]),
        ({"main.ts": "", "x.mts": ""}, ["esm", "cjs"]),
        ({"main.ts": "await x"}, ["cjs", "esm"]),
    ],
)
def test_the_kind_of_a_module_is_told_by_name_package_and_text(
    files: dict[str, str], kinds: list[str]
) -> None:
    argv = compiled(plan_of(files))
    if argv[0] != "sh":
        (kind,) = kinds
        assert f"--format={kind}" in argv
        assert argv[-1] == f"--outdir={BUILT}/{kind}"
        return
    first, count, *names = argv[4:]
    assert first == ("cjs" if kinds[0] == "cjs" else "")
    assert 0 < int(count) <= len(names)
    assert all(name.endswith(("ts", "mts")) for name in names)


def test_declarations_packages_and_other_files_are_not_compiled() -> None:
    files = {"main.ts": "", "a.d.ts": "", "node_modules/x/y.ts": "", "a=b.ts": "", "c.tsx": ""}
    names = [word for word in compiled(plan_of(files)) if word.endswith("ts")]
    assert names == ["main.ts"]


@pytest.mark.parametrize("entry", ["main.tsx", "a=b.ts", "a*.ts"])
def test_what_is_not_compiled_is_refused_in_a_sentence(entry: str) -> None:
    argv = compiled(plan_of({entry: ""}, entry))
    assert argv[0] == "sh"
    assert argv[-1].startswith(f"{entry}: ")


def test_a_name_is_no_option() -> None:
    argv = compiled(plan_of({"--serve.ts": ""}, "--serve.ts"))
    assert "./--serve.ts" in argv
    assert "--serve.ts" not in argv


def test_what_waits_becomes_a_plain_program() -> None:
    limits = ResourceLimits()
    compiler, program = LANGUAGE.prestarts("20", limits, limits)
    plan = plan_of({"main.ts": "console.log(1)"})
    assert plan.compile is not None
    assert compiler.argv == plan.compile.argv
    assert plan.run.argv == program.argv
    assert not plan.compile.env
    assert not plan.run.env


def test_only_who_needs_it_has_a_thread_that_finds_modules() -> None:
    def asks(files: dict[str, str]) -> bool:
        return any(word.startswith("--import=") for word in plan_of(files).run.argv)

    assert not asks({"main.ts": "import a from './a'", "a.ts": ""})
    assert asks({"main.mts": ""})
    assert asks({"main.ts": "import('./a')", "a.ts": ""})
    assert asks({"main.ts": "", "a.mts": ""})


@pytest.mark.parametrize(
    ("names", "entry"),
    [
        (["main.ts", "index.ts"], "main.ts"),
        (["index.mts", "lib/x.ts"], "index.mts"),
        (["src/main.ts", "a.ts", "b.ts"], "src/main.ts"),
        (["tool.ts", "types.d.ts", "lib/a.ts"], "tool.ts"),
        (["a.ts", "b.ts"], None),
        (["x.d.ts"], None),
    ],
)
def test_the_usual_entry_is_found(names: list[str], entry: str | None) -> None:
    assert LANGUAGE.find_entry(dict.fromkeys(names, b"")) == entry


def test_packages_are_nodes() -> None:
    assert LANGUAGE.packages.folder == Node.name
    assert LANGUAGE.packages.pattern == Node.packages.pattern
    assert LANGUAGE.environments is Node.environments
