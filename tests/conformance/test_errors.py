"""What is refused: which error it is, and that it names the field and the way out."""

from __future__ import annotations

import copy
import math
import pickle
from dataclasses import replace
from typing import Any

import anyio
import pytest
from tests.conformance.bench import Bench, marker

from drybox import (
    AsyncCodeExecutor,
    CodeExecutor,
    DryboxError,
    ExecutionRequest,
    InvalidRequest,
    Rejected,
    ResourceLimits,
    SandboxLost,
    Unavailable,
    Unsupported,
    execute,
)

WRONG: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "language": [
        ("unknown", {"language": "cobol"}),
        ("empty", {"language": ""}),
        ("not text", {"language": None}),
        ("bytes", {"language": b"python"}),
        ("a version that is none", {"language": "python@latest"}),
        ("an empty version", {"language": "python@"}),
        ("a path", {"language": "../../bin/sh"}),
        ("long", {"language": "x" * 100_000}),
    ],
    "code": [
        ("nothing to run", {"code": None}),
        ("bytes", {"code": b"print(1)"}),
        ("half a character", {"code": "print('\ud800')"}),
        ("twice", {"files": {"main.py": "print(1)"}}),
        ("no files either", {"code": None, "files": {}}),
    ],
    "files": [
        ("no mapping", {"files": ["main.py"]}),
        ("absolute", {"files": {"/etc/passwd": "x"}}),
        ("outside", {"files": {"../x": "x"}}),
        ("outside after a while", {"files": {"a/../../x": "x"}}),
        ("empty name", {"files": {"": "x"}}),
        ("a folder", {"files": {"b/": "x"}}),
        ("NUL", {"files": {"a\0b": "x"}}),
        ("newline", {"files": {"a\nb": "x"}}),
        ("long name", {"files": {"x" * 300: "x"}}),
        ("deep", {"files": {"/".join("x" * 200): "x"}}),
        ("a number as name", {"files": {7: "x"}}),
        ("a number as content", {"files": {"a.txt": 7}}),
        ("half a character", {"files": {"a\udc80": "x"}}),
        ("a file that is a folder", {"files": {"a": "x", "a/b": "x"}}),
        ("too many", {"files": {f"f{i}": "" for i in range(2001)}}),
        ("too large", {"files": {"a.bin": bytes(65 << 20)}}),
    ],
    "entrypoint": [
        ("outside", {"entrypoint": "../main.py"}),
        ("absolute", {"entrypoint": "/main.py"}),
        ("empty", {"entrypoint": ""}),
        ("not there", {"code": None, "files": {"a.py": ""}, "entrypoint": "b.py"}),
        ("unclear", {"code": None, "files": {"a.py": "", "b.py": ""}}),
        ("not text", {"entrypoint": 7}),
    ],
    "stdin": [
        ("number", {"stdin": 7}),
        ("nothing", {"stdin": None}),
        ("half a character", {"stdin": "\ud800"}),
    ],
    "args": [
        ("one text", {"args": "one two"}),
        ("numbers", {"args": [1, 2]}),
        ("NUL", {"args": ["a\0b"]}),
        ("half a character", {"args": ["\ud800"]}),
        ("one that is too long", {"args": ["x" * 200_000]}),
        ("too much together", {"args": ["x" * 100_000] * 6}),
        ("nothing", {"args": None}),
    ],
    "env": [
        ("no mapping", {"env": ["A=b"]}),
        ("empty name", {"env": {"": "x"}}),
        ("equals", {"env": {"A=B": "x"}}),
        ("NUL in a name", {"env": {"A\0": "x"}}),
        ("NUL in a value", {"env": {"A": "x\0"}}),
        ("number", {"env": {"A": 1}}),
        ("number as name", {"env": {1: "a"}}),
        ("too long", {"env": {"A": "x" * 200_000}}),
    ],
    "timeout": [
        ("zero", {"timeout": 0}),
        ("negative", {"timeout": -1.5}),
        ("endless", {"timeout": math.inf}),
        ("not a number", {"timeout": math.nan}),
        ("text", {"timeout": "10"}),
        ("truth", {"timeout": True}),
        ("ages", {"timeout": 1e9}),
    ],
    "limits": [
        ("mapping", {"limits": {"memory": 1 << 26}}),
        ("number", {"limits": 7}),
    ],
    "limits.memory": [
        ("zero", {"limits": ResourceLimits(memory=0)}),
        ("negative", {"limits": ResourceLimits(memory=-1)}),
        ("fraction", {"limits": ResourceLimits(memory=1e8)}),  # type: ignore[arg-type]
    ],
    "limits.cpus": [
        ("zero", {"limits": ResourceLimits(cpus=0)}),
        ("not a number", {"limits": ResourceLimits(cpus=math.nan)}),
        ("endless", {"limits": ResourceLimits(cpus=math.inf)}),
    ],
    "limits.pids": [("zero", {"limits": ResourceLimits(pids=0)})],
    "limits.disk": [("one byte", {"limits": ResourceLimits(disk=1)})],
    "limits.output": [("negative", {"limits": ResourceLimits(output=-1)})],
    "limits.open_files": [("too few for any runtime", {"limits": ResourceLimits(open_files=1)})],
    "packages": [
        ("no folder to install from", {"packages": ["requests"]}),
        ("one text", {"packages": "requests"}),
    ],
    "artifacts": [
        ("one text", {"artifacts": "*.txt"}),
        ("absolute", {"artifacts": ["/etc/*"]}),
        ("outside", {"artifacts": ["../*"]}),
        ("numbers", {"artifacts": [1]}),
        ("too many", {"artifacts": [f"{i}" for i in range(101)]}),
    ],
    "isolation": [
        ("unknown", {"isolation": "chroot"}),
        ("number", {"isolation": 7}),
        ("list", {"isolation": ["local"]}),
    ],
}
CASES = [
    pytest.param(field, change, id=f"{field}-{name}".replace(" ", "_"))
    for field, cases in WRONG.items()
    for name, change in cases
]


@pytest.mark.parametrize(("field", "change"), CASES)
def test_a_wrong_field_is_named(executor: CodeExecutor, field: str, change: dict[str, Any]) -> None:
    request = replace(ExecutionRequest("python", "print(1)"), **change)
    for ask in (
        executor.execute,
        lambda request: executor.execute_many([request]),
        lambda request: next(executor.stream(request)),
    ):
        with pytest.raises(InvalidRequest) as caught:
            ask(request)
        error = caught.value
        assert error.field.partition("[")[0] == field
        assert field in str(error)
        assert error.hint
        assert error.hint in str(error)
        assert len(str(error)) < 2000


def test_a_request_that_is_none(executor: CodeExecutor) -> None:
    for nonsense in (None, "print(1)", {"language": "python"}, ("python", "print(1)")):
        with pytest.raises(InvalidRequest, match=r"request|language"):
            executor.execute(nonsense)  # type: ignore[arg-type]


def test_a_misspelt_language_gets_a_suggestion(executor: CodeExecutor) -> None:
    with pytest.raises(InvalidRequest, match="Did you mean 'python'"):
        executor.execute(ExecutionRequest("pyhton", ""))


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("timeout", {"timeout": 0}),
        ("timeout", {"timeout": None}),
        ("limits.memory", {"limits": ResourceLimits(memory=1)}),
        ("isolation", {"isolation": "jail"}),
        ("concurrency", {"concurrency": 0}),
        ("concurrency", {"concurrency": -3}),
        ("compile_timeout", {"compile_timeout": -1}),
        ("compile_limits.pids", {"compile_limits": ResourceLimits(pids=0)}),
        ("compile_limits", {"compile_limits": None}),
        ("install_timeout", {"install_timeout": 0}),
        ("install_limits.memory", {"install_limits": ResourceLimits(memory=0)}),
        ("package_dir", {"package_dir": "/no/such/folder"}),
    ],
)
@pytest.mark.parametrize("kind", [CodeExecutor, AsyncCodeExecutor])
def test_a_wrong_setting_is_named(kind: type, field: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        kind(**arguments)
    assert caught.value.field == field
    assert caught.value.hint


def test_what_cannot_be_given_up_is_named() -> None:
    for word in ("network", "everything", "memory,network"):
        with (
            pytest.raises(InvalidRequest, match="allow_weaker"),
            CodeExecutor(allow_weaker=[word]) as executor,
        ):
            executor.execute(ExecutionRequest("python", ""))


@pytest.mark.parametrize("isolation", ["gvisor", "kata", "firecracker"])
def test_an_isolation_that_is_not_here_is_never_replaced(isolation: str) -> None:
    # An executor of its own: the session's may know a daemon by now.
    with (
        pytest.raises((Unsupported, Unavailable)) as caught,
        CodeExecutor() as executor,
    ):
        executor.execute(ExecutionRequest("python", "print(1)", isolation=isolation))
    assert caught.value.hint
    with (
        pytest.raises((Unsupported, Unavailable)),
        CodeExecutor(isolation=isolation) as other,
    ):
        other.execute(ExecutionRequest("python", "print(1)"))


def test_nothing_ran_when_something_was_wrong(python_bench: Bench) -> None:
    word = marker()
    with pytest.raises(InvalidRequest):
        python_bench.run(python_bench.programs.hang, word, artifacts=["/x"])
    assert not python_bench.isolation.runs(word)


def test_the_tree_of_errors() -> None:
    for kind in (InvalidRequest, Unsupported, Unavailable, SandboxLost, Rejected):
        assert issubclass(kind, DryboxError)
    assert issubclass(DryboxError, Exception)


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequest("limits.memory", "0 is out of bounds", hint="Pass more."),
        Unsupported("no cgroup", hint="Use another host.", what="memory"),
        Unsupported("no isolation", hint="Use another host."),
        Unavailable("no sandbox", hint="Try again."),
        SandboxLost("it ended", hint="Try again."),
        Rejected("a hook said no", hint="Ask its owner."),
        DryboxError("something", hint=""),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_survive_pickling_and_copying(error: DryboxError) -> None:
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert vars(twin) == vars(error)
        assert twin.args == error.args


def test_the_one_liner_names_an_unknown_field() -> None:
    with pytest.raises(InvalidRequest, match="fields"):
        execute("python", "print(1)", time_out=3)  # type: ignore[call-arg]


def test_the_async_twin_refuses_the_same() -> None:
    async def main() -> None:
        async with AsyncCodeExecutor() as executor:
            for field, cases in WRONG.items():
                change = cases[0][1]
                request = replace(ExecutionRequest("python", "print(1)"), **change)
                with pytest.raises(InvalidRequest) as caught:
                    await executor.execute(request)
                assert caught.value.field.partition("[")[0] == field

    anyio.run(main)
