"""The languages drybox knows, by name, alias and file suffix.

Another package adds its own through the entry point group ``drybox.languages``: an
object that is a ``drybox.languages.base.Language``.
"""

from __future__ import annotations

from functools import lru_cache

from drybox.errors import InvalidRequest
from drybox.languages.base import Language
from drybox.languages.bash import Bash
from drybox.languages.c import C
from drybox.languages.cpp import Cpp
from drybox.languages.entry_points import entry_points
from drybox.languages.go import Go
from drybox.languages.java import Java
from drybox.languages.node import Node
from drybox.languages.python import Python
from drybox.languages.rust import Rust
from drybox.languages.typescript import TypeScript


@lru_cache(maxsize=1)
def known_languages() -> dict[str, Language]:
    """Every language by its canonical name, drybox's own first."""
    own: tuple[Language, ...] = (
        Python(),
        Node(),
        Go(),
        Java(),
        Bash(),
        C(),
        Cpp(),
        TypeScript(),
        Rust(),
    )
    others = (point.load() for point in entry_points("drybox.languages"))
    return {language.name: language for language in (*own, *others)}


@lru_cache(maxsize=1)
def languages_by_word() -> dict[str, Language]:
    """Every language by each of its words; the first one keeps a word that two have."""
    found: dict[str, Language] = {}
    for language in known_languages().values():
        for word in (language.name, *language.aliases):
            found.setdefault(word, language)
    return found


def find_language(text: str) -> tuple[Language, str]:
    """The language and the version that ``python``, ``js`` or ``python@3.11`` ask for.

    Raises:
        InvalidRequest: There is no such language.
    """
    name, at, version = text.partition("@")
    languages = known_languages()
    words = languages_by_word()
    language = words.get(name.lower())
    if language is not None:
        if at and not all(part.isascii() and part.isdecimal() for part in version.split(".")):
            raise InvalidRequest(
                "language",
                f"{version!r} is not a version",
                hint=f"Write it like {language.name}@3 or {language.name}@3.11.",
            )
        return language, version
    import difflib  # only misuse needs it

    near = difflib.get_close_matches(name, words, 1)
    raise InvalidRequest(
        "language",
        f"{name[:100]!r} is not known",
        hint=(f"Did you mean {near[0]!r}? " if near else "") + f"There are {', '.join(languages)}.",
    )


def language_of_suffix(path: str) -> Language | None:
    """The language whose files end like this path, or None."""
    for language in known_languages().values():
        if path.lower().endswith(language.suffixes):
            return language
    return None
