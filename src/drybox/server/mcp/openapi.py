"""MCP's route in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from drybox.server.transport.openapi import RUNS, as_json, gives

_MESSAGE: dict[str, Any] = {
    "type": "object",
    "required": ["jsonrpc"],
    "properties": {"jsonrpc": {"const": "2.0"}},
}

_EXAMPLE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "run_code", "arguments": {"code": "print(6 * 7)"}},
}

_ANSWERS = gives("A message of JSON-RPC.", as_json(_MESSAGE), *RUNS)
_ANSWERS[400]["content"] |= as_json(_MESSAGE)  # the SDK's own

MCP: dict[str, Any] = {
    "responses": {
        **_ANSWERS,
        202: {"description": "A notification was taken."},
        404: {"description": "The server has no MCP."},
        406: {"description": "The client takes no answer of a kind that there is."},
    },
    "openapi_extra": {
        "parameters": [
            {
                "name": "Accept",
                "in": "header",
                "required": True,
                "schema": {"const": "application/json, text/event-stream"},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _MESSAGE, "example": _EXAMPLE}},
        },
    },
}
