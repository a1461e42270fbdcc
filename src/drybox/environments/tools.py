"""Where the tools beside a toolchain come from on this machine."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator

from drybox.languages.base import Tool


def tool_choices(tool: Tool, home: str = "") -> Iterator[list[tuple[str, str]]]:
    """The ways to have a tool that are whole on this machine, best first.

    Args:
        tool: What is looked for.
        home: The toolchain's home here; "" if the toolchain is not this machine's.

    Yields:
        Names below the tool's ``mount``, each with what belongs there.
    """
    for choice in tool.choices:
        found = [(name, _resolve(path, home)) for name, path in choice]
        if all(os.path.exists(path) for _, path in found):
            yield found


def _resolve(path: str, home: str) -> str:
    """The path on this machine; "" if it has none."""
    if path.startswith("/"):
        return os.path.realpath(path)  # a sandbox has a link without what it leads to
    root, _, rest = path.partition("/")
    name = root.strip("{}")
    if name == "home":
        return home and os.path.join(home, rest)
    spec = importlib.util.find_spec(name)
    for folder in (spec and spec.submodule_search_locations) or ():
        return os.path.join(folder, rest).rstrip("/")
    return ""


def program_of(module: str, path: str) -> str:
    """A program that a Python module beside drybox carries; "" if there is none.

    Args:
        module: The module's name.
        path: Where the program is in its folder.
    """
    found = _resolve(f"{{{module}}}/{path}", "")
    return found if os.path.exists(found) else ""
