"""The languages drybox knows, by name, alias and file suffix.

Another package adds its own through the entry point group ``drybox.languages``: an
object that is a ``drybox.languages.base.Language``.
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import import_module

from drybox.errors import InvalidRequest
from drybox.languages.base import Language
from drybox.languages.entry_points import entry_points

OWN = {
    "python": "Python",
    "node": "Node",
    "go": "Go",
    "java": "Java",
    "bash": "Bash",
    "c": "C",
    "cpp": "Cpp",
    "typescript": "TypeScript",
    "rust": "Rust",
}
"""drybox's own languages: the canonical name, which is that of the module too, and the class.

A module is loaded once its language is asked for: a command that runs one needs no others.
"""


@cache
def _own_language(name: str) -> Language:
    language: Language = getattr(import_module(f"drybox.languages.{name}"), OWN[name])()
    return language


@lru_cache(maxsize=1)
def known_languages() -> dict[str, Language]:
    """Every language by its canonical name, drybox's own first."""
    others = (point.load() for point in entry_points("drybox.languages"))
    return {language.name: language for language in (*map(_own_language, OWN), *others)}


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
    if not isinstance(text, str):
        raise InvalidRequest("language", f"{ascii(text)[:80]} is no text", hint="Write 'python'.")
    name, at, version = text.partition("@")
    language = _by_word(name.lower())
    if language is not None:
        if at and not all(part.isascii() and part.isdecimal() for part in version.split(".")):
            raise InvalidRequest(
                "language",
                f"{version!r} is not a version",
                hint=f"Write it like {language.name}@3 or {language.name}@3.11.",
            )
        return language, version
    import difflib  # only misuse needs it

    near = difflib.get_close_matches(name, languages_by_word(), 1)
    raise InvalidRequest(
        "language",
        f"{name[:100]!r} is not known",
        hint=(f"Did you mean {near[0]!r}? " if near else "")
        + f"There are {', '.join(known_languages())}.",
    )


@lru_cache(maxsize=1)
def _are_there_others() -> bool:
    """Whether other packages bring languages, which may have a name or word of drybox's own."""
    return bool(entry_points("drybox.languages"))


def _by_word(word: str) -> Language | None:
    """The language of a word; of drybox's own the only one that is loaded, if it is a name."""
    if word in OWN and not _are_there_others():
        return _own_language(word)
    return languages_by_word().get(word)


def language_of_suffix(path: str) -> Language | None:
    """The language whose files end like this path, or None.

    ``.C`` is C++, as compilers have it; else capital letters count as small ones.
    """
    for written in (path, path.lower()):
        for language in known_languages().values():
            if written.endswith(language.suffixes):
                return language
    return None
