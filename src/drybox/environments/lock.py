"""A lock: the exact archives of an environment with their hashes, for one kind of toolchain."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from drybox.environments.store import DIGEST, Package
from drybox.errors import InvalidRequest

FORMAT = 1

MAX_LOCK = 64 << 20
"""Bytes of a lock that are read."""

MAX_PACKAGES = 10_000
"""Packages of one environment, with all that they need."""


@dataclass(frozen=True, slots=True)
class Lock:
    """What an environment consists of.

    Attributes:
        name: The environment's name.
        language: Its language.
        definition: Digest of what it was resolved from; see ``definition.definition_of``.
        target: What the packages must fit, for people: ``CPython 3.11, manylinux_2_36_x86_64``.
        target_digest: Digest of all facts of that.
        packages: Every package, by name.
        notes: What the resolver needs to know again, by file name.
        digest: Of the content that was built from it; "" as long as nothing was.
    """

    name: str
    language: str
    definition: str
    target: str
    target_digest: str
    packages: tuple[Package, ...]
    notes: Mapping[str, str]
    digest: str = ""

    @property
    def identity(self) -> str:
        """Another one whenever something else would be built."""
        facts = (self.definition, self.target_digest, self.packages, sorted(self.notes.items()))
        return hashlib.sha256(ascii(facts).encode()).hexdigest()[:32]

    def built(self, digest: str) -> Lock:
        """The same, once it is known what comes of it."""
        return replace(self, digest=digest)

    def to_json(self) -> str:
        """It as a document."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, sort_keys=True) + "\n"

    @classmethod
    def of_json(cls, text: str) -> Lock:
        """What a document says.

        Raises:
            ValueError: It is no lock, or one of another format.
        """
        try:
            document = json.loads(text)
            if document.pop("format") != FORMAT:
                raise ValueError("it is a lock of another version of drybox")
            packages = tuple(_package(item) for item in document.pop("packages"))
            notes = {str(name): str(note) for name, note in document.pop("notes").items()}
            found = cls(**document, packages=packages, notes=notes)
        except (AttributeError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"it is no lock: {error}") from error
        words = (found.name, found.language, found.definition, found.target, found.target_digest)
        if not all(isinstance(word, str) for word in (*words, found.digest)):
            raise ValueError("it has something else where texts belong")
        if found.digest and not DIGEST.fullmatch(found.digest):
            raise ValueError("its digest is none")
        return found


def read_lock(path: Path, field: str = "lock") -> Lock:
    """The lock in a file.

    Raises:
        InvalidRequest: There is none in it.
    """
    try:
        with open(path, encoding="utf-8") as file:
            return Lock.of_json(file.read(MAX_LOCK))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise InvalidRequest(
            field, f"{str(path)!r} cannot be used: {why}", hint="Write one: drybox env lock NAME"
        ) from error


def _package(item: Mapping[str, Any]) -> Package:
    found = Package(**item)
    words = (found.name, found.version, found.licence, found.archive, found.sha256)
    if not all(isinstance(word, str) for word in words) or type(found.size) is not int:
        raise ValueError("one of its packages is none")
    name = found.archive
    # It becomes a file's name; nothing that a lock says may lead out of a folder.
    if name and (name in (".", "..") or "/" in name or "\0" in name or len(name) > 255):
        raise ValueError(f"{name[:80]!r} is no name of an archive")
    return found
