"""Piston's requests and answers, in its own words."""

from __future__ import annotations

import math
from typing import Any

import pytest

from drybox.job import UNCAPPED, ExecutionCaps
from drybox.model import (
    MIB,
    ErrorInfo,
    ExecutionResult,
    LanguageInfo,
    PhaseResult,
    ResourceLimits,
    Truncated,
    Usage,
)
from drybox.server.piston.runtimes import make_runtimes
from drybox.server.piston.schema import (
    BadRequest,
    PistonJob,
    RequestLimits,
    StageLimits,
    answer,
    parse_request,
)

pytestmark = pytest.mark.promise("PISTON-2")

RUNTIMES = make_runtimes(
    [
        LanguageInfo("python", ("py",), (".py",), "3.11.2", ""),
        LanguageInfo("node", ("js",), (".js",), "20.1.0", ""),
        LanguageInfo("go", ("golang",), (".go",), "1.26.8", ""),
        LanguageInfo("java", (), (".java",), "17.0.15", ""),
    ]
)
REQUEST_LIMITS = RequestLimits(
    compile=StageLimits(60_000, 120_000, 1024 * MIB), run=StageLimits(30_000, 30_000, 256 * MIB)
)
LIMITS = ResourceLimits()
HELLO = {"language": "python", "version": "*", "files": [{"content": "print(1)"}]}


def parse(body: object) -> PistonJob:
    return parse_request(body, RUNTIMES, REQUEST_LIMITS, LIMITS)


def parsed(**fields: Any) -> PistonJob:
    return parse({**HELLO, **fields})


# --- requests -------------------------------------------------------------------------------


def test_a_request_that_names_no_more_than_it_must() -> None:
    job = parse(HELLO)
    assert job.runtime.name == "python"
    assert job.request.files == {"main.py": "print(1)"}
    assert job.request.entrypoint == "main.py"
    assert (job.request.args, job.request.stdin) == ([], "\n")
    assert (job.request.timeout, job.request.limits) == (None, LIMITS)
    assert job.caps == UNCAPPED


def test_a_request_that_names_everything() -> None:
    job = parse(
        {
            "language": "js",
            "version": "20.x",
            "files": [
                {"name": "data.bin", "content": "AP8=", "encoding": "base64"},
                {"name": "src/app.js", "content": "1", "encoding": "utf8"},
                {"name": "lib.js", "content": "00ff", "encoding": "hex"},
                {"content": "text"},
            ],
            "stdin": "in\n",
            "args": ["a", "b"],
            "compile_timeout": 1000,
            "run_timeout": 1500.5,
            "compile_cpu_time": 900,
            "run_cpu_time": 800,
            "compile_memory_limit": 64 * MIB,
            "run_memory_limit": 32 * MIB,
        }
    )
    request = job.request
    assert request.files == {
        "data.bin": b"\0\xff",
        "src/app.js": "1",
        "lib.js": b"\0\xff",
        "file3.code": "text",
    }
    assert request.entrypoint == "src/app.js", "the first that is text"
    assert (request.args, request.stdin, request.timeout) == (["a", "b"], "in\n", 1.5005)
    assert request.limits is not None
    assert request.limits.memory == 32 * MIB
    assert job.caps == ExecutionCaps(1.0, 64 * MIB, 0.9, 0.8)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "language is required as a string"),
        ("x", "language is required as a string"),
        (None, "language is required as a string"),
        ({}, "language is required as a string"),
        ({"language": ""}, "language is required as a string"),
        ({"language": 3}, "language is required as a string"),
        ({"language": "python"}, "version is required as a string"),
        ({"language": "python", "version": 3.1}, "version is required as a string"),
        ({"language": "python", "version": "*"}, "files is required as an array"),
        ({**HELLO, "files": {"0": {}}}, "files is required as an array"),
        ({**HELLO, "files": [{"name": "x"}]}, "files[0].content is required as a string"),
        ({**HELLO, "files": [None]}, "files[0].content is required as a string"),
        ({**HELLO, "files": [{"content": "x"}, 7]}, "files[1].content is required as a string"),
        ({**HELLO, "files": []}, "files must include at least one utf8 encoded file"),
        (
            {**HELLO, "files": [{"content": "00", "encoding": "hex"}]},
            "files must include at least one utf8 encoded file",
        ),
        ({**HELLO, "language": "ruby"}, "ruby-* runtime is unknown"),
        ({**HELLO, "version": "3.10.0"}, "python-3.10.0 runtime is unknown"),
        ({**HELLO, "version": "y" * 999}, f"python-{'y' * 97}... runtime is unknown"),
        ({**HELLO, "run_timeout": "3"}, "If specified, run_timeout must be a number"),
        ({**HELLO, "run_timeout": True}, "If specified, run_timeout must be a number"),
        ({**HELLO, "run_timeout": []}, "If specified, run_timeout must be a number"),
        (
            {**HELLO, "run_timeout": 30_001},
            "run_timeout cannot exceed the configured limit of 30000",
        ),
        (
            {**HELLO, "compile_timeout": 1e999},
            "compile_timeout cannot exceed the configured limit of 60000",
        ),
        (
            {**HELLO, "run_cpu_time": 10**400},
            "run_cpu_time cannot exceed the configured limit of 30000",
        ),
        (
            {**HELLO, "run_memory_limit": 256 * MIB + 1},
            "run_memory_limit cannot exceed the configured limit of 268435456",
        ),
        (
            {**HELLO, "compile_memory_limit": math.nan},
            "compile_memory_limit cannot exceed the configured limit of 1073741824",
        ),
        ({**HELLO, "run_timeout": -1}, "run_timeout must be non-negative"),
        ({**HELLO, "run_memory_limit": -2}, "run_memory_limit must be non-negative"),
        ({**HELLO, "stdin": 5}, "If specified, stdin must be a string"),
        ({**HELLO, "args": "a"}, "If specified, args must be an array of strings"),
        ({**HELLO, "args": [1]}, "If specified, args must be an array of strings"),
        (
            {**HELLO, "files": [{"content": "1", "name": "../../x.py"}]},
            'File path "../../x.py" tries to escape parent directory: ../../x.py',
        ),
        (
            {**HELLO, "files": [{"content": "1", "name": "a/.."}]},
            "files[0].name is not a name of a file",
        ),
        (
            {**HELLO, "files": [{"content": "1", "name": 1}]},
            "If specified, files[0].name must be a string",
        ),
        (
            {**HELLO, "files": [{"content": "1"}, {"content": "0g", "encoding": "hex"}]},
            "files[1].content is not valid hex",
        ),
        (
            {**HELLO, "files": [{"content": "1"}, {"content": "é!", "encoding": "base64"}]},
            "files[1].content is not valid base64",
        ),
        ({**HELLO, "files": [{"content": ""}] * 2001}, "files cannot be more than 2000"),
    ],
)
def test_a_wrong_request_is_told_so_in_pistons_words(body: object, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse(body)
    assert str(caught.value) == message


@pytest.mark.parametrize("nothing", [None, 0, 0.0, "", False])
def test_what_javascript_takes_for_false_leaves_a_limit_to_the_server(nothing: object) -> None:
    job = parsed(run_timeout=nothing, run_memory_limit=nothing, compile_cpu_time=nothing)
    assert (job.request.timeout, job.request.limits) == (None, LIMITS)
    assert job.caps == UNCAPPED


def test_minus_one_is_no_memory_limit_of_the_requests_own() -> None:
    job = parsed(run_memory_limit=-1, compile_memory_limit=-1)
    assert (job.request.timeout, job.request.limits) == (None, LIMITS)
    assert job.caps == UNCAPPED


def test_nulls_are_the_same_as_nothing() -> None:
    job = parsed(stdin=None, args=None)
    assert (job.request.stdin, job.request.args) == ("\n", [])


def test_the_last_line_of_stdin_always_ends() -> None:
    assert parsed(stdin="1\n2").request.stdin == "1\n2\n"


@pytest.mark.parametrize(
    ("content", "data"),
    [
        *(("AP8=", b"\0\xff"), ("AP8", b"\0\xff"), ("A P8=\n", b"\0\xff"), ("", b"")),
        *(("AP-_", b"\0\xff\xbf"), ("AP+/", b"\0\xff\xbf")),
    ],
)
def test_base64_is_read_as_node_reads_it(content: str, data: bytes) -> None:
    files = [{"content": "1"}, {"name": "x", "content": content, "encoding": "base64"}]
    found = parsed(files=files).request.files
    assert found is not None
    assert found["x"] == data


@pytest.mark.parametrize(
    ("language", "file", "path"),
    [
        ("python", {"content": "1"}, "main.py"),
        ("python", {"name": "", "content": "1"}, "main.py"),
        ("python", {"name": "my_cool_code.py", "content": "1"}, "my_cool_code.py"),
        ("python", {"name": "/a//b/./c.py", "content": "1"}, "a/b/c.py"),
        ("python", {"name": "code", "content": "1"}, "main.py"),
        ("js", {"name": "index.mjs", "content": "1"}, "index.mjs"),
        ("go", {"name": "prog", "content": "package main"}, "main.go"),
        ("java", {"content": "public class A {}"}, "A.java"),
        ("java", {"name": "main.java", "content": "public class Main {}"}, "Main.java"),
        ("java", {"name": "Test.java", "content": "public class B {}"}, "B.java"),
        (
            "java",
            {"name": "src/p/B.java", "content": "package p; public class B {}"},
            "src/p/B.java",
        ),
        ("go", {"name": "x_test.go", "content": "package main"}, "main.go"),
        ("python", {"name": "aux.py", "content": "1"}, "aux.py"),
    ],
)
def test_the_entry_has_its_own_name_unless_its_language_needs_another(
    language: str, file: dict[str, str], path: str
) -> None:
    job = parsed(language=language, files=[file])
    assert job.request.entrypoint == path
    assert list(job.request.files or ()) == [path]


def test_a_renamed_entry_takes_no_other_files_place() -> None:
    files = [{"name": "run", "content": "import main"}, {"name": "main.py", "content": "1"}]
    request = parsed(files=files).request
    assert request.files == {"run.py": "import main", "main.py": "1"}
    assert request.entrypoint == "run.py"


# --- answers --------------------------------------------------------------------------------


def phase(name: Any = "run", status: Any = "success", **fields: Any) -> PhaseResult:
    values = {
        "stdout_bytes": b"out",
        "stderr_bytes": b"err",
        "exit_code": 0,
        "signal": None,
        "execution_time": 0.0517,
        "cpu_time": 0.02,
        "memory_peak": 5_000_000,
    }
    return PhaseResult(name, status, **{**values, **fields})


def result_of(*phases: PhaseResult, **fields: Any) -> ExecutionResult:
    last = phases[-1]
    values: dict[str, Any] = {
        "stdout_bytes": b"",
        "stderr_bytes": b"",
        "exit_code": last.exit_code,
        "signal": last.signal,
        "execution_time": 0.0,
        "error": None,
        "phases": [*phases],
        "usage": Usage(),
        "truncated": Truncated(),
        "artifacts": {},
        "id": "1",
        "language": "python",
        "version": "3.11.2",
        "isolation": "local",
    }
    return ExecutionResult(last.status, **{**values, **fields})


def test_the_answer_to_a_program_that_ends_well() -> None:
    assert answer(parse(HELLO), result_of(phase()), "oeurtr") == {
        "run": {
            "stdout": "out",
            "stderr": "err",
            "output": "oeurtr",
            "code": 0,
            "signal": None,
            "message": None,
            "status": None,
            "cpu_time": 20,
            "wall_time": 52,
            "memory": 5_000_000,
        },
        "language": "python",
        "version": "3.11.2",
    }


ENDS: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[object, ...]]] = {
    "failed": (
        {"status": "failed", "exit_code": 3},
        {},
        ("RE", 3, None, "Exited with error status 3"),
    ),
    "signaled": (
        {"status": "signaled", "exit_code": None, "signal": "SIGSEGV"},
        {},
        ("SG", None, "SIGSEGV", "Caught fatal signal 11"),
    ),
    "wall time": (
        {"status": "timeout", "exit_code": None},
        {},
        ("TO", None, "SIGKILL", "Time limit exceeded (wall clock)"),
    ),
    "CPU time": (
        {"status": "timeout", "exit_code": None, "cpu_time": 31.0},
        {},
        ("TO", None, "SIGKILL", "Time limit exceeded"),
    ),
    "killed for memory": (
        {"status": "memory_limit", "exit_code": None},
        {},
        ("SG", None, "SIGKILL", "Memory limit exceeded"),
    ),
    "gave up for memory": (
        {"status": "memory_limit", "exit_code": 1},
        {},
        ("RE", 1, None, "Memory limit exceeded"),
    ),
    "stdout": (
        {"status": "output_limit", "exit_code": None},
        {"truncated": Truncated(stdout=True)},
        ("OL", None, "SIGKILL", "stdout length exceeded"),
    ),
    "stderr": (
        {"status": "output_limit", "exit_code": None},
        {"truncated": Truncated(stderr=True)},
        ("EL", None, "SIGKILL", "stderr length exceeded"),
    ),
    "lost": (
        {"status": "sandbox_error", "exit_code": None, "cpu_time": None, "memory_peak": None},
        {"error": ErrorInfo("SandboxLost", "It ended.", "Try again.")},
        ("XX", None, None, "It ended."),
    ),
}


@pytest.mark.parametrize("how", ENDS)
def test_every_end_of_a_program(how: str) -> None:
    end, more, expected = ENDS[how]
    run = answer(parsed(run_cpu_time=30_000), result_of(phase(**end), **more), "")["run"]
    assert tuple(run[name] for name in ("status", "code", "signal", "message")) == expected


def test_a_compiler_has_a_stage_of_its_own() -> None:
    found = answer(parse(HELLO), result_of(phase("compile", stderr_bytes=b"w"), phase()), "outerr")
    assert list(found) == ["compile", "run", "language", "version"]
    assert (found["compile"]["output"], found["run"]["output"]) == ("outw", "outerr")


def test_where_the_program_is_not_reached_its_stage_is_the_compilers() -> None:
    failed = phase("compile", "failed", exit_code=1, stdout_bytes=b"", stderr_bytes=b"no")
    found = answer(parse(HELLO), result_of(failed), "")
    assert found["run"] == found["compile"]
    assert (found["run"]["code"], found["run"]["output"]) == (1, "no")
