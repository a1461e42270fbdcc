"""The OpenAPI document: what FastAPI finds in the routes, and the bodies they read themselves."""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from drybox.http import answers
from drybox.http.problems import KINDS, MEDIA_TYPE
from drybox.http.schema import WireEof, WireKill, WireRequest, WireStdin
from drybox.http.service import Service
from drybox.languages import known_languages
from drybox.settings import ServerSettings

REF = "#/components/schemas/"

TAKEN: tuple[type[BaseModel], ...] = (WireRequest, WireStdin, WireEof, WireKill)
GIVEN: tuple[type[BaseModel], ...] = (
    answers.WireResult,
    answers.WireEvent,
    answers.WireLanguage,
    answers.WireState,
    answers.WireProblem,
)

INTRODUCTION = """
Runs code that you do not trust, each time in a sandbox of its own.

Whatever a program does is a result with status 200. Everything else is a problem document
(RFC 9457) with a `hint` that says what to do. With keys configured, send
`Authorization: Bearer KEY`.

`GET /v1/execute/ws` is a WebSocket: its first message is the request (`ExecutionRequest`), the
next ones are `Stdin`, `Eof` or `Kill`; what comes back are events (`Event`), each one message.
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

RUNS = (400, 401, 403, 408, 413, 422, 429, 500, 503)
"""Statuses of what can go wrong where a program is to run."""


def named(model: type[BaseModel]) -> dict[str, str]:
    """A reference to a model's schema."""
    return {"$ref": REF + _name(model.__name__)}


def as_json(schema: dict[str, Any]) -> dict[str, Any]:
    """The content of an answer in JSON."""
    return {"application/json": {"schema": schema}}


def takes(model: type[BaseModel], examples: dict[str, Any]) -> dict[str, Any]:
    """What an operation says of a body of JSON that its handler reads itself."""
    content = {"application/json": {"schema": named(model), "examples": examples}}
    return {"requestBody": {"required": True, "content": content}}


def gives(words: str, content: dict[str, Any], *problems: int) -> dict[int | str, dict[str, Any]]:
    """What an operation says of its answers.

    Args:
        words: What the right answer is.
        content: Its content, by media type.
        problems: Statuses of the others.
    """
    found: dict[int | str, dict[str, Any]] = {200: {"description": words, "content": content}}
    for status in problems:
        titles = [f"`{kind}`: {title}" for kind, (code, title) in KINDS.items() if code == status]
        content = {MEDIA_TYPE: {"schema": named(answers.WireProblem)}}
        found[status] = {"description": "; ".join(titles), "content": content}
        if status in (429, 503):
            seconds = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
            found[status]["headers"] = {"Retry-After": seconds}
    return found


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
    models = [(model, "validation") for model in TAKEN] + [
        (model, "serialization") for model in GIVEN
    ]
    _, found = models_json_schema(models, ref_template=REF + "{model}")  # type: ignore[arg-type]
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas.update(_renamed(found["$defs"]))
    schemas["ExecutionRequest"]["properties"]["language"].update(_languages())
    wall = [{"type": "string", "enum": service.executor.walls()}, {"type": "null"}]
    schemas["ExecutionRequest"]["properties"]["isolation"]["anyOf"] = wall
    _lower_ceilings(schemas, service.settings)
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{}, {"key": []}]
    return document


def _lower_ceilings(schemas: dict[str, Any], settings: ServerSettings) -> None:
    """What this server's operator allows."""
    timeout = schemas["ExecutionRequest"]["properties"]["timeout"]
    timeout["anyOf"][0]["maximum"] = settings.max_timeout
    for name, field in schemas["Limits"]["properties"].items():
        field["anyOf"][0]["maximum"] = getattr(settings.max_limits, name)


def _languages() -> dict[str, Any]:
    words = [word for item in known_languages().values() for word in (item.name, *item.aliases)]
    return {"pattern": f"^({'|'.join(words)})(@[0-9]+([.][0-9]+)*)?$"}


def _name(wire: str) -> str:
    """What people call a model."""
    name = wire.removeprefix("Wire")
    return {"Request": "ExecutionRequest", "Result": "ExecutionResult"}.get(name, name)


def _renamed(schemas: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(schemas)
    for name in schemas:
        text = text.replace(f'"{REF}{name}"', f'"{REF}{_name(name)}"')
    named: dict[str, Any] = json.loads(text)
    for name, schema in named.items():
        schema["title"] = _name(name)
    return {_name(name): schema for name, schema in named.items()}
