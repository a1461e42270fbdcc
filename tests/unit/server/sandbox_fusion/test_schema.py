"""Requests and answers of SandboxFusion, without a server."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from drybox.errors import InvalidRequest
from drybox.model import (
    MIB,
    ErrorInfo,
    ExecutionResult,
    PhaseResult,
    ResourceLimits,
    Truncated,
    Usage,
)
from drybox.server.sandbox_fusion.schema import FusionJob, answer, parse_request
from drybox.service.json_pieces import document_pieces
from drybox.service.refusals import Refused
from drybox.settings import ServerSettings

pytestmark = pytest.mark.promise("FUSION-2")

LIMITS = ResourceLimits()
LANGUAGES = ("python", "cpp", "nodejs", "go", "java", "bash", "typescript", "rust", "c")


def parsed(**fields: Any) -> FusionJob:
    body = json.dumps({"language": "python", "code": "1", **fields}).encode()
    settings = ServerSettings(max_timeout=60.0)
    return parse_request(body, settings, LIMITS, {"python": "data"})


def phase(name: Any, status: Any, **fields: Any) -> PhaseResult:
    given = {
        "exit_code": 0,
        "signal": None,
        "stdout_bytes": b"out\xff",
        "stderr_bytes": b"",
        **fields,
    }
    return PhaseResult(
        name=name, status=status, execution_time=0.5, cpu_time=0.1, memory_peak=1, **given
    )


def told(status: Any, *phases: PhaseResult, artifacts: Any = None, **fields: Any) -> dict[str, Any]:
    result = ExecutionResult(
        status=status,
        stdout_bytes=b"",
        stderr_bytes=b"",
        exit_code=None,
        signal=None,
        execution_time=0.0,
        error=ErrorInfo("x", "Why.", "What to do.") if status == "sandbox_error" else None,
        phases=list(phases),
        usage=Usage(),
        truncated=Truncated(),
        artifacts=artifacts or {},
        id="1",
        language="python",
        version="3",
        isolation="local",
        backend="local",
    )
    document: dict[str, Any] = json.loads(
        b"".join(document_pieces(answer(parsed(**fields), result)))
    )
    return document


# --- requests -------------------------------------------------------------------------------


@pytest.mark.parametrize("word", LANGUAGES)
def test_languages_go_by_its_names(word: str) -> None:
    job = parsed(language=word)
    assert word in (job.language.name, *job.language.aliases)
    assert job.answer_time == (20 if job.language.samples.compiles else 10)
    assert job.request.environment == ("data" if word == "python" else None)


def test_what_is_left_out_is_the_servers() -> None:
    job = parsed()
    assert (job.run_timeout, job.caps.compile_timeout) == (10, 10)
    assert (job.request.limits, job.request.stdin, job.request.files) == (None, "", None)
    assert parsed(memory_limit_MB=-1, stdin=None, more="words").request.limits is None


def test_limits_files_and_input() -> None:
    files = {"a/b.txt": "AP8=", "none": None, "main.py": "aGk="}
    job = parsed(
        memory_limit_MB=64, run_timeout=3, stdin="in", files=files, fetch_files=["./a[1].txt"]
    )
    assert job.request.limits == replace(LIMITS, memory=64 * MIB)
    assert (job.request.timeout, job.request.stdin) == (3, "in")
    assert job.request.files == {"a/b.txt": b"\x00\xff", "main.py": b"hi"}
    assert job.request.entrypoint not in job.request.files
    assert list(job.request.artifacts) == ["a[[]1].txt"]
    assert job.fetched == {"a[1].txt": "./a[1].txt"}


def test_the_same_body_has_the_same_digest() -> None:
    assert parsed().digest == parsed().digest != parsed(code="2").digest


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"language": "cobol"}, "language"),
        ({"language": "python@3"}, "language"),
        ({"language": None}, "language"),
        ({"code": None}, "code"),
        ({"run_timeout": 0}, "run_timeout"),
        ({"run_timeout": 61}, "run_timeout"),
        ({"run_timeout": "1"}, "run_timeout"),
        ({"compile_timeout": -1}, "compile_timeout"),
        ({"memory_limit_MB": 1e6}, "memory_limit_MB"),
        ({"memory_limit_MB": 1e300}, "memory_limit_MB"),
        ({"files": {"a": "?"}}, "files"),
        ({"files": {"a": "é"}}, "files"),
        ({"files": {"../a": "aGk="}}, "files"),
        ({"files": ["a"]}, "files"),
        ({"fetch_files": ["/etc/passwd"]}, "fetch_files"),
        ({"fetch_files": "a"}, "fetch_files"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parsed(**fields)
    assert caught.value.field == field
    assert caught.value.hint


def test_what_is_no_json_is_told_apart() -> None:
    with pytest.raises(Refused) as caught:
        parse_request(b"nope", ServerSettings(), LIMITS, {})
    assert caught.value.problem.kind == "malformed-json"


# --- answers --------------------------------------------------------------------------------


def test_a_success() -> None:
    assert told("success", phase("run", "success")) == {
        "status": "Success",
        "message": "",
        "compile_result": None,
        "run_result": {
            "status": "Finished",
            "execution_time": 0.5,
            "cpu_time": 0.1,
            "return_code": 0,
            "stdout": "out�",
            "stderr": "",
        },
        "executor_pod_name": "",
        "files": {},
    }


@pytest.mark.parametrize(
    ("status", "fields", "word", "code"),
    [
        ("failed", {"exit_code": 3}, "Finished", 3),
        ("signaled", {"exit_code": None, "signal": "SIGSEGV"}, "Finished", -11),
        ("signaled", {"exit_code": None, "signal": "SIGRTMIN+3"}, "Finished", -37),
        ("signaled", {"exit_code": None, "signal": "SIG33"}, "Finished", -33),
        ("timeout", {"exit_code": None}, "TimeLimitExceeded", None),
        ("memory_limit", {"exit_code": None}, "Finished", -9),
        ("memory_limit", {"exit_code": 1}, "Finished", 1),
        ("output_limit", {"exit_code": None}, "Finished", -9),
    ],
)
def test_ends_of_programs(status: str, fields: dict[str, Any], word: str, code: int | None) -> None:
    for name in ("run", "compile"):
        document = told(status, phase(name, status, **fields))
        found = document[f"{name}_result"]
        assert (document["status"], found["status"], found["return_code"]) == ("Failed", word, code)


def test_a_program_that_does_not_compile_has_not_run() -> None:
    document = told("compile_error", phase("compile", "compile_error", exit_code=1))
    assert document["status"] == "Failed"
    assert document["compile_result"]["return_code"] == 1
    assert document["run_result"] is None


def test_a_failure_of_the_sandbox_is_not_the_programs() -> None:
    document = told("sandbox_error", phase("run", "sandbox_error", exit_code=None))
    assert (document["status"], document["message"]) == ("SandboxError", "Why.")
    assert document["run_result"]["status"] == "Error"
    assert told("sandbox_error")["run_result"] is None


def test_files_come_back_by_the_names_they_were_asked_for() -> None:
    found = told(
        "success",
        phase("run", "success"),
        artifacts={"a.txt": b"\x00\xff"},
        fetch_files=["./a.txt", "b.txt"],
    )
    assert found["files"] == {"./a.txt": "AP8="}
