"""What a kernel answers, made of bytes that nobody trusts."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from drybox.sessions.kernels.base import MAX_LINE
from drybox.sessions.results import CodeError, Completions, Display

MAX_WORD = 4096
"""Characters of a name or a MIME type."""

MAX_PARTS = 500_000
"""Marks of lists, objects and their items in one line: reading so many holds the event loop for
about 35 ms, where a line of nothing else would hold it for more than a second."""


class Answers:
    """Documents out of pieces, a line each. Lines that are none are let go."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._skips = False

    def take(self, data: bytes) -> list[dict[str, Any]]:
        """Take a piece; the documents that it completes."""
        found: list[dict[str, Any]] = []
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            line = bytes(self._rest) + data[start:end]
            self._rest.clear()
            start = end + 1
            if self._skips:
                self._skips = False
                continue
            document = _parse(line)
            if document is not None:
                found.append(document)
        if not self._skips:
            self._rest += data[start:]
        if len(self._rest) > MAX_LINE:
            self._rest.clear()
            self._skips = True
        return found


def _parse(line: bytes) -> dict[str, Any] | None:
    if sum(map(line.count, (b"[", b"{", b","))) > MAX_PARTS:
        return None
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def word(document: dict[str, Any], name: str) -> str:
    """A text of a document; "" where there is none."""
    value = document.get(name)
    return value if isinstance(value, str) else ""


def display_of(document: dict[str, Any], *, is_main: bool) -> Display:
    """What code shows: forms by MIME type, binary ones decoded."""
    data: dict[str, str | bytes] = {}
    forms = document.get("data")
    for mime, form in forms.items() if isinstance(forms, dict) else ():
        if isinstance(form, str):
            data[mime[:MAX_WORD]] = form
        elif isinstance(form, dict) and isinstance(form.get("base64"), str):
            try:
                data[mime[:MAX_WORD]] = base64.b64decode(form["base64"], validate=True)
            except (binascii.Error, ValueError):
                continue
    metadata = document.get("metadata")
    return Display(data, is_main, metadata if isinstance(metadata, dict) else {})


def error_of(document: dict[str, Any]) -> CodeError:
    """What code has raised."""
    words = (word(document, name) for name in ("value", "traceback", "coloured"))
    return CodeError(word(document, "name")[:MAX_WORD], *words)


def completions_of(document: dict[str, Any]) -> Completions:
    """How code may go on."""
    matches = document.get("matches")
    start, end = document.get("start"), document.get("end")
    if not isinstance(matches, list) or not isinstance(start, int) or not isinstance(end, int):
        return Completions()
    return Completions(tuple(str(match) for match in matches[:1000]), start, end)
