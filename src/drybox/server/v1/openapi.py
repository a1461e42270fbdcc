"""The OpenAPI document: FastAPI's, with the bodies that the routes read themselves."""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from drybox.languages.registry import known_languages
from drybox.server.transport.openapi import REF, ProblemResponse, component_name
from drybox.server.v1 import response_schema
from drybox.server.v1.request_schema import EofRequest, ExecuteRequest, KillRequest, StdinRequest
from drybox.server.v1.sessions import openapi as sessions
from drybox.service.service import Service
from drybox.settings import ServerSettings

TAKEN: tuple[type[BaseModel], ...] = (
    ExecuteRequest,
    StdinRequest,
    EofRequest,
    KillRequest,
    *sessions.TAKEN,
)
GIVEN: tuple[type[BaseModel], ...] = (
    response_schema.ResultResponse,
    response_schema.EventResponse,
    response_schema.LanguageResponse,
    response_schema.ResourceLimitsResponse,
    response_schema.DefaultsResponse,
    response_schema.EnvironmentResponse,
    response_schema.PreparationResponse,
    response_schema.StateResponse,
    *sessions.GIVEN,
    ProblemResponse,
)

INTRODUCTION = """
Runs code that you do not trust, each time in a sandbox of its own.

Whatever a program does is a result with status 200. Everything else is a problem document
(RFC 9457) with a `hint` that says what to do. With keys configured, send
`Authorization: Bearer KEY`.

`GET /v1/execute/ws` is a WebSocket: its first message is the request (`ExecutionRequest`), the
next ones are `Stdin`, `Eof` or `Kill`; what comes back are events (`Event`), each one message.

A session's command has a WebSocket too, `GET /v1/sessions/{id}/commands/{pid}/ws`: it takes
`Stdin`, `Eof`, `Kill`, `{"type": "resize", "columns", "rows"}` and `{"type": "signal", "signal"}`.
"""

EXAMPLES = {
    "code": {
        "summary": "A program",
        "value": {"language": "python", "code": "print('Hello, World!')"},
    },
    "input": {
        "summary": "Arguments, input and limits",
        "value": {
            "language": "python",
            "code": "import sys; print(sys.argv[1:], sys.stdin.read())",
            "args": ["first", "second"],
            "stdin": "some text",
            "timeout": 5,
            "limits": {"memory": "128MiB", "cpus": 0.5},
        },
    },
    "files": {
        "summary": "Several files, and one that comes back",
        "value": {
            "language": "node",
            "files": [
                {
                    "path": "main.js",
                    "content": "const data = require('./data.json');\n"
                    "require('fs').writeFileSync('out.txt', String(data.n + 1));\n",
                },
                {"path": "data.json", "content": "eyJuIjogMX0=", "encoding": "base64"},
            ],
            "entrypoint": "main.js",
            "artifacts": ["*.txt"],
        },
    },
}
"""Requests that are right; a test runs them."""

EVENT_STREAM = {
    "itemSchema": {
        "type": "object",
        "required": ["event", "data"],
        "properties": {
            "event": {"type": "string", "description": "The event's `type`."},
            "data": {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": {"$ref": REF + "Event"},
            },
        },
    }
}
"""What the document says of a stream of server-sent events."""


def describe(app: FastAPI, service: Service) -> None:
    """Give an application its document; it is made when it is first asked for."""

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            app.openapi_schema = _document(app, service)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _document(app: FastAPI, service: Service) -> dict[str, Any]:
    document = get_openapi(
        title=app.title, version=app.version, description=INTRODUCTION, routes=app.routes
    )
    document["servers"] = [{"url": "."}]  # from where the document is, so below any path
    models = [(model, "validation") for model in TAKEN] + [
        (model, "serialization") for model in GIVEN
    ]
    _, found = models_json_schema(models, ref_template=REF + "{model}")  # type: ignore[arg-type]
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas.update(_renamed(found["$defs"]))
    schemas["ExecutionRequest"]["properties"]["language"].update(_languages())
    isolation = [{"type": "string", "enum": service.executor.isolations()}, {"type": "null"}]
    schemas["ExecutionRequest"]["properties"]["isolation"]["anyOf"] = isolation
    _lower_limits(schemas, service.settings)
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{}, {"key": []}]
    return document


def _lower_limits(schemas: dict[str, Any], settings: ServerSettings) -> None:
    """What this server's operator allows."""
    timeout = schemas["ExecutionRequest"]["properties"]["timeout"]
    timeout["anyOf"][0]["maximum"] = settings.max_timeout
    for name, field in schemas["Limits"]["properties"].items():
        field["anyOf"][0]["maximum"] = getattr(settings.max_limits, name)


def _languages() -> dict[str, Any]:
    words = [word for item in known_languages().values() for word in (item.name, *item.aliases)]
    return {"pattern": f"^({'|'.join(words)})(@[0-9]+([.][0-9]+)*)?$"}


def _renamed(schemas: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(schemas)
    for name in schemas:
        text = text.replace(f'"{REF}{name}"', f'"{REF}{component_name(name)}"')
    named: dict[str, Any] = json.loads(text)
    for name, schema in named.items():
        schema["title"] = component_name(name)
    return {component_name(name): schema for name, schema in named.items()}
