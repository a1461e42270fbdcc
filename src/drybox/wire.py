"""The JSON form of results and events, the same for every front door."""

from __future__ import annotations

import base64
from dataclasses import fields
from typing import Any

from drybox.model import Event, ExecutionResult, Record


def result_document(result: ExecutionResult) -> dict[str, Any]:
    """A result as JSON's own types: output as text, artifacts as base64."""
    document: dict[str, Any] = {
        "status": result.status,
        "stdout": result.stdout,
        "stderr": result.stderr,
    }
    for item in fields(result):
        if item.name not in ("status", "stdout_bytes", "stderr_bytes", "artifacts"):
            document[item.name] = plain(getattr(result, item.name))
    document["artifacts"] = {
        path: base64.b64encode(content).decode("ascii")
        for path, content in result.artifacts.items()
    }
    return document


def event_document(event: Event) -> dict[str, Any]:
    """An event as JSON's own types, with the fields that its type has."""
    document: dict[str, Any] = {"type": event.type, "id": event.id}
    if event.phase is not None:
        document["phase"] = event.phase
    if event.type == "phase":
        document["outcome"] = plain(event.outcome)
    elif event.result is not None:
        document["result"] = result_document(event.result)
    elif event.type != "start":
        document["data"] = event.data
    return document


def plain(value: Any) -> Any:
    """A record, or a list of them, as dictionaries and lists."""
    if isinstance(value, Record):
        return {name: plain(getattr(value, name)) for name in value.keys()}  # noqa: SIM118
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
