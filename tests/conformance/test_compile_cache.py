"""A program that comes again is not compiled again, and nobody can tell by what it does."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.conformance.bench import LANGUAGES
from tests.conformance.programs import Programs
from tests.support.isolations import Isolation
from tests.support.warmth import Warm

from drybox import CodeExecutor, ExecutionRequest, ExecutionResult, PoolSettings, ResourceLimits

pytestmark = pytest.mark.promise("SPEED-19")

MIB = 1 << 20
COMPILED = [programs for programs in LANGUAGES if programs.compiles]

NOTED = """
import java.util.*;

class Main {
    public static void main(String[] arguments) {
        List list = new ArrayList();
        list.add("%s");
        Runnable runnable = () -> System.out.println(list);
        runnable.run();
        new Object() { void say() { System.out.println(getClass().getName()); } }.say();
    }
}
"""

SELF = """
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// %s
func main() {
	filepath.Walk("/build", func(path string, info os.FileInfo, err error) error {
		fmt.Println(path, info.Mode())
		return err
	})
	fmt.Println(os.Args[1:], len(os.Environ()))
	os.Remove("/build/main")
	os.WriteFile("/build/main", []byte("#!/bin/sh\\necho replaced\\n"), 0755)
}
"""


@pytest.fixture(params=COMPILED, ids=lambda programs: programs.language)
def programs(request: pytest.FixtureRequest) -> Programs:
    found: Programs = request.param
    return found


@pytest.fixture
def fresh(isolation: Isolation) -> Iterator[CodeExecutor]:
    """An executor that has compiled nothing yet."""
    with CodeExecutor(isolation=isolation.name, pool=None, timeout=60.0) as executor:
        yield executor


def was_compiled(result: ExecutionResult) -> bool:
    """Whether the compiler ran, which takes CPU time."""
    assert result.phases[0].name == "compile"
    return result.phases[0].cpu_time != 0.0


def request_of(programs: Programs, **more: Any) -> ExecutionRequest:
    return ExecutionRequest(programs.language, programs.hello, **more)


def test_a_program_that_comes_again_is_not_compiled_again(
    fresh: CodeExecutor, programs: Programs
) -> None:
    first, second = (fresh.execute(request_of(programs)) for _ in range(2))
    assert (was_compiled(first), was_compiled(second)) == (True, False)
    for name in ("status", "stdout", "stderr", "exit_code", "signal", "error", "version"):
        assert first[name] == second[name], name
    one, other = (result.phases[0] for result in (first, second))
    for name in ("name", "status", "stdout", "stderr", "exit_code", "signal"):
        assert one[name] == other[name], name
    assert second.usage.cpu_time == second.phases[1].cpu_time


def test_its_run_is_its_own(fresh: CodeExecutor, programs: Programs) -> None:
    request = ExecutionRequest(programs.language, programs.cat, stdin=b"")
    outputs = [fresh.execute(replace(request, stdin=text)).stdout for text in (b"one", b"two")]
    assert ["one" in outputs[0], "two" in outputs[1]] == [True, True]


def test_one_byte_makes_it_another(fresh: CodeExecutor, programs: Programs) -> None:
    fresh.execute(request_of(programs))
    changed = replace(request_of(programs), code=programs.hello.replace("World", "Werld"))
    result = fresh.execute(changed)
    assert was_compiled(result)
    assert "Werld" in result.stdout


@pytest.mark.parametrize("more", [{"limits": ResourceLimits(disk=48 * MIB)}, {"files": {"x": ""}}])
def test_other_circumstances_make_it_another(
    fresh: CodeExecutor, programs: Programs, more: dict[str, Any]
) -> None:
    fresh.execute(request_of(programs))
    assert was_compiled(fresh.execute(request_of(programs, **more)))


def test_what_does_not_compile_is_tried_again(fresh: CodeExecutor, programs: Programs) -> None:
    request = ExecutionRequest(programs.language, programs.broken)
    first, second = (fresh.execute(request) for _ in range(2))
    assert (first.status, second.status) == ("compile_error", "compile_error")
    assert was_compiled(second)
    assert first.stderr == second.stderr != ""


def test_it_can_be_turned_off(isolation: Isolation, programs: Programs) -> None:
    options: dict[str, Any] = {"isolation": isolation.name, "pool": None, "compile_cache": None}
    with CodeExecutor(**options) as executor:
        for _ in range(2):
            assert was_compiled(executor.execute(request_of(programs)))


def test_notes_of_a_compiler_come_with_what_it_made(fresh: CodeExecutor) -> None:
    code = NOTED % secrets.token_hex(4)
    first, second = (fresh.execute(ExecutionRequest("java", code)) for _ in range(2))
    assert not was_compiled(second)
    assert "unchecked" in first.phases[0].stderr
    assert first.phases[0].stderr == second.phases[0].stderr
    assert first.stdout == second.stdout
    assert "Main$1" in second.stdout


def test_a_program_sees_and_does_the_same(fresh: CodeExecutor) -> None:
    request = ExecutionRequest("go", SELF % secrets.token_hex(4), args=["a"])
    first, second, third = (fresh.execute(request) for _ in range(3))
    assert [was_compiled(result) for result in (first, second, third)] == [True, False, False]
    assert first.stdout == second.stdout == third.stdout
    assert "/build/main -rwxr-xr-x" in first.stdout


def test_it_serves_those_who_come_side_by_side(fresh: CodeExecutor, programs: Programs) -> None:
    results = fresh.execute_many([request_of(programs)] * 6)
    assert {result.stdout for result in results} == {"Hello, World!\n"}
    assert not was_compiled(fresh.execute(request_of(programs)))


def test_it_is_placed_in_a_sandbox_that_waited(isolation: Isolation, programs: Programs) -> None:
    settings = PoolSettings(min_idle=2, memory=4 << 30)
    with CodeExecutor(isolation=isolation.name, pool=settings, timeout=60.0) as executor:
        first = executor.execute(request_of(programs, isolation=isolation.name))
        result = Warm(executor).execute(request_of(programs, isolation=isolation.name))
    assert not was_compiled(result)
    assert (result.stdout, result.stderr) == (first.stdout, first.stderr)


def test_it_ends_with_its_executor(isolation: Isolation, programs: Programs) -> None:
    for _ in range(2):
        with CodeExecutor(isolation=isolation.name, pool=None) as executor:
            assert was_compiled(executor.execute(request_of(programs)))
