"""Programs that wait in idle sandboxes: sources that never run in drybox itself."""

from __future__ import annotations

import importlib.util
import marshal
import sys
from functools import lru_cache
from pathlib import Path


@lru_cache
def source(name: str) -> bytes:
    """The source of a prestarted process, by the name of its file."""
    return Path(__file__).with_name(name).read_bytes()


@lru_cache
def compiled(name: str, series: str) -> bytes | None:
    """A Python source as interpreters of a series load it without looking at the source (PEP 552).

    Args:
        name: Of its file.
        series: Such as ``3.11``.

    Returns:
        What goes into ``__pycache__``, or None where this interpreter is of another series. One
        that does not take it compiles the source, which is some 1 ms of work for each sandbox.
    """
    if (
        sys.implementation.name != "cpython"
        or series != f"{sys.version_info[0]}.{sys.version_info[1]}"
    ):
        return None
    code = compile(source(name), name, "exec", dont_inherit=True)
    unchecked, no_hash = b"\1\0\0\0", bytes(8)
    return importlib.util.MAGIC_NUMBER + unchecked + no_hash + marshal.dumps(code)
