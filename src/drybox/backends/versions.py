"""Which versions of a language a backend has, where it may have several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from drybox.backends.base import Backend
from drybox.languages.base import Language


@runtime_checkable
class VersionsBackend(Protocol):
    """A backend that may have several toolchains of a language."""

    async def versions(self, language: Language) -> Sequence[str]:
        """The versions that may be asked for, without a claim to be complete. Never raises."""


async def versions_of(backend: Backend, language: Language) -> list[str]:
    """Versions of a language that a backend has, the one that runs by default first.

    Raises:
        Unsupported: There is none; the hint says how to get it.
        Unavailable: The backend does not answer.
    """
    found = [await backend.version(language, "")]
    if isinstance(backend, VersionsBackend):
        found += await backend.versions(language)
    return list(dict.fromkeys(found))
