"""The cache of compiled programs: what finds one, what is kept, and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.clock import INSTANT
from tests.support.play import DEFAULTS, play

from drybox import ExecutionRequest, ExecutionResult, InvalidRequest, ResourceLimits, SandboxLost
from drybox.execution.compile_cache import (
    ENTRY_BYTES,
    FILE_BYTES,
    CompileCache,
    Compiled,
    compile_key,
    encode,
    make_cache,
)
from drybox.execution.validation import make_job
from drybox.job import Command, Exit, File, Job
from drybox.model import MIB
from drybox.testing.fake_backend import FakeSandbox, Script

pytestmark = pytest.mark.anyio
MAIN = File("/build/main", b"the program", 0o755)
OUTPUT: Any = [("stdout", b"a "), ("stderr", b"!"), ("stdout", b"note")]
COMPILER, PROGRAM = Script(OUTPUT, Exit(0, None, 0.5, 0.25)), Script([("stdout", b"hi")])


@pytest.fixture
def anyio_backend() -> Any:
    return INSTANT


class CompilingFake(FakeSandbox):
    """One that lets out what its compiler left."""

    toolchain = "go-1"

    def __init__(
        self, *scripts: Script, built: Sequence[File] | Exception = (MAIN,), **more: Any
    ) -> None:
        super().__init__(scripts, **more)
        self._built = built

    async def get_build(self, globs: Sequence[str], max_bytes: int) -> Sequence[File]:
        self.calls.append("get_build")
        self.asked.append((tuple(globs), max_bytes))
        if isinstance(self._built, Exception):
            raise self._built
        return self._built


async def run(cache: CompileCache | None, sandbox: FakeSandbox, **more: Any) -> ExecutionResult:
    more = {"code": "package main", "limits": ResourceLimits(), **more}
    return (await play(sandbox, language="go", cache=cache, **more))[0]


# --- executions -----------------------------------------------------------------------------


@pytest.mark.promise("SPEED-19")
async def test_the_same_source_is_compiled_once() -> None:
    cache = CompileCache(MIB)
    first, second = CompilingFake(COMPILER, PROGRAM), CompilingFake(PROGRAM)
    compiled, placed = await run(cache, first), await run(cache, second)
    assert first.calls == ["put", "exec", "get_build", "exec", "close"]
    assert first.asked == [(("main",), MIB // 4)]
    assert second.calls == ["put", "put", "exec", "close"]
    assert second.files[-1] == MAIN
    for result in (compiled, placed):
        assert (result.status, result.stdout) == ("success", "hi")
        assert [phase.name for phase in result.phases] == ["compile", "run"]
        phase = result.phases[0]
        assert (phase.status, phase.exit_code) == ("success", 0)
        assert (phase.stdout, phase.stderr) == ("a note", "!")
    assert (compiled.phases[0].execution_time, compiled.phases[0].cpu_time) == (0.5, 0.25)
    assert (placed.phases[0].execution_time, placed.phases[0].cpu_time) == (0.0, 0.0)
    assert placed.phases[0].memory_peak is None


@pytest.mark.promise("ISO-21")
async def test_what_the_compiler_left_is_taken_before_the_program_runs() -> None:
    sandbox = CompilingFake(COMPILER, PROGRAM)
    await run(CompileCache(MIB), sandbox)
    assert sandbox.calls.index("get_build") < len(sandbox.calls) - 2
    assert sandbox.calls[sandbox.calls.index("get_build") + 1] == "exec"


@pytest.mark.parametrize(
    "compiler",
    [
        Script(end=Exit(1, None, 0.1)),
        Script(end=Exit(None, 9, 0.1)),
        Script(end=Exit(0, None, 0.1, timed_out=True)),
        Script([("stdout", b"x" * 21)]),
        Script(end=SandboxLost("gone", hint="again")),
    ],
    ids=["failed", "killed", "late", "flood", "lost"],
)
async def test_a_compiler_without_success_leaves_nothing(compiler: Script) -> None:
    cache, sandbox = CompileCache(MIB), CompilingFake(compiler)
    result = await run(cache, sandbox)
    assert result.status in ("compile_error", "sandbox_error")
    assert "get_build" not in sandbox.calls
    assert len(cache) == 0


@pytest.mark.parametrize(
    "built",
    [ValueError("too large"), SandboxLost("gone", hint=""), (), [File("/build/main", bytes(MIB))]],
)
async def test_what_cannot_be_kept_does_no_harm(built: Any) -> None:
    cache = CompileCache(MIB)
    result = await run(cache, CompilingFake(COMPILER, PROGRAM, built=built))
    assert (result.status, result.stdout, len(cache), cache.size) == ("success", "hi", 0, 0)


@pytest.mark.promise("SPEED-19")
async def test_without_a_cache_every_program_is_compiled() -> None:
    for _ in range(2):
        sandbox = CompilingFake(COMPILER, PROGRAM)
        await run(None, sandbox)
        assert sandbox.calls == ["put", "exec", "exec", "close"]


async def test_a_sandbox_that_lets_nothing_out_is_no_obstacle() -> None:
    cache = CompileCache(MIB)
    for _ in range(2):
        result = await run(cache, FakeSandbox([COMPILER, PROGRAM]))
        assert (result.status, len(cache)) == ("success", 0)


async def test_what_takes_much_of_a_program_s_memory_is_compiled_again() -> None:
    cache, limits = CompileCache(64 * MIB), ResourceLimits(memory=32 * MIB)
    for _ in range(2):
        built = [File("/build/main", bytes(8 * MIB))]
        sandbox = CompilingFake(COMPILER, PROGRAM, built=built)
        await run(cache, sandbox, limits=limits)
        assert sandbox.calls == ["put", "exec", "get_build", "exec", "close"]
    roomy = CompilingFake(PROGRAM)
    await run(cache, roomy, limits=replace(limits, memory=64 * MIB))
    assert roomy.calls == ["put", "put", "exec", "close"]


async def test_with_packages_nothing_is_kept(tmp_path: Any) -> None:
    (tmp_path / "go").mkdir()
    cache = CompileCache(MIB)
    sandbox = CompilingFake(Script(), COMPILER, PROGRAM)
    await run(cache, sandbox, packages=["example.org/x@v1.0.0"], package_dir=tmp_path)
    assert (sandbox.calls.count("exec"), sandbox.calls.count("get_build")) == (3, 0)


@pytest.mark.promise("SPEED-19")
@pytest.mark.parametrize(
    "change",
    [
        {"code": "package main "},
        {"files": {"b.go": "package main"}},
        {"files": {"data": b""}},
        {"entrypoint": "other.go"},
        {"limits": ResourceLimits(disk=32 * MIB)},
    ],
)
async def test_another_source_is_another_program(change: dict[str, Any]) -> None:
    cache = CompileCache(MIB)
    await run(cache, CompilingFake(COMPILER, PROGRAM))
    sandbox = CompilingFake(COMPILER, PROGRAM)
    await run(cache, sandbox, **change)
    assert (sandbox.calls.count("exec"), len(cache)) == (2, 2)


@pytest.mark.promise("SPEED-19")
@pytest.mark.parametrize("change", [{"version": "9.9"}, {"toolchain": "go-2"}])
async def test_another_toolchain_is_another_program(change: dict[str, str]) -> None:
    cache = CompileCache(MIB)
    await run(cache, CompilingFake(COMPILER, PROGRAM))
    sandbox = CompilingFake(COMPILER, PROGRAM)
    for name, value in change.items():
        setattr(sandbox, name, value)
    await run(cache, sandbox)
    assert (sandbox.calls.count("exec"), len(cache)) == (2, 2)


async def test_what_the_program_is_given_makes_it_no_other() -> None:
    cache = CompileCache(MIB)
    await run(cache, CompilingFake(COMPILER, PROGRAM))
    changes: list[dict[str, Any]] = [{"args": ["x"]}, {"stdin": b"x"}, {"env": {"X": "1"}}]
    for change in (*changes, {"timeout": 3.0}):
        sandbox = CompilingFake(PROGRAM)
        assert (await run(cache, sandbox, **change)).status == "success"


# --- the key --------------------------------------------------------------------------------

FACTS: Any = st.recursive(
    st.none()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=4)
    | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=4).map(tuple),
    max_leaves=8,
)


def typed(fact: Any) -> Any:
    """The fact with its kinds, for 1, 1.0 and True are equal and two zeros are."""
    if isinstance(fact, tuple):
        return tuple(map(typed, fact))
    return type(fact).__name__, repr(fact)


@pytest.mark.promise("SPEED-19")
@given(FACTS, FACTS)
def test_no_two_facts_are_encoded_alike(one: Any, other: Any) -> None:
    assert (encode(one) == encode(other)) == (typed(one) == typed(other))


@pytest.mark.promise("ISO-21", "SPEED-19")
@given(st.lists(st.tuples(st.binary(max_size=3), st.binary(max_size=3)), max_size=4), st.data())
def test_no_bytes_of_one_file_pass_for_another_s(
    pairs: list[tuple[bytes, bytes]], data: Any
) -> None:
    flat = [item for pair in pairs for item in pair]
    at = data.draw(st.integers(0, len(flat)))
    regrouped = (tuple(flat[:at]), tuple(flat[at:]))
    assert encode(tuple(pairs)) != encode(regrouped) or tuple(pairs) == regrouped


def job_of(**more: Any) -> Job:
    return make_job(ExecutionRequest("go", "package main", **more), DEFAULTS)[1]


COMMAND = Command(("go", "build"), ResourceLimits(), 9.0, {"A": "1"}, "/sandbox")
WHENCE = ("local", "1.26", "go-1")


def key(**more: Any) -> bytes:
    given: dict[str, Any] = {
        "whence": WHENCE,
        "job": job_of(),
        "outputs": ("main",),
        "command": COMMAND,
        **more,
    }
    return compile_key(**given)


@pytest.mark.promise("SPEED-19")
def test_everything_that_a_compiler_sees_is_part_of_the_key() -> None:
    limits = COMMAND.limits
    others: list[dict[str, Any]] = [
        {"whence": ("docker", "1.26", "go-1")},
        {"whence": ("local", "1.27", "go-1")},
        {"whence": ("local", "1.26", "go-2")},
        {"outputs": ("*",)},
        {"job": replace(job_of(), language="java")},
        {"job": replace(job_of(), environment="sha256:1")},
        {"job": replace(job_of(), environment="sha256:2")},
        {"job": replace(job_of(), files=(File("main.go", b"package main", 0o755),))},
        {"job": replace(job_of(), files=(File("a.go", b"package main"),))},
        {"job": replace(job_of(), limits=ResourceLimits(disk=MIB))},
        {"command": replace(COMMAND, argv=("go", "build "))},
        {"command": replace(COMMAND, argv=("go build",))},
        {"command": replace(COMMAND, env={})},
        {"command": replace(COMMAND, env={"A": "2"})},
        {"command": replace(COMMAND, cwd="/")},
        {"command": replace(COMMAND, timeout=8.0)},
        {"command": replace(COMMAND, cpu_time=1.0)},
        *(
            {"command": replace(COMMAND, limits=replace(limits, **{item.name: 77}))}
            for item in fields(ResourceLimits)
        ),
    ]
    keys = {key(), *(key(**other) for other in others)}
    assert len(keys) == len(others) + 1


@pytest.mark.promise("SPEED-19")
def test_the_order_of_files_and_variables_is_no_part_of_it() -> None:
    files = (File("a", b"1"), File("b", b"2"))
    there, back = (replace(job_of(), files=order) for order in (files, files[::-1]))
    assert key(job=there) == key(job=back)
    one, other = ({"A": "1", "B": "2"}, {"B": "2", "A": "1"})
    assert key(command=replace(COMMAND, env=one)) == key(command=replace(COMMAND, env=other))


# --- the bound ------------------------------------------------------------------------------


@pytest.mark.promise("ISO-21")
@given(
    st.integers(0, 40_000),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 12_000), st.booleans()), max_size=30),
)
def test_the_cache_keeps_its_bound_and_what_was_wanted_last(
    max_bytes: int, steps: list[tuple[int, int, bool]]
) -> None:
    cache = CompileCache(max_bytes)
    order: dict[bytes, Compiled] = {}
    for number, size, is_find in steps:
        name = bytes([number])
        if is_find:
            assert cache.find(name) == order.get(name)
            if name in order:
                order[name] = order.pop(name)
            continue
        compiled = Compiled((File("/build/x", bytes(size)),))
        cache.keep(name, compiled)
        if compiled.size <= cache.largest:
            order.pop(name, None)
            order[name] = compiled
            while sum(item.size for item in order.values()) > max_bytes:
                del order[next(iter(order))]
        assert cache.size == sum(item.size for item in order.values()) <= max_bytes
        assert len(cache) == len(order)
    cache.clear()
    assert (len(cache), cache.size) == (0, 0)


@pytest.mark.promise("ISO-21")
def test_a_size_counts_names_and_output_too() -> None:
    compiled = Compiled((File("/build/a", b"123"),), (("stderr", b"12"),))
    assert compiled.size == ENTRY_BYTES + FILE_BYTES + 8 + 3 + 2


@pytest.mark.promise("SPEED-19")
@pytest.mark.parametrize("size", [None, 0])
def test_it_is_off_with_one_switch(size: int | None) -> None:
    assert make_cache(size) is None


@pytest.mark.parametrize("size", [-1, "64MiB", 1.5])
def test_what_is_no_size_is_refused(size: Any) -> None:
    with pytest.raises(InvalidRequest, match="compile_cache"):
        make_cache(size)
