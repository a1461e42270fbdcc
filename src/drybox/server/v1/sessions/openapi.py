"""Sessions in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from drybox.server.transport.openapi import RUNS, as_json, gives, named, takes
from drybox.server.v1.sessions.request_schema import (
    CommandRequest,
    LanguageRequest,
    OpenSessionRequest,
    PatchSessionRequest,
    RunRequest,
    SignalRequest,
)
from drybox.server.v1.sessions.response_schema import (
    CommandResultResponse,
    FileInfoResponse,
    ProcessResponse,
    RunResultResponse,
    SessionEventResponse,
    SessionResponse,
    SnapshotResponse,
    StartedResponse,
)

TAKEN = (
    OpenSessionRequest,
    PatchSessionRequest,
    RunRequest,
    CommandRequest,
    LanguageRequest,
    SignalRequest,
)
GIVEN = (
    SessionResponse,
    RunResultResponse,
    CommandResultResponse,
    SessionEventResponse,
    FileInfoResponse,
    ProcessResponse,
    SnapshotResponse,
    StartedResponse,
)

_LOOKS = (400, 401, 403, 404, 410, 413, 422, 429, 500, 503)
_ALL = (*RUNS, 404, 410)
_FILES = (*_LOOKS, 408, 409, 507)
_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_MODE = "^0?[0-7]{1,3}$"
_SESSION = as_json(named(SessionResponse))


def _parameters(*names: str) -> dict[str, Any]:
    """Path parameters of an operation."""
    return {
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in names
        ]
    }


def _operation(
    words: str,
    content: dict[str, Any],
    problems: tuple[int, ...],
    *,
    status: int = 200,
    path: tuple[str, ...] = ("id",),
    **more: Any,
) -> dict[str, Any]:
    """What an operation says of itself."""
    responses = gives(words, content, *problems)
    responses[status] = responses.pop(200)
    return {"responses": responses, "openapi_extra": {**_parameters(*path), **more}}


def _one(value: dict[str, Any], words: str) -> dict[str, Any]:
    """One example."""
    return {"one": {"summary": words, "value": value}}


OPEN = _operation(
    "The session.",
    _SESSION,
    (*RUNS, 404, 507),
    status=201,
    path=(),
    **takes(
        OpenSessionRequest,
        _one({"language": "python", "idle_timeout": 60, "metadata": {"for": "a test"}}, "Python"),
    ),
)
LIST = _operation(
    "The sessions, the oldest first.",
    as_json({"type": "array", "items": named(SessionResponse)}),
    (401, 403, 429, 500),
    path=(),
)
SHOW = _operation("The session.", _SESSION, _LOOKS)
PATCH = _operation(
    "The session, changed.",
    _SESSION,
    (*_LOOKS, 408),
    **takes(PatchSessionRequest, _one({"expires_in": 600}, "Ten minutes more")),
)
CLOSE = _operation("It is closed.", {}, _LOOKS, status=204)
_LANGUAGE = takes(LanguageRequest, _one({"language": "python"}, "Python alone"))
_LANGUAGE["requestBody"]["required"] = False
INTERRUPT = _operation("The session.", _SESSION, (*_LOOKS, 408), **_LANGUAGE)
RESTART = _operation("The session.", _SESSION, (*_LOOKS, 408), **_LANGUAGE)
PAUSE = _operation("The session, paused.", _SESSION, _LOOKS)
RESUME = _operation("The session.", _SESSION, _LOOKS)
SNAPSHOT = _operation(
    "The snapshot.", as_json(named(SnapshotResponse)), (*_LOOKS, 507, 409), status=201
)
LIST_SNAPSHOTS = _operation(
    "Your snapshots, the oldest first.",
    as_json({"type": "array", "items": named(SnapshotResponse)}),
    (401, 403, 429, 500),
    path=(),
)
REMOVE_SNAPSHOT = _operation(
    "It is gone.", {}, (401, 403, 404, 422, 429, 500, 501, 503), status=204
)
_CODE = takes(RunRequest, _one({"code": "x = 6\nx * 7", "timeout": 5}, "State and a value"))
RUN = _operation("What became of it.", as_json(named(RunResultResponse)), _ALL, **_CODE)
STREAM = _operation(
    "Messages named by the type of their event, each with a `SessionEvent` as its data.",
    {
        "text/event-stream": {
            "itemSchema": {
                "type": "object",
                "required": ["event", "data"],
                "properties": {
                    "event": {"type": "string"},
                    "data": {
                        "type": "string",
                        "contentMediaType": "application/json",
                        "contentSchema": named(SessionEventResponse),
                    },
                },
            }
        }
    },
    _ALL,
    **_CODE,
)
COMMAND = _operation(
    "What became of it.",
    as_json(named(CommandResultResponse)),
    _ALL,
    **takes(CommandRequest, _one({"command": "ls -la | wc -l"}, "A line")),
)
COMMAND["responses"][201] = {
    "description": "It runs in the background.",
    "content": as_json(named(StartedResponse)),
}
COMMANDS = _operation(
    "What runs, and the last few that have ended.",
    as_json({"type": "array", "items": named(ProcessResponse)}),
    _LOOKS,
)
SIGNAL = _operation(
    "The command.",
    as_json(named(ProcessResponse)),
    (*_LOOKS, 408),
    path=("id", "pid"),
    **takes(SignalRequest, _one({"signal": "SIGTERM"}, "Ask it to end")),
)
LIST_FILES = _operation(
    "What is in the folder, by path.",
    as_json({"type": "array", "items": named(FileInfoResponse)}),
    _FILES,
)
LIST_FILES["openapi_extra"]["parameters"] += [
    {"name": "path", "in": "query", "schema": {"type": "string", "default": "."}},
    {
        "name": "depth",
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "maximum": 32, "default": 1},
    },
]
READ_FILE = _operation("Its bytes.", _BYTES, _FILES, path=("id", "path"))
READ_FILE["responses"][200]["headers"] = {
    "X-File-Mode": {
        "description": "Its permission bits, in octal digits.",
        "schema": {"type": "string", "pattern": _MODE},
    }
}
WRITE_FILE = _operation(
    "The file.",
    as_json(named(FileInfoResponse)),
    _FILES,
    path=("id", "path"),
    requestBody={"content": _BYTES},
)
WRITE_FILE["openapi_extra"]["parameters"] += [
    {
        "name": "mode",
        "in": "query",
        "description": "Permission bits in octal digits, 755 for a program. Without, a new file has"
        " 644, and one that was there keeps its own.",
        "schema": {"type": "string", "pattern": _MODE},
    }
]
REMOVE_FILE = _operation("It is gone.", {}, _FILES, status=204, path=("id", "path"))
