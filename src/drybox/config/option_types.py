"""The types of options: how a value is written, and what is refused."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from drybox.backends.registry import check_weaker
from drybox.errors import InvalidRequest
from drybox.execution.validation import check_isolation, check_limits, check_timeout
from drybox.languages.registry import find_language
from drybox.model import ResourceLimits
from drybox.service.api_keys import HASH
from drybox.settings import Rate, check_fork_server
from drybox.units import parse_duration, parse_size

_WHOLE = re.compile(r"-?[0-9]{1,15}")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_RATE = re.compile(r"([1-9][0-9]{0,8})\s{0,9}/\s{0,9}(s|min|m|h|day)")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]{0,30}://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")
_RATE_SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "day": 86_400.0}
_FLAGS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


@dataclass(frozen=True, slots=True)
class OptionType:
    """What a key takes.

    Attributes:
        words: What people call it.
        check: Turns a value of a file into what drybox uses, or raises ``InvalidRequest``.
        parse_env: Turns the text of an environment variable into a file's value, where it can;
            else ``check`` refuses the text.
    """

    words: str
    check: Callable[[Any, str], Any]
    parse_env: Callable[[str], object] = str


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise _wrong(field, value, "text", 'a text in quotes, like "word"')
    return value


def _folder(value: Any, field: str) -> str:
    # Relative to what? To the current directory, which may be somebody else's.
    if not os.path.isabs(_text(value, field)):
        raise _wrong(field, value, "an absolute path", "the whole path, from / on")
    return str(value)


def _words(value: Any, field: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise _wrong(field, value, "a list of texts", 'a list like ["memory", "cpus"]')
    return tuple(value)


def _flag(value: Any, field: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(field, value, "true or false", "true or false")
    return value


def _count(value: Any, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise _wrong(field, value, "a count", "a whole number from 1 on")
    return value


def _port(value: Any, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 65535:
        raise _wrong(field, value, "a port", "a whole number from 0 to 65535")
    return value


def _size(value: Any, field: str) -> int:
    return _count(parse_size(value, field) if isinstance(value, str) else value, field)


def _size_or_zero(value: Any, field: str) -> int:
    return 0 if value in (0, "0") and not isinstance(value, bool) else _size(value, field)


def _duration(value: Any, field: str) -> float:
    return check_timeout(parse_duration(value, field) if isinstance(value, str) else value, field)


def _rate(value: Any, field: str) -> Rate:
    match = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise _wrong(field, value, "a rate", 'it like "10/s", "600/min" or "1000/h"')
    return Rate(int(match[1]), _RATE_SECONDS[match[2]])


def _long_duration(value: Any, field: str) -> float:
    """A duration without the bound that one program's has."""
    seconds = parse_duration(value, field) if isinstance(value, str) else value
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < 1e9:
        raise _wrong(field, value, "a duration", 'it like "2h", or a number of seconds')
    return float(seconds)


def _hashes(value: Any, field: str) -> tuple[str, ...]:
    hashes = value if isinstance(value, list) else [value]
    if not hashes or not all(isinstance(item, str) and HASH.fullmatch(item) for item in hashes):
        # What stands there may be the key itself, so it is not shown.
        raise InvalidRequest(
            field,
            "this is not a hash of a key",
            hint="Run 'drybox keys new NAME' and copy the hash that it prints.",
        )
    return tuple(hashes)


def _languages(value: Any, field: str) -> tuple[str, ...]:
    found = []
    for word in _words(value, field):
        language, version = find_language(word)
        if version:  # it would allow more than it says
            raise _wrong(field, word, "the name of a language", "it without a version")
        found.append(language.name)
    return tuple(found)


def _isolations(value: Any, field: str) -> tuple[str, ...]:
    return tuple(map(check_isolation, _words(value, field)))


def _origins(value: Any, field: str) -> tuple[str, ...]:
    words = _words(value, field)
    for word in words:
        if not _ORIGIN.fullmatch(word):  # as no browser names one, so it would never fit
            right = "it like https://app.example, in small letters and without a path"
            raise _wrong(field, word, "an origin", right)
    return words


def _weaker(value: Any, field: str) -> tuple[str, ...]:
    words = _words(value, field)
    check_weaker(words, field)
    return words


def limit_type(name: str) -> OptionType:
    """OptionType of one limit; its bounds are those of requests."""
    is_size = name in ("memory", "disk", "output")

    def check(value: Any, field: str) -> Any:
        if is_size and isinstance(value, str):
            value = parse_size(value, field)
        section = field.rpartition(".")[0]
        return getattr(check_limits(replace(ResourceLimits(), **{name: value}), section), name)

    if is_size:
        return OptionType("size", check)
    return (
        OptionType("number", check, _number_of)
        if name == "cpus"
        else OptionType("count", check, _whole_of)
    )


def _whole_of(text: str) -> object:
    return int(text) if _WHOLE.fullmatch(text) else text


def _number_of(text: str) -> object:
    return float(text) if _NUMBER.fullmatch(text) else text


def _wrong(field: str, value: object, what: str, right: str) -> InvalidRequest:
    try:
        shown = ascii(value)
    except ValueError:  # Python does not print integers of thousands of digits
        shown = "a huge number"
    shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
    return InvalidRequest(field, f"{shown} is not {what}", hint=f"Write {right}.")


TEXT = OptionType("text", _text)
WORDS = OptionType("list of texts", _words, lambda text: [word.strip() for word in text.split(",")])
FOLDER = OptionType("absolute path", _folder)
FLAG = OptionType("true or false", _flag, lambda text: _FLAGS.get(text.lower(), text))
COUNT = OptionType("count", _count, _whole_of)
DURATION = OptionType("duration", _duration)
PORT = OptionType("port", _port, _whole_of)
SIZE = OptionType("size", _size)
SIZE_OR_ZERO = OptionType("size, or 0", _size_or_zero)
RATE = OptionType("rate", _rate)
LONG_DURATION = OptionType("duration", _long_duration)
HASHES = OptionType("hash, or a list", _hashes, WORDS.parse_env)
LANGUAGES = OptionType("list of texts", _languages, WORDS.parse_env)
ISOLATION_WORDS = OptionType("list of texts", _isolations, WORDS.parse_env)
ORIGINS = OptionType("list of texts", _origins, WORDS.parse_env)
WEAKER = OptionType("list of texts", _weaker, WORDS.parse_env)
FORK_SERVER = OptionType("off, on or per-key", check_fork_server)
ISOLATION = OptionType("isolation", lambda value, _: check_isolation(value))
