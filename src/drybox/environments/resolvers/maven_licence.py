"""What a package of Maven's says of its licence: in its own description, or in one above it."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from drybox.environments.resolvers.base import licence_word

MAX_POM = 4 << 20
"""Bytes of a description that are read."""

MAX_PARENTS = 16
"""Descriptions above one that are looked at; Jackson's have four."""

_WORD = re.compile(r"[A-Za-z0-9_][\w.-]*", re.ASCII)


def licence_of(jar: Path, name: str, version: str) -> str:
    """The licences that a package names; "" if none is found.

    Args:
        jar: Where Maven keeps it, in a repository with what is above it.
        name: Group and artifact, with a colon between them.
        version: Its version.
    """
    group, artifact = name.split(":")[:2]
    home = Path(*jar.parts[: -3 - len(group.split("."))])
    for _ in range(MAX_PARENTS):
        pom = home.joinpath(*group.split("."), artifact, version, f"{artifact}-{version}.pom")
        project = _read(pom)
        if project is None:
            return ""
        found = [_text(item, "name") for item in project.findall("licenses/license")]
        if any(found):
            return licence_word(" OR ".join(filter(None, found)))
        above = [_text(project, f"parent/{word}") for word in ("groupId", "artifactId", "version")]
        if not all(map(_WORD.fullmatch, above)):
            return ""
        group, artifact, version = above
    return ""


def _read(pom: Path) -> ElementTree.Element | None:
    """A description, without the names of its form; None if there is none that can be read."""
    try:
        with open(pom, "rb") as file:
            data = file.read(MAX_POM + 1)
    except OSError:
        return None
    # Entities could make any size of it, and Maven's own have none.
    if len(data) > MAX_POM or b"<!DOCTYPE" in data or b"\0" in data:
        return None
    try:
        project = ElementTree.fromstring(data)  # noqa: S314 - it has no entities
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
    for item in project.iter():
        item.tag = str(item.tag).rpartition("}")[2]
    return project


def _text(item: ElementTree.Element, path: str) -> str:
    return " ".join((item.findtext(path) or "").split())
