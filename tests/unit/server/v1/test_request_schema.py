"""Requests of JSON become those of the model, and results the JSON that the document describes."""

from __future__ import annotations

import json
from contextvars import copy_context
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drybox import DryboxError, ExecutionRequest, ExecutionResult, InvalidRequest, ResourceLimits
from drybox.model import ErrorInfo, Event, LanguageInfo, PhaseResult, Truncated, Usage
from drybox.serialization import plain
from drybox.server.transport.openapi import ProblemResponse
from drybox.server.transport.problem_response import document_of
from drybox.server.v1.request_schema import (
    EofRequest,
    KillRequest,
    StdinRequest,
    parse_message,
    parse_request,
    result_body,
    stdin_bytes,
)
from drybox.server.v1.response_schema import EventResponse, LanguageResponse, ResultResponse
from drybox.service.refusals import Problem, Refused
from drybox.service.request_context import RequestRecord, begin_record

DEFAULTS = ResourceLimits(memory=1 << 20, pids=7)

PHASE = PhaseResult("run", "failed", b"a", b"b", 3, None, 0.5, None, 4096)
RESULT = ExecutionResult(
    status="failed",
    stdout_bytes=b"\xffa",
    stderr_bytes=b"b",
    exit_code=3,
    signal=None,
    execution_time=0.5,
    error=ErrorInfo("timeout", "too long", "be quick"),
    phases=[PHASE],
    usage=Usage(None, 4096),
    truncated=Truncated(),
    artifacts={"a.bin": b"\0"},
    id="e1",
    language="python",
    version="3.11",
    isolation="local",
    weakened=("pids",),
)


def parsed(document: object) -> ExecutionRequest:
    return parse_request(json.dumps(document).encode(), DEFAULTS)


def refused(document: object) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        parsed(document)
    assert caught.value.hint
    return caught.value


# --- requests -------------------------------------------------------------------------------


def test_a_small_request_leaves_everything_to_the_operator() -> None:
    for code in ("1", "a\0b"):
        assert parsed({"language": "py", "code": code}) == ExecutionRequest("py", code, stdin="")


def test_every_field_reaches_its_place() -> None:
    request = parsed(
        {
            "language": "node@20",
            "code": "1",
            "files": [
                {"path": "a", "content": "text"},
                {"path": "b", "content": "AP8=", "encoding": "base64"},
            ],
            "entrypoint": "x.js",
            "stdin": "in",
            "args": ["1", "2"],
            "env": {"A": "b"},
            "timeout": "500ms",
            "limits": {"memory": "64m", "cpus": 0.5, "disk": 65536, "output": "1k"},
            "packages": ["left-pad"],
            "artifacts": ["*.txt"],
            "isolation": "local",
        }
    )
    assert request == ExecutionRequest(
        "node@20",
        "1",
        files={"a": "text", "b": b"\0\xff"},
        entrypoint="x.js",
        stdin="in",
        args=["1", "2"],
        env={"A": "b"},
        timeout=0.5,
        limits=ResourceLimits(64 << 20, 0.5, 7, 65536, 1024, 256),
        packages=["left-pad"],
        artifacts=["*.txt"],
        isolation="local",
    )


def test_a_limit_that_is_left_out_is_the_operators_own() -> None:
    assert parsed({"language": "py", "limits": {}}).limits == DEFAULTS


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"language": "py", "cod": "1"}, "cod"),
        ({"language": "py", "timeout": True}, "timeout"),
        ({"language": "py", "limits": {"cpus": "1"}}, "limits.cpus"),
        ({"language": "py", "limits": {"pids": 1.5}}, "limits.pids"),
        ({"language": "py", "files": [{"path": "a"}]}, "files[0].content"),
    ],
)
def test_an_error_names_its_field(document: object, field: str) -> None:
    assert refused(document).field == field


def test_of_several_faults_one_is_told_and_nothing_of_the_request_with_it() -> None:
    error = refused({"language": "py", "code": 1, "secret": "s3cret"})
    assert "s3cret" not in str(error)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)
FIELDS = st.sampled_from(
    ["language", "code", "files", "stdin", "args", "env", "timeout", "limits", "isolation"]
)


@given(st.dictionaries(FIELDS, ANY_JSON))
def test_whatever_comes_is_a_request_or_refused(document: dict[str, Any]) -> None:
    try:
        assert isinstance(parsed(document), ExecutionRequest)
    except (DryboxError, Refused) as refusal:
        assert str(refusal)  # noqa: PT017


@given(st.binary())
def test_whatever_bytes_come_are_a_request_or_refused(body: bytes) -> None:
    with pytest.raises((DryboxError, Refused)):
        parse_request(body, DEFAULTS)


# --- messages -------------------------------------------------------------------------------


def test_messages_over_the_websocket() -> None:
    assert isinstance(parse_message('{"type": "eof"}'), EofRequest)
    assert isinstance(parse_message('{"type": "kill"}'), KillRequest)
    text = parse_message('{"type": "stdin", "data": "\\u20ac"}')
    assert isinstance(text, StdinRequest)
    assert stdin_bytes(text) == "\u20ac".encode()
    data = parse_message('{"type": "stdin", "data": "AP8=", "encoding": "base64"}')
    assert isinstance(data, StdinRequest)
    assert stdin_bytes(data) == b"\0\xff"


# --- answers --------------------------------------------------------------------------------


def test_results_are_what_the_document_says() -> None:
    document = json.loads(result_body(RESULT))
    assert document["stdout"] == "\ufffda"
    assert document["artifacts"] == {"a.bin": "AA=="}
    wire = ResultResponse.model_validate(document)
    assert wire.model_dump() == document


@pytest.mark.parametrize(
    "event",
    [
        Event("start", "e1"),
        Event("phase", "e1", "run"),
        Event("phase", "e1", "run", outcome=PHASE),
        Event("stdout", "e1", "run", "text", b"text"),
        Event("result", "e1", result=RESULT),
    ],
    ids=lambda event: event.type,
)
def test_events_are_what_the_document_says(event: Event) -> None:
    document = json.loads(json.dumps(event.to_dict()))
    wire = EventResponse.model_validate(document)
    assert wire.model_dump(exclude_unset=True) == document


def test_languages_and_problems_are_what_the_document_says() -> None:
    language = plain(LanguageInfo("python", ("py",), (".py",), None, "install it"))
    assert LanguageResponse.model_validate(json.loads(json.dumps(language)))

    def problem() -> dict[str, Any]:
        begin_record(RequestRecord("r1"))
        return document_of(Problem("not-found", "no", "look", "field"))

    document = copy_context().run(problem)
    assert document["request_id"] == "r1"
    assert ProblemResponse.model_validate(document).model_dump() == document
