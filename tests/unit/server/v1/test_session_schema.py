"""The schemas of what is said of sessions name what the documents have, field by field."""

from __future__ import annotations

import json

import pytest
from pydantic import BaseModel

from drybox.model import ErrorInfo, Truncated, Usage
from drybox.serialization import plain
from drybox.server.v1.sessions.response_schema import (
    CodeErrorResponse,
    CommandResultResponse,
    FileInfoResponse,
    RunResultResponse,
)
from drybox.sessions.results import CodeError, CommandResult, Display, FileInfo, RunResult

pytestmark = pytest.mark.promise("HTTP-3")

ERROR = CodeError("ZeroDivisionError", "division by zero", "Traceback …", "\x1b[31mTraceback …")
RUN = RunResult(
    status="failed",
    stdout_bytes=b"out",
    stderr_bytes=b"",
    results=[Display({"text/plain": "1"}, is_main=True, metadata={})],
    error=ERROR,
    execution_count=1,
    execution_time=0.1,
    usage=Usage(0.1, 1),
    truncated=Truncated(),
    restarted=True,
    problem=ErrorInfo("output_limit", "Too much.", "Show less."),
)
COMMAND = CommandResult(0, None, b"", b"", 0.1, Truncated(), "success", Usage(0.1, 1))


@pytest.mark.parametrize(
    ("record", "schema"),
    [(ERROR, CodeErrorResponse), (RUN, RunResultResponse), (COMMAND, CommandResultResponse)],
)
def test_a_document_has_what_its_schema_says(record: object, schema: type[BaseModel]) -> None:
    document = json.loads(json.dumps(plain(record)))
    assert schema.model_validate(document).model_dump() == document
    assert schema.model_config.get("extra") == "forbid"


def test_a_file_has_what_its_schema_says() -> None:
    assert {*FileInfoResponse.model_fields} == {*FileInfo.__dataclass_fields__}
