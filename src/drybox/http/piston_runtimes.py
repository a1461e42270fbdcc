"""The languages as Piston calls them, and which of them a request's version asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from drybox.http.semver import satisfies
from drybox.languages import known_languages
from drybox.model import LanguageInfo

_NAMES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "python": ("python", ("py", "py3", "python3")),
    "node": ("javascript", ("node-javascript", "node-js", "javascript", "js")),
    "go": ("go", ("go", "golang")),
}
"""Piston's name of a language and its aliases, in its order, where they are not drybox's."""

NAMED_BY_CONTENT = frozenset({"java"})
"""Languages whose compiler wants a file named after what is in it; Piston takes any name."""

_PARTS = re.compile(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:[-.]?([a-z]+[0-9a-z.]*))?")


@dataclass(frozen=True, slots=True)
class Runtime:
    """One language in one version.

    Attributes:
        name: The language's name in drybox.
        language: Its name in Piston.
        version: Its version, in the three numbers of SemVer.
        aliases: Its other names in Piston.
    """

    name: str
    language: str
    version: str
    aliases: tuple[str, ...]

    def document(self) -> dict[str, object]:
        """What ``GET runtimes`` says of it."""
        found: dict[str, object] = {
            "language": self.language,
            "version": self.version,
            "aliases": list(self.aliases),
        }
        return found if self.name == self.language else {**found, "runtime": self.name}

    def package(self) -> dict[str, object]:
        """What ``GET packages`` says of it."""
        return {"language": self.name, "language_version": self.version, "installed": True}


def make_runtimes(languages: Iterable[LanguageInfo]) -> tuple[Runtime, ...]:
    """The languages that can run here; drybox's own aliases count too."""
    runtimes = []
    for info in languages:
        if info.version is None:
            continue
        version = as_semver(info.version)
        aliases = _aliases(info.name, info.aliases)
        if info.name == "python":
            own = "python" + version.rpartition(".")[0]
            aliases = tuple(dict.fromkeys((*aliases[:3], own, *aliases[3:])))
        language, _ = _NAMES.get(info.name, (info.name, ()))
        runtimes.append(Runtime(info.name, language, version, aliases))
    return tuple(runtimes)


def find_name(language: str) -> str | None:
    """The language that one of Piston's names means in drybox, whether it can run here or not."""
    for known in known_languages().values():
        if language in (known.name, *_aliases(known.name, known.aliases)):
            return known.name
    return "python" if language.startswith("python3.") else None


def _aliases(name: str, own: tuple[str, ...]) -> tuple[str, ...]:
    language, aliases = _NAMES.get(name, (name, ()))
    more = (name, *own) if name != language else own
    return tuple(dict.fromkeys((*aliases, *more)))


def find_runtime(runtimes: Iterable[Runtime], language: str, versions: str) -> Runtime | None:
    """The runtime of a name or alias whose version is in a range, or None.

    Args:
        runtimes: Those there are.
        language: Name or alias, in Piston's own spelling: capitals count.
        versions: A range as npm takes it: ``*``, ``3.x``, ``^3.10.0``, ``>=3.10 <4``.
    """
    for runtime in runtimes:
        if language == runtime.language or language in runtime.aliases:
            return runtime if satisfies(runtime.version, versions) else None
    return None


def as_semver(version: str) -> str:
    """A toolchain's version as SemVer: ``1.26`` is 1.26.0, ``3.14.0rc1`` is 3.14.0-rc1."""
    parts = _PARTS.match(version)
    if parts is None:
        return "0.0.0"
    numbers = ".".join(str(int(part or 0)) for part in parts.group(1, 2, 3))
    return f"{numbers}-{parts[4]}" if parts[4] else numbers
