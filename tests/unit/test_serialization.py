"""The JSON form: exactly the fields of the contract, and JSON's own types only."""

from __future__ import annotations

import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from drybox import ErrorInfo, ExecutionResult, PhaseResult, Truncated, Usage
from drybox.model import LanguageInfo
from drybox.serialization import plain

PHASE = PhaseResult("run", "success", b"a", b"", 0, None, 0.5, 0.25, 4096)


def a_result(
    stdout: bytes = b"", artifacts: dict[str, bytes] | None = None, error: ErrorInfo | None = None
) -> ExecutionResult:
    return ExecutionResult(
        status="success",
        stdout_bytes=stdout,
        stderr_bytes=b"\xff",
        exit_code=0,
        signal=None,
        execution_time=0.5,
        error=error,
        phases=[PHASE],
        usage=Usage(0.25, None),
        truncated=Truncated(stderr=True),
        artifacts=artifacts or {},
        id="1",
        language="python",
        version="3.11.2",
        isolation="local",
        weakened=("pids",),
    )


def test_a_document_has_the_fields_of_the_contract() -> None:
    document = a_result(b"a\n", {"x/y": b"\0"}, ErrorInfo("t", "m", "h")).to_dict()
    assert document == {
        "status": "success",
        "stdout": "a\n",
        "stderr": "\ufffd",
        "exit_code": 0,
        "signal": None,
        "execution_time": 0.5,
        "error": {"type": "t", "message": "m", "hint": "h"},
        "phases": [
            {
                "name": "run",
                "status": "success",
                "stdout": "a",
                "stderr": "",
                "exit_code": 0,
                "signal": None,
                "execution_time": 0.5,
                "cpu_time": 0.25,
                "memory_peak": 4096,
            }
        ],
        "usage": {"cpu_time": 0.25, "memory_peak": None},
        "truncated": {"stdout": False, "stderr": True},
        "artifacts": {"x/y": "AA=="},
        "id": "1",
        "language": "python",
        "version": "3.11.2",
        "isolation": "local",
        "weakened": ["pids"],
        "backend": "local",
        "environment": None,
    }


@given(st.binary(), st.dictionaries(st.text(max_size=9), st.binary(max_size=20), max_size=3))
def test_a_document_survives_json(stdout: bytes, artifacts: dict[str, bytes]) -> None:
    document = json.loads(json.dumps(a_result(stdout, artifacts).to_dict()))
    assert document["stdout"] == stdout.decode("utf-8", "replace")
    assert {
        path: base64.b64decode(text, validate=True) for path, text in document["artifacts"].items()
    } == artifacts


def test_lists_of_records_become_lists_of_dictionaries() -> None:
    info = LanguageInfo("go", ("golang",), (".go",), None, "Install it")
    assert plain([info]) == [
        {
            "name": "go",
            "aliases": ["golang"],
            "suffixes": [".go"],
            "version": None,
            "hint": "Install it",
            "versions": [],
        }
    ]
    assert json.dumps(plain([info, PHASE]))
