"""Words, input and variables of a request: what is wrong with them, and where."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from drybox.errors import InvalidRequest
from drybox.model import KIB, MIB

MAX_STDIN = 64 * MIB
MAX_WORDS = 512 * KIB  # bytes of arguments, and of environment
MAX_WORD = 128 * KIB - 1  # bytes of one argument, the kernel's bound
MAX_WORD_COUNT = 20_000  # arguments or variables; the kernel counts eight more bytes for each

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def check_env(env: Any) -> dict[str, str]:
    """Variables of a program.

    Raises:
        InvalidRequest: They are none, or too many.
    """
    if env is None:
        return {}
    expect(env, Mapping, "env", "Pass a mapping of names to values.")
    if not env:
        return {}
    if not (_size(env) and _size(env.values()) and all(map(_ENV_NAME.fullmatch, env))):
        for name, value in env.items():
            if not isinstance(name, str) or not _ENV_NAME.fullmatch(name):
                raise InvalidRequest(
                    "env", f"{show(name)} is not a name", hint="Use letters, digits and '_'."
                )
            expect(value, str, f"env[{name!r}]", "Pass text.")
            encoded(value, f"env[{name!r}]")
    check_words("env", [f"{name}={value}" for name, value in env.items()])
    return dict(env)


def check_words(field: str, words: Sequence[str]) -> tuple[str, ...]:
    """Words that a program may be given.

    Raises:
        InvalidRequest: One is too long, or they are.
    """
    if not words:
        return ()
    if len(words) > MAX_WORD_COUNT:
        raise InvalidRequest(field, f"there are {len(words)}", hint=f"At most {MAX_WORD_COUNT}.")
    total = _size(words)
    if total is None or max(map(len, words)) > MAX_WORD // 4:  # bytes of a character
        total = _size_of_each(field, words)
    if total > MAX_WORDS:
        raise InvalidRequest(
            field, f"it has {total:,} bytes together", hint=f"Pass at most {MAX_WORDS:,}."
        )
    return tuple(words)


def _size(words: Iterable[Any]) -> int | None:
    """Bytes of words with an end each; None if one is no text that a program can be given.

    A request may have tens of thousands of them, and whoever waits for the event loop waits for
    this: so they are looked at together, and one by one only where something is wrong.
    """
    words = tuple(words)
    try:
        joined = "\0".join(words)
        return None if joined.count("\0") >= len(words) else len(joined.encode()) + 1
    except (TypeError, UnicodeEncodeError):
        return None


def _size_of_each(field: str, words: Sequence[str]) -> int:
    total = 0
    for index, word in enumerate(words):
        size = len(encoded(word, f"{field}[{index}]"))
        total += size + 1
        if "\0" in word:
            raise InvalidRequest(f"{field}[{index}]", "it has a NUL", hint="Remove the NUL.")
        if size > MAX_WORD:
            raise InvalidRequest(
                f"{field}[{index}]", f"it has {size:,} bytes", hint=f"Pass at most {MAX_WORD:,}."
            )
    return total


def check_stdin(stdin: Any) -> bytes:
    """The whole input of a program.

    Raises:
        InvalidRequest: It is none, or too long.
    """
    data = content_of(stdin, "stdin")
    if len(data) > MAX_STDIN:
        raise InvalidRequest("stdin", f"it has {len(data):,} bytes", hint=f"At most {MAX_STDIN:,}.")
    return data


def strings(field: str, values: Any) -> tuple[str, ...]:
    """A list of texts.

    Raises:
        InvalidRequest: It is none.
    """
    if type(values) in (tuple, list) and not values:
        return ()
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise InvalidRequest(field, f"{show(values)} is not a list", hint="Pass a list of texts.")
    words = tuple(values)
    if {*map(type, words)} - {str}:
        for index, word in enumerate(words):
            expect(word, str, f"{field}[{index}]", "Pass text.")
    return words


def content_of(content: Any, field: str) -> bytes:
    """Bytes of text or of bytes.

    Raises:
        InvalidRequest: It is neither.
    """
    if isinstance(content, str):
        return encoded(content, field)
    if isinstance(content, (bytes, bytearray, memoryview)):
        return bytes(content)
    raise InvalidRequest(field, f"{show(content)} is neither text nor bytes", hint="Pass either.")


def encoded(text: str, field: str) -> bytes:
    """Text as UTF-8.

    Raises:
        InvalidRequest: It cannot be.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(
            field,
            f"position {error.start} holds half a character (a lone surrogate)",
            hint="Pass well-formed text, or bytes where they are allowed.",
        ) from error


def expect(value: Any, kind: type, field: str, hint: str) -> None:
    """See that a value is of a type.

    Raises:
        InvalidRequest: It is not.
    """
    if not isinstance(value, kind):
        raise InvalidRequest(field, f"{show(value)} is no {kind.__name__}", hint=hint)


def show(value: Any) -> str:
    """A value as messages name it: at most 80 characters of ASCII."""
    try:
        text = ascii(value)
    except ValueError:  # Python does not print integers of thousands of digits
        text = f"a huge {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."


def no_field(name: str, known: Sequence[str], of: str) -> InvalidRequest:
    """A field of a name that there is not.

    Args:
        name: The name.
        known: Those that there are.
        of: What has them.
    """
    from difflib import get_close_matches  # of no use to a request that is right

    near = get_close_matches(name, known, 1)
    meant = f"Did you mean {near[0]!r}? " if near else ""
    hint = f"{meant}The fields of {of} are {', '.join(known)}."
    return InvalidRequest("fields", f"there is no field {name[:80]!r}", hint=hint)
