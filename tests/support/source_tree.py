"""The source tree, as the house rules look at it."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"


def _modules() -> dict[str, Path]:
    """Every module of drybox by its name within the package; "" is the package itself."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE / "drybox").with_suffix("").parts
        found[".".join(parts).removesuffix("__init__").rstrip(".")] = path
    return found


MODULES = _modules()
each_module = pytest.mark.parametrize("name", MODULES, ids=lambda name: name or "drybox")
