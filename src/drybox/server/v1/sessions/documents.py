"""Sessions, results and events as JSON, made in pieces while they are sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from fastapi import Response

from drybox.serialization import Record, plain
from drybox.server.transport.piece_response import PieceResponse
from drybox.service.json_pieces import PIECE, Base64, document_pieces
from drybox.service.memory_budget import Reservation
from drybox.service.sessions import OwnedSession
from drybox.sessions.base import AsyncProcess
from drybox.sessions.results import (
    CommandResult,
    Display,
    RunResult,
    SessionEvent,
    result_size,
)

Result = RunResult | CommandResult


def session_document(owned: OwnedSession) -> dict[str, Any]:
    """A session."""
    session = owned.session
    return {
        "id": session.id,
        "language": session.language,
        "version": session.version,
        "environment": session.environment,
        "isolation": session.isolation,
        "backend": session.backend,
        "weakened": list(session.weakened),
        "state": session.state,
        "created_at": session.created_at.isoformat(),
        "expires_at": session.expires_at.isoformat(),
        "idle_timeout": session.idle_timeout,
        "metadata": dict(session.metadata),
    }


def process_document(process: AsyncProcess) -> dict[str, Any]:
    """A process of a session."""
    result = process.result
    return {
        "pid": process.pid,
        "command": list(process.command),
        "terminal": process.terminal,
        "started_at": process.started_at.isoformat(),
        "result": None if result is None else result_document(result),
    }


def process_size(process: AsyncProcess) -> int:
    """Bytes that what is known of a process holds, about."""
    result = process.result
    return sum(map(len, process.command)) + (0 if result is None else result_size(result))


def result_document(result: Result) -> dict[str, Any]:
    """A result; texts of programs and pictures are bytes yet."""
    document: dict[str, Any] = {
        "status": result.status,
        "stdout": result.stdout_bytes,
        "stderr": result.stderr_bytes,
    }
    for item in fields(result):
        if item.name not in ("status", "stdout_bytes", "stderr_bytes"):
            document[item.name] = _lazy(getattr(result, item.name))
    return document


def event_pieces(event: SessionEvent) -> Iterator[bytes]:
    """An event."""
    document: dict[str, Any] = {"type": event.type}
    if event.type in ("stdout", "stderr", "input"):
        document["data"] = event.data
    for name in ("display", "error", "result"):
        value = getattr(event, name)
        if value is not None:
            document[name] = _lazy(value)
    return document_pieces(document)


def has_payload(event: SessionEvent) -> bool:
    """Whether an event has something to say: bytes that are half a character are no text yet."""
    return bool(event.data) or event.type not in ("stdout", "stderr")


def json_response(document: Any, status: int = 200) -> Response:
    """A document that is small."""
    return Response(b"".join(document_pieces(document)), status, media_type="application/json")


def result_response(result: Result, room: Reservation) -> Response:
    """A result; the memory that it holds is given back once it is sent."""
    size = result_size(result)
    if size > PIECE:
        room.try_resize(size)
        return PieceResponse(document_pieces(result_document(result)), room)
    room.release()
    return json_response(result_document(result))


def _lazy(value: Any) -> Any:
    if isinstance(value, (RunResult, CommandResult)):
        return result_document(value)
    if isinstance(value, Display):
        data = {
            mime: Base64(form) if isinstance(form, bytes) else form
            for mime, form in value.data.items()
        }
        return {"data": data, "is_main": value.is_main, "metadata": dict(value.metadata)}
    if isinstance(value, (list, tuple)):
        return [_lazy(item) for item in value]
    return plain(value) if isinstance(value, Record) else value
