"""What a kernel answers, made of bytes that nobody trusts."""

from __future__ import annotations

import base64
import binascii
import json
from itertools import islice
from typing import Any, TypeGuard

from drybox.sessions.kernels.base import MAX_LINE
from drybox.sessions.results import MAX_METADATA, CodeError, Completions, Display

MAX_WORD = 4096
"""Characters of a name or a MIME type."""

MAX_PARTS = 500_000
"""Marks of lists, objects and their items in one line: reading so many holds the event loop for
about 35 ms, where a line of nothing else would hold it for more than a second."""


MAX_NUMBERS = 50_000
"""Numbers in one line: each costs as much as several other parts, and a long one far more."""

MAX_DIGITS = 400
"""Characters of one of them."""

MAX_NAMES = 50_000
"""Names in objects of one line: each costs as much as ten other parts. Those in a text that is JSON
itself are counted, too."""

MAX_FORMS = 64
"""MIME types of one display."""


class Answers:
    """Documents out of pieces, a line each. Lines that are none are let go.

    Attributes:
        has_lost: Whether a line was too large to be read; whoever has told of it sets it back.
    """

    def __init__(self) -> None:
        self.has_lost = False
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
            if _is_large(line):
                self.has_lost = True
                continue
            try:
                document = _parse(line)
            except _TooManyNumbers:
                self.has_lost = True
                continue
            if document is not None:
                found.append(document)
        if not self._skips:
            self._rest += data[start:]
        if len(self._rest) > MAX_LINE:
            self._rest.clear()
            self._skips = self.has_lost = True
        return found

    def skip(self, data: bytes) -> None:
        """A piece that nobody wants to know anything of; the next line begins where one does."""
        self._rest.clear()
        self._skips = data[-1:] != b"\n"


_BEFORE_VALUES = (b'":', b" :", b"\t:", b"\r:")
"""What a name ends with, as JSON may be written."""


def _is_large(line: bytes) -> bool:
    parts = sum(map(line.count, (b"[", b"{", b",")))
    names = sum(map(line.count, _BEFORE_VALUES))
    return len(line) > MAX_LINE or parts > MAX_PARTS or names > MAX_NAMES


class _TooManyNumbers(Exception):
    """A line has more of them than anything has that code shows."""


def _parse(line: bytes) -> dict[str, Any] | None:
    left = MAX_NUMBERS

    def count(text: str) -> None:
        nonlocal left
        left -= 1
        if left < 0 or len(text) > MAX_DIGITS:
            raise _TooManyNumbers

    def whole(text: str) -> int:
        count(text)
        return int(text)

    def broken(text: str) -> float:
        count(text)
        return float(text)

    try:
        document = json.loads(line, parse_int=whole, parse_float=broken)
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
    for mime, form in islice(forms.items() if isinstance(forms, dict) else (), MAX_FORMS):
        if isinstance(form, str):
            data[mime[:MAX_WORD]] = form
        elif isinstance(form, dict) and isinstance(form.get("base64"), str):
            try:
                data[mime[:MAX_WORD]] = base64.b64decode(form["base64"], validate=True)
            except (binascii.Error, ValueError):
                continue
    metadata = document.get("metadata")
    if not isinstance(metadata, dict) or _cost(metadata, MAX_METADATA) > MAX_METADATA:
        metadata = {}
    return Display(data, is_main, metadata)


def _cost(value: object, most: int) -> int:
    """Bytes of memory that a value of JSON takes, about; counted until they are more than that."""
    cost = 64
    if isinstance(value, str):
        cost += len(value)
    elif isinstance(value, int):
        cost += value.bit_length() // 8
    elif isinstance(value, (dict, list)):
        pairs = value.items() if isinstance(value, dict) else (("", item) for item in value)
        for name, item in pairs:
            cost += len(name) + _cost(item, most - cost)
            if cost > most:
                break
    return cost


def error_of(document: dict[str, Any]) -> CodeError:
    """What code has raised."""
    words = (word(document, name) for name in ("value", "traceback", "coloured"))
    return CodeError(word(document, "name")[:MAX_WORD], *words)


def _is_place(value: object) -> TypeGuard[int]:
    """Whether it is a place in a text of code."""
    return type(value) is int and 0 <= value <= MAX_LINE


def completions_of(document: dict[str, Any]) -> Completions:
    """How code may go on."""
    matches = document.get("matches")
    start, end = document.get("start"), document.get("end")
    if not isinstance(matches, list) or not _is_place(start) or not _is_place(end):
        return Completions()
    words = (match for match in matches[:1000] if isinstance(match, str))
    return Completions(tuple(words), start, end)
