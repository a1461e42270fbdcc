"""Sizes and durations as people write them."""

from __future__ import annotations

import math
import re

from drybox.errors import InvalidRequest

_NUMBER = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)\s{0,9}([a-zµ]{0,3})", re.IGNORECASE | re.ASCII)
_BYTES = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_SECONDS = {"": 1.0, "s": 1.0, "ms": 1e-3, "m": 60.0, "min": 60.0, "h": 3600.0}


def parse_size(text: str, field: str) -> int:
    """Bytes from ``256MiB``, ``64m``, ``1.5g`` or ``1048576``; every unit is a power of 1024.

    Raises:
        InvalidRequest: It is not a size.
    """
    match = _NUMBER.fullmatch(text.strip())
    unit = re.sub(r"(?<=[kmgt])i?b$", "", match[2].lower()) if match else None
    if match is None or unit not in _BYTES:
        raise InvalidRequest(
            field, f"{text[:80]!r} is not a size", hint="Write it like 256m or 1GiB."
        )
    return (
        math.floor(float(match[1]) * _BYTES[unit])
        if "." in match[1]
        else int(match[1]) * _BYTES[unit]
    )


def parse_duration(text: str, field: str) -> float:
    """Seconds from ``10``, ``10s``, ``500ms``, ``2m`` or ``1h``.

    Raises:
        InvalidRequest: It is not a duration.
    """
    match = _NUMBER.fullmatch(text.strip())
    if match is None or match[2].lower() not in _SECONDS:
        raise InvalidRequest(
            field, f"{text[:80]!r} is not a duration", hint="Write it like 10s, 500ms or 2m."
        )
    return float(match[1]) * _SECONDS[match[2].lower()]


def show_size(size: int) -> str:
    """Bytes as people read them: ``12.3 MiB``."""
    for unit, bytes_ in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= bytes_:
            return f"{size / bytes_:.1f} {unit}"
    return f"{size} B"
