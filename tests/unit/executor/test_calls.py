"""The ways to call an executor, and what type checkers and people are told of them."""

from __future__ import annotations

import inspect
import os
import pydoc
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import drybox
from drybox import AsyncCodeExecutor, CodeExecutor, ExecutionRequest, InvalidRequest
from drybox.executor.request_fields import RequestFields, StreamFields, request_of
from drybox.testing.fake_backend import FakeSandbox, Install, Script

HELLO = Script([("stdout", b"hello")])
READS = Script([("stdout", b"hello")], reads=True)

pytestmark = pytest.mark.anyio


def test_a_call_means_the_request_that_it_spells_out() -> None:
    request = ExecutionRequest("python", "1", args=("a",), timeout=3.0)
    assert request_of(request, None, {}) is request
    assert request_of("python", "1", {"args": ("a",), "timeout": 3.0}) == request
    assert request_of("python", None, {"files": {"a.py": ""}}).files == {"a.py": ""}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((ExecutionRequest("python", "1"), "1", {}), "beside an ExecutionRequest"),
        ((ExecutionRequest("python", "1"), None, {"timeout": 1}), "beside an ExecutionRequest"),
        ((3, None, {}), "3 is not a request"),
        ((None, "1", {}), "None is not a request"),
        (("python", "1", {"timout": 3}), "Did you mean 'timeout'"),
        (("python", "1", {"zzz": 3}), "fields of ExecutionRequest are language, code"),
    ],
)
def test_what_is_no_call_is_refused_with_a_hint(arguments: Any, word: str) -> None:
    with pytest.raises(InvalidRequest, match=word):
        request_of(*arguments)


def test_every_field_of_a_request_can_be_named() -> None:
    known = {item.name for item in fields(ExecutionRequest)} - {"language", "code"}
    assert set(RequestFields.__annotations__) | {"stdin"} == known
    assert set(StreamFields.__annotations__) | {"stdin"} == known


def test_the_sync_executor_takes_both_forms(install: Install) -> None:
    sandboxes = [FakeSandbox([HELLO]), FakeSandbox([READS]), FakeSandbox([READS])]
    install(*sandboxes)
    with CodeExecutor(isolation="fake", pool=None) as executor:
        assert executor.execute("python", "1", args=["a"]).stdout == "hello"
        events = list(executor.stream("python", "1", stdin=b"in"))
        assert events[-1].result is not None
        assert executor.execute(ExecutionRequest("python", "1", stdin="in")).stdout == "hello"
        with pytest.raises(InvalidRequest, match="timeout"):
            executor.execute("python", "1", timout=3)  # type: ignore[call-overload]
        with pytest.raises(InvalidRequest, match="timeout"):
            executor.stream("python", "1", timout=3)  # type: ignore[call-overload]
    assert sandboxes[0].commands[0].argv[-1] == "a"
    assert [sandbox.stdin for sandbox in sandboxes] == [[None], [b"in"], [b"in"]]


async def test_the_async_executor_takes_both_forms(install: Install) -> None:
    sandboxes = [FakeSandbox([HELLO]), FakeSandbox([READS])]
    install(*sandboxes)
    pieces = [b"", b"piece"]

    async def source() -> bytes:
        return pieces.pop()

    async with AsyncCodeExecutor(isolation="fake", pool=None) as executor:
        assert (await executor.execute("python", code="1", env={"A": "b"})).stdout == "hello"
        async with executor.stream("python", "1", stdin=source) as events:
            assert [event async for event in events][-1].result is not None
        with pytest.raises(InvalidRequest, match="timeout"):
            await executor.execute("python", "1", timout=3)  # type: ignore[call-overload]
    assert sandboxes[0].commands[0].env["A"] == "b"
    assert sandboxes[1].stdin == [b"piece"]


def test_help_tells_of_every_public_name() -> None:
    for name in drybox.__all__:
        value = getattr(drybox, name)
        text = pydoc.plain(pydoc.render_doc(value))
        assert name in text
        for attribute, item in inspect.getmembers(value):
            if not attribute.startswith("_") and inspect.isroutine(item):
                assert inspect.getdoc(item), f"{name}.{attribute}"
    assert "stdin" in (inspect.getdoc(drybox.execute) or "")
    overview = pydoc.plain(pydoc.render_doc(drybox))
    for name in drybox.__all__:
        assert name in overview


CHECKED = """
from drybox import (
    AsyncCodeExecutor, CodeExecutor, Event, ExecutionRequest, ExecutionResult, ResourceLimits,
    Source, execute,
)

async def source() -> bytes:
    return b""

piece: Source = source
result: ExecutionResult = execute("python", "1", timeout=3, limits=ResourceLimits(memory="128m"))
with CodeExecutor() as executor:
    result = executor.execute("python", "1", files={"a": b""}, stdin="x")
    result = executor.execute(ExecutionRequest("python", "1"))
    for event in executor.stream("python", "1", stdin=source):
        line: Event = event
    text: str = result.to_json()

async def main() -> None:
    executor = await AsyncCodeExecutor().open()
    result: ExecutionResult = await executor.execute("python", "1", args=["a"])
    async for event in executor.stream(ExecutionRequest("python", "1"), stdin=source):
        line: Event = event
    await executor.aclose()
"""
FAULTS = (
    'execute("python", "1", timout=3)',
    'execute("python", "1", timeout="soon")',
    'CodeExecutor().execute("python", "1", timout=3)',
    'CodeExecutor().execute("python", "1", args=3)',
    'CodeExecutor().execute(ExecutionRequest("python", "1"), "1")',
    'CodeExecutor().stream("python", "1", timout=3)',
    'CodeExecutor().stream("python", "1", stdin=3)',
    'AsyncCodeExecutor().stream("python", "1", timout=3)',
    'ResourceLimits(memory="128m", pids="64")',
)


def test_type_checkers_find_misspelt_fields(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(CHECKED + "\n".join(FAULTS) + "\n")
    command = (sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(program))
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "NO_COLOR": "1"}
    )
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    found = sorted({int(line.split(":")[1]) for line in errors})
    first = CHECKED.count("\n") + 1
    assert found == list(range(first, first + len(FAULTS))), done.stdout + done.stderr
