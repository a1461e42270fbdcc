"""Results as JSON in pieces, so that a large one blocks nobody and is not copied whole."""

from __future__ import annotations

import base64
import codecs
import json
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from drybox.model import Event, ExecutionResult
from drybox.serialization import OutputRecord, Record

PIECE = 64 * 1024
"""Bytes of a piece, about."""

_STEP = 48 * 1024  # bytes that are encoded at once; a multiple of three, for base64
_DECODER = codecs.getincrementaldecoder("utf-8")


class Base64:
    """Bytes that a document has as text in base64.

    Args:
        content: The bytes.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content


def size_of(result: ExecutionResult) -> int:
    """Bytes that a result holds."""
    records: tuple[OutputRecord, ...] = (result, *result.phases)
    parts = [part for record in records for part in (record.stdout_bytes, record.stderr_bytes)]
    parts += result.artifacts.values()
    return sum({id(part): len(part) for part in parts}.values())  # some are there more than once


def result_pieces(result: ExecutionResult) -> Iterator[bytes]:
    """The same JSON as :func:`drybox.server.v1.request_schema.result_body`."""
    return _joined(_pieces(_lazy(result)))


def is_large(event: Event) -> bool:
    """Whether an event has so much output that it goes out in pieces."""
    if event.result is not None:
        return size_of(event.result) > PIECE
    outcome = event.outcome
    return outcome is not None and len(outcome.stdout_bytes) + len(outcome.stderr_bytes) > PIECE


def event_pieces(event: Event) -> Iterator[bytes]:
    """The same JSON as that of the event's ``to_dict``.

    Of one that is large.
    """
    document: dict[str, Any] = {"type": event.type, "id": event.id}
    if event.result is not None:
        document["result"] = _lazy(event.result)
    else:
        document |= {"phase": event.phase, "outcome": _plain(event.outcome)}
    return _joined(_pieces(document))


def document_pieces(document: Any) -> Iterator[bytes]:
    """A document of JSON's own types; bytes are text, :class:`Base64` is text in base64."""
    return _joined(_pieces(document))


def _lazy(result: ExecutionResult) -> dict[str, Any]:
    """A result's document, in which text is bytes yet."""
    document: dict[str, Any] = {
        "status": result.status,
        "stdout": result.stdout_bytes,
        "stderr": result.stderr_bytes,
    }
    for item in fields(result):
        if item.name not in ("status", "stdout", "stderr", "artifacts"):
            document[item.name] = _plain(getattr(result, item.name))
    contents = result.artifacts.items()
    document["artifacts"] = {path: Base64(content) for path, content in contents}
    return document


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        is_output = isinstance(value, OutputRecord)
        return {
            name: getattr(value, f"{name}_bytes")
            if is_output and name in ("stdout", "stderr")
            else _plain(getattr(value, name))
            for name in value.keys()  # noqa: SIM118
        }
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _pieces(value: Any) -> Iterator[bytes]:
    if isinstance(value, dict):
        separator = b"{"
        for name, item in value.items():
            yield separator + json.dumps(name, ensure_ascii=False).encode() + b": "
            yield from _pieces(item)
            separator = b", "
        yield b"}" if value else b"{}"
    elif isinstance(value, list):
        separator = b"["
        for item in value:
            yield separator
            yield from _pieces(item)
            separator = b", "
        yield b"]" if value else b"[]"
    elif isinstance(value, bytes):
        decoder = _DECODER("replace")
        yield b'"'
        for at in range(0, len(value) or 1, _STEP):
            text = decoder.decode(value[at : at + _STEP], final=at + _STEP >= len(value))
            yield json.dumps(text, ensure_ascii=False).encode()[1:-1]
        yield b'"'
    elif isinstance(value, str) and len(value) > _STEP:
        yield b'"'
        for at in range(0, len(value), _STEP):
            yield json.dumps(value[at : at + _STEP]).encode()[1:-1]
        yield b'"'
    elif isinstance(value, Base64):
        yield b'"'
        for at in range(0, len(value.content), _STEP):
            yield base64.b64encode(value.content[at : at + _STEP])
        yield b'"'
    elif isinstance(value, str):
        yield json.dumps(value).encode()  # ASCII: names of files may be no text
    else:
        yield json.dumps(value, ensure_ascii=False).encode()


def _joined(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in fewer pieces."""
    joined = bytearray()
    for piece in pieces:
        joined += piece
        if len(joined) >= PIECE:
            yield bytes(joined)
            joined.clear()
    if joined:
        yield bytes(joined)
