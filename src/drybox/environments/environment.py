"""What an environment is: a named set of packages for one language, and where it is once built."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drybox.environments.packages import check_words
from drybox.errors import InvalidRequest
from drybox.languages.base import EnvironmentLanguage, Language
from drybox.languages.registry import find_language, known_languages

NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
"""What an environment may be called."""

MAX_PRELOAD = 100
"""Modules that one may preload."""

_MODULE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}(?:\.[A-Za-z_][A-Za-z0-9_]{0,99}){0,19}")


@dataclass(frozen=True, slots=True)
class Environment:
    """A named set of packages for one language, built once and read-only in every sandbox.

    Attributes:
        name: Its name: small letters, digits, ``.``, ``-`` and ``_``.
        language: Name or alias, with an optional version: ``python``, ``python@3.11``.
        packages: Packages as the language writes them: ``numpy``, ``pandas==3.*``; perhaps none
            where something is preloaded.
        requirements: Absolute path of a file that lists them in the place of ``packages``, as the
            language has it: ``requirements.txt``, ``package.json``, ``go.mod``; None for none.
        preload: Modules imported once, in a process that sandboxes are forked from; Python only.

    Raises:
        InvalidRequest: One of these is wrong.
    """

    name: str
    language: str
    packages: Sequence[str] = ()
    requirements: str | os.PathLike[str] | None = None
    preload: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Check every field, so that whoever writes one wrong hears of it at once."""
        where = "environments"
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            raise InvalidRequest(
                where,
                f"{ascii(self.name)[:80]} is no name of an environment",
                hint="Use small letters, digits, '.', '-' and '_', like data.",
            )
        where = f"environments.{self.name}"
        if not isinstance(self.language, str):
            raise InvalidRequest(f"{where}.language", "it is no text", hint="Write 'python'.")
        try:
            language, _ = find_language(self.language)
        except InvalidRequest as error:
            problem = error.message.removeprefix(f"{error.field}: ")
            raise InvalidRequest(f"{where}.language", problem, hint=error.hint) from None
        if not isinstance(language, EnvironmentLanguage):
            raise InvalidRequest(
                f"{where}.language",
                f"{language.name} has no environments",
                hint="Put what the program needs into 'files'.",
            )
        packages = _texts(self.packages, f"{where}.packages")
        preload = _texts(self.preload, f"{where}.preload")
        object.__setattr__(self, "packages", check_words(packages, language, f"{where}.packages"))
        object.__setattr__(self, "preload", _check_preload(preload, language, where))
        object.__setattr__(self, "requirements", _check_file(self.requirements, language, where))
        is_given_twice = packages and self.requirements
        if is_given_twice or not (packages or self.requirements or preload):
            raise InvalidRequest(
                where,
                "it has packages and requirements" if packages else "it has no packages",
                hint=f"Give either packages, like [{language.packages.example!r}], or "  # type: ignore[union-attr]
                "requirements, the path of a file.",
            )

    @property
    def of(self) -> Language:
        """Its language."""
        return find_language(self.language)[0]

    @property
    def serves(self) -> tuple[str, ...]:
        """Names of the languages whose programs may have it, its own first.

        Those whose environments are made and found in the same way, as TypeScript's and Node.js's.
        """
        own = self.of
        assert isinstance(own, EnvironmentLanguage), "it has been looked at"
        others = (
            other.name
            for other in known_languages().values()
            if isinstance(other, EnvironmentLanguage) and other.environments == own.environments
        )
        return tuple(dict.fromkeys((own.name, *others)))

    @property
    def version(self) -> str:
        """The version of its language that was asked for, or ""."""
        return find_language(self.language)[1]


@dataclass(frozen=True, slots=True)
class BuiltEnvironment:
    """An environment as a sandbox has it. Those with the same content are the same.

    Attributes:
        digest: Of everything that is in it.
        folder: Where it is on this host; read-only, and whole.
        preload: Modules imported before a sandbox is forked.
    """

    digest: str
    folder: str
    preload: tuple[str, ...] = ()


def by_name(environments: Iterable[Environment]) -> dict[str, Environment]:
    """Environments by their names.

    Raises:
        InvalidRequest: Two have the same, or one is none.
    """
    found: dict[str, Environment] = {}
    for item in environments:
        if not isinstance(item, Environment):
            raise InvalidRequest(
                "environments",
                f"{ascii(item)[:80]} is no Environment",
                hint="Pass Environment('data', 'python', packages=['numpy']).",
            )
        if item.name in found:
            raise InvalidRequest(
                "environments", f"{item.name!r} is there twice", hint="Give each its own name."
            )
        found[item.name] = item
    return found


def find_environment(
    name: Any, environments: Mapping[str, Environment], language: Language | None = None
) -> Environment:
    """The environment of a name.

    Args:
        name: What was asked for.
        environments: Those there are.
        language: The language that it must serve; None for any.

    Raises:
        InvalidRequest: There is none of that name, or it is of another language.
    """
    found = environments.get(name) if isinstance(name, str) else None
    if found is None:
        import difflib  # only misuse needs it

        near = difflib.get_close_matches(str(name)[:100], environments, 1)
        there = f"There are {', '.join(environments)}."
        if not environments:
            there = "None is configured; [environments.NAME] of the configuration makes one."
        raise InvalidRequest(
            "environment",
            f"{ascii(name)[:80]} is not known",
            hint=(f"Did you mean {near[0]!r}? " if near else "") + there,
        )
    if language is None or found.of.name == language.name:
        return found  # known without a look at other languages
    if language.name not in found.serves:
        own = [item.name for item in environments.values() if language.name in item.serves]
        raise InvalidRequest(
            "environment",
            f"{found.name!r} is one of {found.of.name}, and the request is in {language.name}",
            hint=f"Those of {language.name} are {', '.join(own)}." if own else "Leave it out.",
        )
    return found


def version_in(environment: Environment, version: str) -> str:
    """The version of the language that a request in an environment runs in.

    Args:
        environment: The environment.
        version: What the request asks for, or "".

    Raises:
        InvalidRequest: The environment is for another one.
    """
    own = environment.version
    if not version or not own or f"{own}.".startswith(f"{version}."):
        return own or version
    if f"{version}.".startswith(f"{own}."):
        return version
    raise InvalidRequest(
        "environment",
        f"{environment.name!r} is for {environment.of.name} {own}, not {version}",
        hint=f"Ask for {environment.language}, or for the language without a version.",
    )


def _texts(values: Any, field: str) -> tuple[str, ...]:
    is_list = not isinstance(values, (str, bytes)) and isinstance(values, Iterable)
    words = tuple(values) if is_list else ()
    if not is_list or not all(isinstance(word, str) for word in words):
        raise InvalidRequest(field, "it is no list of texts", hint='Write it like ["numpy"].')
    return words


def _check_preload(preload: tuple[str, ...], language: Language, where: str) -> tuple[str, ...]:
    field = f"{where}.preload"
    assert isinstance(language, EnvironmentLanguage)
    if preload and language.environments.preload is None:
        raise InvalidRequest(
            field, f"nothing is preloaded for {language.name}", hint="Leave it out: Python only."
        )
    if len(preload) > MAX_PRELOAD:
        raise InvalidRequest(field, f"there are {len(preload)}", hint=f"At most {MAX_PRELOAD}.")
    for word in preload:
        if not _MODULE.fullmatch(word):
            raise InvalidRequest(
                field, f"{ascii(word)[:80]} is no module", hint="Write it like matplotlib.pyplot."
            )
    return preload


def _check_file(path: Any, language: Language, where: str) -> str | None:
    if path is None:
        return None
    assert isinstance(language, EnvironmentLanguage)
    names = language.environments.requirements
    if not names:
        raise InvalidRequest(
            f"{where}.requirements",
            f"{language.name} takes no file of requirements",
            hint="List the packages: packages = [...].",
        )
    text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else ""
    # Relative to what? To the current directory, which may be somebody else's.
    if not isinstance(text, str) or not os.path.isabs(text):
        raise InvalidRequest(
            f"{where}.requirements",
            f"{ascii(path)[:80]} is no absolute path",
            hint=f"Write the whole path of a {' or '.join(names)}, from / on.",
        )
    return text
