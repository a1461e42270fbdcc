"""SandboxFusion's routes in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from drybox.server.sandbox_fusion.schema import RunCode
from drybox.server.transport.openapi import RUNS, as_json, gives

_TEXT: dict[str, Any] = {"type": "string"}

_COMMAND: dict[str, Any] = {
    "anyOf": [
        {
            "type": "object",
            "required": ["status", "execution_time", "return_code", "stdout", "stderr"],
            "properties": {
                "status": {"enum": ["Finished", "Error", "TimeLimitExceeded"]},
                "execution_time": {"type": "number", "description": "Wall seconds."},
                "cpu_time": {"type": ["number", "null"], "description": "CPU seconds."},
                "return_code": {
                    "type": ["integer", "null"],
                    "description": "Null at a time limit; a signal is its number, negative.",
                },
                "stdout": _TEXT,
                "stderr": _TEXT,
            },
        },
        {"type": "null"},
    ]
}

_ANSWER: dict[str, Any] = {
    "type": "object",
    "required": ["status", "message", "compile_result", "run_result", "files"],
    "properties": {
        "status": {"enum": ["Success", "Failed", "SandboxError"]},
        "message": _TEXT,
        "compile_result": _COMMAND,
        "run_result": _COMMAND,
        "executor_pod_name": _TEXT,
        "files": {
            "type": "object",
            "additionalProperties": _TEXT,
            "description": "Contents in base64 by path.",
        },
    },
}

_EXAMPLE = {
    "language": "python",
    "code": "print(int(input()) * 7)",
    "stdin": "6",
    "compile_timeout": 10,
    "run_timeout": 5,
    "memory_limit_MB": -1,
}

PING: dict[str, Any] = {"responses": gives("Alive.", as_json({"const": "pong"}))}

RUN_CODE: dict[str, Any] = {
    "responses": gives("What became of the program.", as_json(_ANSWER), *RUNS, 504),
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": RunCode.model_json_schema(), "example": _EXAMPLE}
            },
        }
    },
}
