"""The schemas of what is said of sessions, for the OpenAPI document.

``documents`` writes the documents themselves.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from drybox.server.transport.openapi import ProblemResponse, ResponseModel
from drybox.server.v1.response_schema import (
    Count,
    ErrorResponse,
    Seconds,
    TruncatedResponse,
    UsageResponse,
)
from drybox.sessions.base import SessionState
from drybox.sessions.results import CommandStatus, FileType, RunStatus


class SessionResponse(ResponseModel):
    """A session: a sandbox that its owner keeps."""

    id: str
    language: str
    version: str
    environment: str | None
    isolation: str
    backend: str
    weakened: list[str]
    state: SessionState
    created_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    expires_at: Annotated[
        str,
        Field(
            json_schema_extra={"format": "date-time"},
            description="When it is closed unless something is asked of it.",
        ),
    ]
    idle_timeout: Seconds
    metadata: dict[str, str]


class DisplayResponse(ResponseModel):
    """Something that code showed."""

    data: Annotated[
        dict[str, str], Field(description="Text by MIME type; of pictures and the like base64.")
    ]
    is_main: Annotated[bool, Field(description="The value of the last expression.")]
    metadata: dict[str, Any]


class CodeErrorResponse(ResponseModel):
    """What code raised."""

    name: str
    value: str
    traceback: str
    coloured: Annotated[str, Field(description="The traceback with ANSI sequences, or nothing.")]


class RunResultResponse(ResponseModel):
    """What became of code."""

    status: RunStatus
    stdout: str
    stderr: str
    results: list[DisplayResponse]
    error: CodeErrorResponse | None
    execution_count: Count
    execution_time: Seconds
    usage: UsageResponse
    truncated: TruncatedResponse
    restarted: Annotated[bool, Field(description="The language's state is lost.")]
    exit_code: int | None
    problem: ErrorResponse | None


class CommandResultResponse(ResponseModel):
    """What became of a command."""

    status: CommandStatus
    stdout: str
    stderr: str
    exit_code: int | None
    signal: str | None
    execution_time: Seconds
    truncated: TruncatedResponse
    usage: UsageResponse


class StartedResponse(ResponseModel):
    """A command in the background."""

    pid: int


class ProcessResponse(ResponseModel):
    """A command in the background, and what became of it if it has ended."""

    pid: int
    command: list[str]
    terminal: bool
    started_at: str
    result: CommandResultResponse | None


class SessionEventResponse(ResponseModel):
    """Something that happened while code or a command ran. Of `error`, the code's own or ours."""

    type: Literal["stdout", "stderr", "display", "error", "input", "result", "exit"]
    data: str | None = None
    display: DisplayResponse | None = None
    error: CodeErrorResponse | None = None
    result: RunResultResponse | CommandResultResponse | None = None
    problem: ProblemResponse | None = None


class FileInfoResponse(ResponseModel):
    """A file of a session."""

    path: str
    name: str
    type: FileType
    size: Count
    mode: int
    modified_at: float
    target: str | None


class SnapshotResponse(ResponseModel):
    """The files of a session at one moment."""

    id: str
    size: Count
    files: Count
    created_at: float
    left_out: list[str]
