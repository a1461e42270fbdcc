"""The isolations, guarantees and languages of an open executor."""

from __future__ import annotations

from contextlib import suppress

from drybox.backends.base import Support
from drybox.backends.registry import BUILT_IN_ISOLATIONS, may_serve
from drybox.backends.selection import BackendSelector
from drybox.errors import DryboxError
from drybox.execution.validation import Defaults
from drybox.languages.registry import find_language, known_languages
from drybox.model import LanguageInfo
from drybox.pool.pool import Pool
from drybox.settings import DockerSettings


class Inventory:
    """Answers what is here; see the executor's methods of the same names.

    Args:
        selector: The backends.
        defaults: What holds where a request says nothing.
    """

    def __init__(self, selector: BackendSelector[Pool], defaults: Defaults) -> None:
        self._selector = selector
        self._defaults = defaults

    async def check(self) -> list[Support]:
        """What each isolation can guarantee on this host, in the order of their words."""
        return await self._selector.check(self._defaults.isolation)

    async def probe(self, language: str) -> None:
        """Open a sandbox as a plain request would, and give it up: no hook or observer is told.

        Raises:
            Unsupported: A guarantee cannot be enforced here.
            Unavailable: No sandbox could be had.
        """
        defaults, (found, _) = self._defaults, find_language(language)
        await self._selector.probe(defaults.isolation, found, defaults.limits)

    async def prepare(self) -> None:
        """Make what programs of each language need, one language after the other.

        What cannot be made is told to whoever asks for it.
        """
        for language in known_languages().values():
            with suppress(DryboxError):
                pool = await self._selector.choose(self._defaults.isolation, language, "")
                await pool.prepare(language)

    async def languages(self) -> list[LanguageInfo]:
        """Every known language, and the version that the default isolation would run."""
        return [await self.language(name) for name in known_languages()]

    async def language(self, name: str) -> LanguageInfo:
        """One of them, by name or alias. The first time an image may have to be prepared.

        Raises:
            InvalidRequest: There is none of that name.
        """
        language, _ = find_language(name)
        versions: list[str] = []
        hint = ""
        try:
            backend = await self._selector.choose(self._defaults.isolation, language, "")
            versions = await backend.versions(language)
        except DryboxError as error:
            hint = error.hint
        return LanguageInfo(
            language.name,
            language.aliases,
            language.suffixes,
            versions[0] if versions else None,
            hint,
            tuple(versions),
        )


def usable_isolations(docker: DockerSettings | None) -> list[str]:
    """The words that ``isolation`` takes on this host, without asking whether they work."""
    return [
        "auto",
        *(isolation for isolation in BUILT_IN_ISOLATIONS if may_serve(isolation, docker)),
    ]
