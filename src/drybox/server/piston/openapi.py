"""Piston's routes in the OpenAPI document."""

from __future__ import annotations

from typing import Any

_TEXT: dict[str, Any] = {"type": "string"}
_LIMIT: dict[str, Any] = {
    "anyOf": [{"type": ["number", "null"]}, {"enum": [False, ""]}],
    "description": "False and empty text count as left out, as with Piston itself.",
}
_COUNT: dict[str, Any] = {"type": ["integer", "null"]}
_MAYBE: dict[str, Any] = {"type": ["string", "null"]}

_MESSAGE = {"type": "object", "required": ["message"], "properties": {"message": _TEXT}}

_STAGE: dict[str, Any] = {
    "type": "object",
    "required": ["stdout", "stderr", "output", "code", "signal", "message", "status"],
    "properties": {
        "stdout": _TEXT,
        "stderr": _TEXT,
        "output": {**_TEXT, "description": "Both, in the order they came."},
        "code": {**_COUNT, "description": "Exit code, or null if a signal ended it."},
        "signal": _MAYBE,
        "message": _MAYBE,
        "status": {
            "enum": ["RE", "SG", "TO", "OL", "EL", "XX", None],
            "description": "Null if it ended with 0; RE another exit code, SG a signal, TO time,"
            " OL stdout too long, EL stderr too long, XX the sandbox failed.",
        },
        "cpu_time": {**_COUNT, "description": "Milliseconds."},
        "wall_time": {**_COUNT, "description": "Milliseconds."},
        "memory": {**_COUNT, "description": "Most bytes at once."},
    },
}

_REQUEST: dict[str, Any] = {
    "type": "object",
    "required": ["language", "version", "files"],
    "properties": {
        "language": {**_TEXT, "description": "Name or alias."},
        "version": {**_TEXT, "description": "A range as npm takes it, such as * or 3.x."},
        "files": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["content"],
                "properties": {
                    "name": _TEXT,
                    "content": _TEXT,
                    "encoding": {"enum": ["utf8", "base64", "hex"]},
                },
            },
        },
        "stdin": _MAYBE,
        "args": {"type": ["array", "null"], "items": _TEXT},
        **{
            f"{stage}_{what}": _LIMIT
            for stage in ("compile", "run")
            for what in ("timeout", "cpu_time", "memory_limit")
        },
    },
}

_FAILURES = {
    400: "The request is wrong.",
    401: "A key is needed.",
    403: "This is not allowed.",
    408: "The request took too long to arrive.",
    413: "The request is too large.",
    415: "The body is not declared as JSON.",
    429: "Too many requests.",
    500: "drybox failed.",
    503: "No sandbox could be had.",
}


def _responses(schema: dict[str, Any], *failures: int) -> dict[int | str, dict[str, Any]]:
    refused = {"application/json": {"schema": _MESSAGE}}
    return {
        200: {"description": "Done.", "content": {"application/json": {"schema": schema}}},
        **{code: {"description": _FAILURES[code], "content": refused} for code in failures},
    }


EXECUTE: dict[str, Any] = {
    "responses": _responses(
        {
            "type": "object",
            "required": ["run", "language", "version"],
            "properties": {"run": _STAGE, "compile": _STAGE, "language": _TEXT, "version": _TEXT},
        },
        *_FAILURES,
    ),
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": _REQUEST,
                    "example": {
                        "language": "python",
                        "version": "*",
                        "files": [{"name": "hello.py", "content": "print(input())"}],
                        "stdin": "Hello!",
                        "run_timeout": 3000,
                    },
                }
            },
        }
    },
}

RUNTIMES: dict[str, Any] = {
    "responses": _responses(
        {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["language", "version", "aliases"],
                "properties": {
                    "language": _TEXT,
                    "version": _TEXT,
                    "aliases": {"type": "array", "items": _TEXT},
                    "runtime": _TEXT,
                },
            },
        },
        *(401, 403, 429, 500),
    )
}

PACKAGES: dict[str, Any] = {
    "responses": _responses(
        {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["language", "language_version", "installed"],
                "properties": {
                    "language": _TEXT,
                    "language_version": _TEXT,
                    "installed": {"const": True},
                },
            },
        },
        *(401, 403, 429, 500),
    )
}

NO_PACKAGES: dict[str, Any] = {
    "status_code": 404,
    "responses": {
        404: {
            "description": "Packages are not managed here.",
            "content": {"application/json": {"schema": _MESSAGE}},
        }
    },
}
