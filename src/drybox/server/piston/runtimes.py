"""The languages as Piston calls them, and which of them a request's version asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from drybox.environments.info import EnvironmentInfo
from drybox.languages.base import PistonNames
from drybox.languages.registry import known_languages
from drybox.model import LanguageInfo
from drybox.server.piston.semver import satisfies

_PARTS = re.compile(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:[-.]?([a-z]+[0-9a-z.]*))?")


@dataclass(frozen=True, slots=True)
class Runtime:
    """One language in one version.

    Attributes:
        name: The language's name in drybox.
        language: Its name in Piston.
        version: Its version, in the three numbers of SemVer.
        aliases: Its other names in Piston.
        environment: The environment that it runs programs in; None for none.
        toolchain: The version as the toolchain spells it; "" for the one that runs by default.
    """

    name: str
    language: str
    version: str
    aliases: tuple[str, ...]
    environment: str | None = None
    toolchain: str = ""

    @property
    def wanted(self) -> str:
        """What a request to drybox asks for."""
        return f"{self.name}@{self.toolchain}" if self.toolchain else self.name

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
        name = self.name if self.environment is None else self.language
        return {"language": name, "language_version": self.version, "installed": True}


def make_runtimes(languages: Iterable[LanguageInfo]) -> tuple[Runtime, ...]:
    """The languages that can run here, in every version; drybox's own aliases count too.

    Of each the version that runs by default comes first, then the newest.
    """
    return tuple(runtime for info in languages for runtime in _versions_of(info))


def _versions_of(info: LanguageInfo) -> Iterator[Runtime]:
    if info.version is None:
        return
    known = known_languages().get(info.name)
    names = known.piston if known else PistonNames(info.name)
    others = sorted(set(info.versions) - {info.version}, key=_numbers, reverse=True)
    seen = set()
    for toolchain in (info.version, *others):
        version = as_semver(toolchain)
        if version in seen:
            continue
        seen.add(version)
        minor = version.split(".")[1]
        aliases = [alias.format(minor=minor) for alias in _aliases(info.name, info.aliases, names)]
        asked = "" if toolchain == info.version else toolchain
        all_names = tuple(dict.fromkeys(aliases))
        yield Runtime(info.name, names.name, version, all_names, toolchain=asked)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def make_environment_runtimes(environments: Iterable[EnvironmentInfo]) -> tuple[Runtime, ...]:
    """Environments that are built, each a runtime of its own: ``python-data``, or ``data``."""
    runtimes = []
    for info in environments:
        if info.version is not None:
            alone = () if find_name(info.name) else (info.name,)
            version = as_semver(info.version)
            for language in info.languages or (info.language,):
                name = f"{language}-{info.name}"
                aliases = alone if language == info.language else ()
                runtimes.append(Runtime(language, name, version, aliases, info.name))
    return tuple(runtimes)


def find_name(language: str) -> str | None:
    """The language that one of Piston's names means in drybox, whether it can run here or not."""
    for known in known_languages().values():
        for alias in (known.name, *_aliases(known.name, known.aliases, known.piston)):
            start, mark, _ = alias.partition("{minor}")
            if language == alias or (mark and language.startswith(start)):
                return known.name
    return None


def _aliases(name: str, own: tuple[str, ...], names: PistonNames) -> tuple[str, ...]:
    more = (name, *own) if name != names.name else own
    return (*names.aliases, *more)


def find_runtime(runtimes: Iterable[Runtime], language: str, versions: str) -> Runtime | None:
    """The first runtime of a name or alias whose version is in a range, or None.

    Args:
        runtimes: Those there are.
        language: Name or alias, in Piston's own spelling: capitals count.
        versions: A range as npm takes it: ``*``, ``3.x``, ``^3.10.0``, ``>=3.10 <4``.
    """
    for runtime in runtimes:
        is_called = language == runtime.language or language in runtime.aliases
        if is_called and satisfies(runtime.version, versions):
            return runtime
    return None


def as_semver(version: str) -> str:
    """A toolchain's version as SemVer: ``1.26`` is 1.26.0, ``3.14.0rc1`` is 3.14.0-rc1."""
    parts = _PARTS.match(version)
    if parts is None:
        return "0.0.0"
    numbers = ".".join(str(int(part or 0)) for part in parts.group(1, 2, 3))
    return f"{numbers}-{parts[4]}" if parts[4] else numbers
